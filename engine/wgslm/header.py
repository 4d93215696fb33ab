"""What a model's files say and what they would need, before a weight is read."""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from wgslm.errors import GgufError, LimitError, RequestError
from wgslm.gguf import Directory, read_directory
from wgslm.gpu import Device, Limits
from wgslm.kernels.attention import KvType
from wgslm.kernels.schedule import Schedule, choose
from wgslm.models import Model, read_model
from wgslm.models.config import MOST_HEAD_DIM
from wgslm.plan import Plan
from wgslm.plan.lower import lower
from wgslm.plan.memory import merged, share
from wgslm.plan.operations import Operation
from wgslm.plan.tensors import Tensors
from wgslm.sampling import Sampling
from wgslm.sources import ByteSource, Location, open_parts
from wgslm.weights import Stack, stored_nbytes

SIZES = (1, 16, 128, 512)  # tokens of a step; the smallest that holds a step's tokens runs it
EACH_SIZE = 16  # when the logits of every token are asked for
DEFAULT_CONTEXT = 4096
SMALLER_CONTEXTS = (16384, 8192, 4096, 2048, 1024, 512)  # that are tried when one does not fit
# What a GGUF may recommend, general.sampling.*, by our names for it.
RECOMMENDED = {
    "temperature": "temp",
    "top_k": "top_k",
    "top_p": "top_p",
    "min_p": "min_p",
    "repeat_penalty": "penalty_repeat",
    "repeat_last_n": "penalty_last_n",
    "xtc_probability": "xtc_probability",
    "xtc_threshold": "xtc_threshold",
    "mirostat": "mirostat",
    "mirostat_tau": "mirostat_tau",
    "mirostat_eta": "mirostat_eta",
}


@dataclass(frozen=True)
class Preflight:
    """What a header says, before anything is loaded."""

    architecture: str
    parameters: int
    quant: str
    context_length: int
    nbytes: int
    memory: int  # bytes on the GPU: weights, cache, activations
    fits: bool
    why: str
    context: int = 0  # that was asked about
    fitting: int = 0  # the largest context that fits, of those below it; 0 without one
    binding: int = 0  # bytes: the largest buffer that this adapter binds


@dataclass(frozen=True)
class Header:
    """An opened file: its parts, its directory, and the model that they describe."""

    name: str
    parts: tuple[ByteSource, ...]
    directory: Directory
    model: Model
    sampling: Sampling  # that the file recommends

    @property
    def parameters(self) -> int:
        """Weights in all tensors."""
        return sum(info.row * info.rows for info in self.directory.tensors.values())

    @property
    def quant(self) -> str:
        """The format that most bytes are in."""
        nbytes: Counter[str] = Counter()
        for info in self.directory.tensors.values():
            nbytes[info.quant.label] += info.nbytes
        return nbytes.most_common(1)[0][0]

    @property
    def ignored(self) -> tuple[str, ...]:
        """Keys that change answers and that nothing here reads: llama.cpp may, or may not."""
        return tuple(self.directory.unread())

    @property
    def nbytes(self) -> int:
        """Bytes of all weights."""
        return sum(info.nbytes for info in self.directory.tensors.values())

    def context(self, wanted: int | None) -> int:
        """Return the context to load with; refuse more than the model was made for."""
        most = self.model.config.context_length
        if wanted is None:
            return min(most, DEFAULT_CONTEXT)
        if not 1 < wanted <= most:
            raise LimitError(f"context is {wanted:,}; this model allows 2 to {most:,}")
        return wanted

    def plans(
        self, limits: Limits, schedule: Schedule, context: int, kv: KvType, *, each: bool = False
    ) -> tuple[tuple[Plan, ...], tuple[Stack, ...]]:
        """Return the plans for all sizes, and the weights that they read, as stored."""
        operations, stacks = self.operations(limits, each=each)
        sizes = (EACH_SIZE,) if each else sizes_for(context)
        return tuple(lower(operations, n, context, kv, schedule) for n in sizes), stacks

    def operations(
        self, limits: Limits, *, each: bool = False
    ) -> tuple[list[Operation], tuple[Stack, ...]]:
        """Return a step before it is lowered, and the weights that it reads, as stored."""
        tensors = Tensors(self.directory.tensors, limits.binding_nbytes)
        operations = self.model.record(tensors, each=each)
        return operations, tuple(tensors.stacks.values())

    async def close(self) -> None:
        """Close the files."""
        for part in self.parts:
            await part.close()


