"""Every program that any plan uses: all architectures, formats, schedules and cache types."""

from collections.abc import Iterator
from functools import cache

import tiny_models
from wgslm.gpu import Program
from wgslm.kernels.attention import KvType
from wgslm.kernels.schedule import GPU, SOFTWARE, Schedule, choose
from wgslm.models import read_model
from wgslm.plan import Plan
from wgslm.plan.lower import lower
from wgslm.plan.tensors import Tensors
from wgslm.quants import QUANTS, Quant

BINDING_NBYTES = 128 << 20
SUBGROUPS = frozenset({"subgroups"})
WITH_SUBGROUPS = (choose("software", SUBGROUPS), choose("gpu", SUBGROUPS))


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
    found = [Program("repack")]
    for plan in _plans():
        found += [d.program for d in (*plan.dispatches, *plan.candidates)]
    return tuple(dict.fromkeys(found))


def _plans() -> Iterator[Plan]:
    for name in tiny_models.ARCHITECTURES:
        for quant in QUANTS:
            for schedule in (SOFTWARE, GPU, *WITH_SUBGROUPS):
                for size in (1, 16):
                    yield tiny_plan(name, quant, schedule, size, "f16")
                yield tiny_plan(name, quant, schedule, 16, "f32", each=True)
