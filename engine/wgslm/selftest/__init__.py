"""Do a model's own kernels compute rightly on this adapter? Small tasks with known answers.

Drivers miscompile, and a model that answers nonsense names nobody. All cases run in one submit and
are read back at once.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from wgslm.gpu import ALIGNMENT, Buffer, Device, Job, Program, View
from wgslm.kernels import Dispatch, Ref
from wgslm.kernels.schedule import Schedule
from wgslm.quants import Quant
from wgslm.selftest.cases import Case, cases, quant_of
from wgslm.selftest.known import KnownSource
from wgslm.weights import Stored, free, load_weights


@dataclass(frozen=True)
class Wrong:
    """A value that is not what it must be, and the programs that may have made it so."""

    programs: tuple[Program, ...]
    index: int
    expected: float
    got: float

    def __str__(self) -> str:
        """Return what follows "the adapter computes"."""
        names = " and ".join(dict.fromkeys(program.source().name for program in self.programs))
        return (
            f"{names} wrongly: value {self.index} of its self-test is {self.got:.7g}, "
            f"it must be {self.expected:.7g}"
        )


class SelfTest:
    """Examines programs on a device; what was found is remembered."""

    def __init__(self, device: Device) -> None:
        """Examine nothing yet."""
        self._device = device
        self._weights: dict[Quant, tuple[Stored, ...]] = {}
        self._cases: dict[Program, Case] = {}
        self._found: dict[Program, Wrong | None] = {}

    async def prepare(self, programs: Sequence[Program], schedule: Schedule) -> None:
        """Work out the answers for programs of a schedule's plans, and load what they need."""
        unknown = [program for program in programs if program not in self._cases]
        for case in cases(unknown, schedule):
            self._cases |= dict.fromkeys(case.programs, case)
        quants = {quant_of(p, name) for p in unknown for name in ("quant", "second")}
        missing = sorted(filter(None, quants - self._weights.keys()), key=lambda quant: quant.name)
        if missing:
            source = KnownSource(missing)
            weights, _ = await load_weights(
                self._device, [source], source.stacks, lambda done, total: None
            )
            self._weights |= {quant: weights[quant.name] for quant in missing}

    async def examine(self, programs: Sequence[Program], schedule: Schedule) -> list[Wrong]:
        """Return what is wrong with programs, once compiled, of a schedule's plans."""
        await self.prepare(programs, schedule)
        new = [self._cases[program] for program in programs if program not in self._found]
        unique = list({id(case): case for case in new}.values())
        for case, data in zip(unique, await self._run(unique), strict=True):
            wrong = _compare(case, data)
            self._found |= dict.fromkeys(case.programs, wrong)
        wrongs = [wrong for program in programs if (wrong := self._found[program])]
        return list(dict.fromkeys(wrongs))

    def is_wrong(self, program: Program) -> bool:
        """Say whether a program was examined and found wrong."""
        return self._found.get(program) is not None

    def close(self) -> None:
        """Free what was loaded."""
        free(self._device, {quant.name: stored for quant, stored in self._weights.items()})
        self._weights.clear()

    async def _run(self, cases: Sequence[Case]) -> list[bytes]:
        """Run cases and return the bytes of their results."""
        if not cases:
            return []
        await self._device.compile([program for case in cases for program in case.programs])
        contents = [(kind, content) for kind, content in _contents(cases) if content]
        arenas = [_Arena(self._device, *one) for one in contents]
        try:
            places = {key: view for arena in arenas for key, view in arena.views.items()}
            jobs = [
                self._job(number, dispatch, places)
                for number, case in enumerate(cases)
                for dispatch in case.dispatches
            ]
            recording = self._device.record(jobs)
            try:
                self._device.submit(recording)
                written = arenas[-1]
                data = await self._device.read(View(written.buffer, 0, written.buffer.nbytes))
            finally:
                self._device.release(recording)
        finally:
            for arena in arenas:
                self._device.destroy_buffer(arena.buffer)
        starts = [places[number, case.result].offset for number, case in enumerate(cases)]
        sizes = [len(case.memory[case.result]) for case in cases]
        return [data[at : at + size] for at, size in zip(starts, sizes, strict=True)]

    def _job(self, number: int, dispatch: Dispatch, places: "Mapping[Key, View]") -> Job:
        shader = dispatch.program.source()
        views = []
        for binding in shader.bindings:
            if binding.access != "uniform":
                ref = dispatch.bindings[binding.name]
                views.append(self._view(ref) or places[number, ref])
        return Job(dispatch.program, shader.pack(dispatch.params), tuple(views), dispatch.grid)

    def _view(self, ref: Ref) -> View | None:
        for quant, (stored,) in self._weights.items():
            if ref.kind == "weight" and ref.name == quant.name:
                return stored.view(ref)
        return None


Key = tuple[int, Ref]  # of a case's memory


class _Arena:
    """One buffer that holds the memory of all cases that is used alike."""

    def __init__(self, device: Device, name: str, content: Mapping[Key, bytes]) -> None:
        """Create and fill it."""
        starts: dict[Key, int] = {}
        data = bytearray()
        for key, part in content.items():
            starts[key] = len(data)
            data += part + bytes(-len(part) % ALIGNMENT)
        self.buffer: Buffer = device.create_buffer(len(data), f"self-test, {name}")
        device.write(self.buffer, 0, bytes(data))
        self.views = {  # whole vectors: shaders read f32 [70] as vec4f, too
            key: View(self.buffer, starts[key], -(-len(part) // 16) * 16)
            for key, part in content.items()
        }


def _contents(cases: Sequence[Case]) -> Iterator[tuple[str, Mapping[Key, bytes]]]:
    """Sort the cases' memory: only read, written and read, only written.

    A dispatch must not read one part of a buffer and write another.
    """
    kinds: dict[str, dict[Key, bytes]] = {"read": {}, "changed": {}, "written": {}}
    for number, case in enumerate(cases):
        read: set[Ref] = set()
        written: set[Ref] = set()
        for dispatch in case.dispatches:
            for binding in dispatch.program.source().bindings:
                if binding.access != "uniform":
                    into = written if binding.is_written else read
                    into.add(dispatch.bindings[binding.name])
        for ref, data in case.memory.items():
            kind = "read" if ref not in written else "changed" if ref in read else "written"
            kinds[kind][number, ref] = data
    yield from kinds.items()


def _compare(case: Case, data: bytes) -> Wrong | None:
    got = case.read(data)
    most = max(map(abs, case.expected))
    if len(got) != len(case.expected):
        return Wrong(case.programs, len(got), case.expected[-1], math.nan)
    for index, (a, b) in enumerate(zip(case.expected, got, strict=True)):
        if not abs(a - b) <= case.tolerance * most:
            return Wrong(case.programs, index, a, b)
    return None
