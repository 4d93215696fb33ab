"""Small tasks for programs, each with an answer computed in plain Python.

A case runs the very program that a model's plan dispatches, so that nothing is compiled for it.
"""

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from wgslm.gpu import Program
from wgslm.kernels import STEP, STEP_IDS, Dispatch, Ref
from wgslm.kernels.schedule import Schedule
from wgslm.quants import QUANTS, Quant

EXACT = 1e-4  # f32 sums of some thousand terms, and WGSL's exp
ROUNDED = 0.15  # where a variant rounds inputs to 1/127 of the largest of each 32
Read = Callable[[bytes], Sequence[float]]
BY_NAME = {quant.name: quant for quant in QUANTS}


@dataclass(frozen=True)
class Case:
    """Dispatches over `memory` (weights apart), of which `result` becomes `expected`."""

    dispatches: tuple[Dispatch, ...]
    memory: Mapping[Ref, bytes]
    result: Ref
    expected: Sequence[float]
    tolerance: float = EXACT  # of the largest expected value
    read: Read = lambda data: array("f", data)

    @property
    def programs(self) -> tuple[Program, ...]:
        """What it examines."""
        return tuple(dict.fromkeys(dispatch.program for dispatch in self.dispatches))


def numbers(count: int, salt: int = 0) -> list[float]:
    """Return numbers between -1 and 1, exact in f32, no two neighbours alike."""
    return [((37 * i + 11 * salt + 5) % 64 - 31.5) / 32 for i in range(count)]


def scratch(name: str) -> Ref:
    """Return memory of a case."""
    return Ref("slot", name)


def step_bytes(count: int, position: int = 0, wanted: int = 1, ids: Sequence[int] = ()) -> bytes:
    """Return a step buffer."""
    return array("I", [count, position, wanted, *[0] * (STEP_IDS - 3), *ids, 0]).tobytes()


def quant_of(program: Program, name: str = "quant") -> Quant | None:
    """Return the format that a program decodes under a name, if it does."""
    file = dict(program.bound).get(name, "").partition(" as ")[0]
    return BY_NAME[file.removeprefix("quants/")] if file.startswith("quants/") else None


def with_step(dispatch: Dispatch, name: str, **others: Ref) -> Dispatch:
    """Bind another step buffer: a case may hold several steps."""
    changed = {STEP.name: scratch(name), **others}
    return replace(dispatch, bindings={**dispatch.bindings, **changed})


def cases(programs: Sequence[Program], schedule: Schedule) -> list[Case]:
    """Return what examines the programs of a plan made with a schedule."""
    from wgslm.selftest import attention, products, rows, sampling

    makers: dict[str, Callable[[Program, Schedule], Case]] = {
        **products.MAKERS,
        **rows.MAKERS,
        **attention.MAKERS,
        **sampling.MAKERS,
    }
    found: list[Case] = []
    examined: set[Program] = set()
    for program in dict.fromkeys(programs):
        if program not in examined:
            found.append(makers[program.shader](program, schedule))
            examined |= set(found[-1].programs)
            assert program in examined, f"{program} is not what {found[-1].programs} examine"
    return found
