"""Where the time of a decode step goes: seconds by kernel, format and shape."""

from collections.abc import Sequence
from dataclasses import dataclass

from wgslm.bench.traffic import Row, rows
from wgslm.engine import Engine

RUNS = 5  # summed up: a browser rounds its timestamps
GPU_CLOCK = "GPU timestamps, a pass for each dispatch"
WALL_CLOCK = "wall clock, a submit and a wait for each dispatch: this adapter has no timestamps"


@dataclass(frozen=True)
class KernelTime:
    """What all dispatches of one kind take in one decode step."""

    kernel: str
    quant: str
    shape: str  # of the weights; of the grid where there are none
    dispatches: int
    seconds: float
    weight_bytes: int

    @property
    def bytes_per_second(self) -> float:
        """The rate at which it reads weights."""
        return self.weight_bytes / self.seconds if self.seconds > 0 else 0.0


def clock(engine: Engine) -> str:
    """Say what the times are taken from."""
    return GPU_CLOCK if engine.device.has_timestamps else WALL_CLOCK


async def kernel_times(engine: Engine, depth: int) -> list[KernelTime]:
    """Measure a decode step behind `depth` tokens; the longest kernels first."""
    executor = engine.session.executor
    engine.session.forget()  # what the cache holds plays no role for the time
    await executor.profile([1], depth)
    sums: list[float] = []
    for _ in range(RUNS):
        plan, seconds = await executor.profile([1], depth)
        sums = [a + b for a, b in zip(sums or [0.0] * len(seconds), seconds, strict=True)]
    found = list(rows(plan, engine.header, engine.device.limits.binding_nbytes))
    return _grouped(found, [total / RUNS for total in sums])


def _grouped(found: Sequence[Row], seconds: Sequence[float]) -> list[KernelTime]:
    kinds: dict[tuple[str, str, str], list[tuple[Row, float]]] = {}
    for row, spent in zip(found, seconds, strict=True):
        shape = row.weights or "grid " + "x".join(map(str, row.grid))
        kinds.setdefault((row.kernel, row.quant, shape), []).append((row, spent))
    times = [
        KernelTime(
            *kind,
            len(pairs),
            sum(spent for _, spent in pairs),
            sum(row.weight_bytes for row, _ in pairs),
        )
        for kind, pairs in kinds.items()
    ]
    return sorted(times, key=lambda time: -time.seconds)
