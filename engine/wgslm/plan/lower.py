"""Operations become dispatches."""

from wgslm.kernels.attention import KvType
from wgslm.kernels.schedule import FUSED, Schedule
from wgslm.plan import Plan
from wgslm.plan.fused import Fused
from wgslm.plan.operations import Attention, Head, Operation
from wgslm.plan.reference import Lowering


def lower(
    operations: list[Operation],
    size: int,
    context: int,
    kv: KvType,
    schedule: Schedule,
) -> Plan:
    """Return the plan of a step of up to `size` tokens; one token is fused where fusing pays."""
    lowering = (Fused if schedule.lowering == FUSED and size == 1 else Lowering)(
        size, context, kv, schedule
    )
    for operation in operations:
        lowering.add(operation)
    head = operations[-1]
    assert isinstance(head, Head), "a model ends with its head"
    return Plan(
        size,
        tuple(lowering.dispatches),
        tuple(lowering.candidates),
        lowering.slots,
        tuple(lowering.states.values()),
        head.logits.ref,
        head.w.matrix.rows,
        sum(isinstance(operation, Attention) for operation in operations),
    )