def sizes_for(context: int) -> tuple[int, ...]:
    """Return the sizes of the plans for a context."""
    return tuple(n for n in SIZES if n <= max(context, SIZES[1]))


async def open_header(location: Location) -> Header:
    """Open a model's files and read their header, no weight."""
    parts = tuple(await open_parts(location))
    try:
        directory = await read_directory(parts)
        model = read_model(directory, await _rope_divisors(parts, directory))
        sampling = recommended(directory)
    except BaseException:
        for part in parts:
            await part.close()
        raise
    name = parts[0].name.rstrip("/").replace("\\", "/").rsplit("/", 1)[-1].split("?")[0]
    return Header(name.removesuffix(".gguf"), parts, directory, model, sampling)


def recommended(directory: Directory) -> Sampling:
    """Return what the model's makers recommend, llama.cpp's defaults where they say nothing."""
    usual = Sampling()
    given: dict[str, float] = {}
    for name, key in RECOMMENDED.items():
        value, key = getattr(usual, name), f"general.sampling.{key}"
        is_whole = isinstance(value, int)
        given[name] = (directory.integer if is_whole else directory.number)(key, value)
    try:
        return Sampling(**given)  # type: ignore[arg-type]
    except RequestError as error:
        raise GgufError(f"the file recommends a sampling that cannot be: {error}") from error


async def _rope_divisors(
    parts: Sequence[ByteSource], directory: Directory
) -> "array[float] | None":
    """Read the `rope_freqs` tensor: angles are computed on the CPU, in double precision."""
    info = directory.tensors.get("rope_freqs.weight")
    if info is None:
        return None
    if info.quant.name != "f32" or info.rows != 1 or info.row > MOST_HEAD_DIM // 2:
        raise GgufError(
            f"tensor 'rope_freqs.weight' is {info.quant.label} {list(info.shape)}; "
            f"it must be a vector of at most {MOST_HEAD_DIM // 2} F32 values"
        )
    return array("f", await parts[info.part].read(info.start, info.start + info.nbytes))


def planned_nbytes(plans: Sequence[Plan], stacks: Sequence[Stack]) -> int:
    """Return the GPU memory that a model and its plans take."""
    weights = sum(map(stored_nbytes, stacks))
    states = {state.name: state.nbytes for plan in plans for state in plan.states}
    return weights + sum(states.values()) + sum(merged(share(plan) for plan in plans))


def check_fit(limits: Limits, plans: Sequence[Plan], context: int) -> None:
    """Refuse plans whose cache or activations no buffer of this adapter can hold."""
    for plan in plans:
        for state in plan.states:
            if state.nbytes > limits.binding_nbytes:
                fitting = context * limits.binding_nbytes // state.nbytes
                raise LimitError(
                    f"{state.name} needs {state.nbytes:,} bytes for a context of {context:,} "
                    f"tokens; this adapter binds {limits.binding_nbytes:,}. "
                    f"A context of {fitting:,} would fit"
                )
    largest = max(nbytes for plan in plans for nbytes in share(plan).sizes)
    if largest > limits.binding_nbytes:
        raise LimitError(
            f"the activations of {max(plan.size for plan in plans)} tokens need {largest:,} bytes "
            f"in one binding; this adapter allows {limits.binding_nbytes:,}"
        )


def judge(header: Header, device: Device, context: int | None, kv: KvType) -> Preflight:
    """Say what a model is and whether this adapter can hold it."""
    chosen = header.context(context)
    schedule = choose(device.adapter.kind, device.features)
    why, fitting = "", 0
    for tried in (chosen, *(n for n in SMALLER_CONTEXTS if n < chosen)):
        plans, stacks = header.plans(device.limits, schedule, tried, kv)
        memory = planned_nbytes(plans, stacks)
        try:
            check_fit(device.limits, plans, tried)
        except LimitError as error:
            why = why or str(error)
            continue
        fitting = tried
        break
    return Preflight(
        header.model.architecture,
        header.parameters,
        header.quant,
        header.model.config.context_length,
        header.nbytes,
        memory,
        not why,
        why,
        chosen,
        fitting,
        device.limits.binding_nbytes,
    )
