"""Every program that any plan uses: all architectures, formats, schedules and cache types."""

from collections.abc import Iterator
from functools import cache

import tiny_models
from wgslm.gpu import SUBGROUPS, SUBGROUPS_OF_8, Program
from wgslm.kernels.attention import KvType
from wgslm.kernels.schedule import SOFTWARE, VARIANTS, Schedule, choose
from wgslm.models import read_model
from wgslm.plan import Plan
from wgslm.plan.lower import lower
from wgslm.plan.tensors import Tensors
from wgslm.quants import QUANTS, Quant

BINDING_NBYTES = 128 << 20
FEATURES = frozenset({SUBGROUPS, SUBGROUPS_OF_8})
SCHEDULES = (  # every variant, and every way to reduce
    SOFTWARE,
    choose("software", FEATURES),
    *(choose("gpu", FEATURES, {"one": one.name}) for one in VARIANTS["one"]),
    *(
        choose("gpu", frozenset(), {"many": many.name})
        for many in VARIANTS["many"]
        if not many.needs
    ),
)


def tiny_plan(
    name: str,
    quant: Quant,
    schedule: Schedule,
    size: int = 1,
    kv: KvType = "f16",
    *,
    each: bool = False,
    binding_nbytes: int = BINDING_NBYTES,
) -> Plan:
    """Return a plan of a tiny model."""
    directory = tiny_models.directory(name, quant)
    operations = read_model(directory, None).record(
        Tensors(directory.tensors, binding_nbytes), each=each
    )
    return lower(operations, size, tiny_models.CONTEXT, kv, schedule)


@cache
def all_programs() -> tuple[Program, ...]:
    """Return them without repetition, repacking included."""
    found = [Program("repack"), Program("subgroup_lanes")]
    for plan in _plans():
        found += [dispatch.program for dispatch in plan.dispatches]
    return tuple(dict.fromkeys(found))


def _plans() -> Iterator[Plan]:
    for name in tiny_models.ARCHITECTURES:
        for quant in QUANTS:
            for schedule in SCHEDULES:
                for size in (1, 16):
                    yield tiny_plan(name, quant, schedule, size, "f16")
                yield tiny_plan(name, quant, schedule, 16, "f32", each=True)
