"""A file's tensors by the names that models use, cut to what one binding can hold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import overload

from wgslm.errors import GgufError, UnsupportedError
from wgslm.gguf import TensorInfo
from wgslm.kernels import Ref
from wgslm.kernels.linear import Matrix
from wgslm.weights import Stack, can_stack, parts_of

Biases = Mapping[str, TensorInfo | None]


@dataclass(frozen=True)
class Vector:
    """A norm's gain or a bias: f32 [size], from value `offset` of what is stored as `name`."""

    name: str
    size: int
    offset: int = 0

    @property
    def ref(self) -> Ref:
        """The memory of all that is stored together."""
        return Ref("weight", self.name)


@dataclass(frozen=True)
class Weight:
    """A matrix with its bias, if it has one."""

    matrix: Matrix
    bias: Vector | None


@dataclass(frozen=True)
class Group:
    """Matrices that multiply the same input, joined by format into few.

    The results of `weights`, one after the other, are the columns of one slot; `columns` says
    where each of the matrices asked for has its own (first, count), in the order asked for.
    """

    weights: tuple[Weight, ...]
    columns: tuple[tuple[int, int], ...]

    @property
    def rows(self) -> int:
        """Columns of the slot."""
        return sum(count for _, count in self.columns)


@dataclass(frozen=True)
class Gain:
    """A norm's gain with its bias, if it has one."""

    gain: Vector
    bias: Vector | None


@dataclass(frozen=True)
class Tensors:
    """Named weights of a model or of one block; remembers which were asked for, and how joined."""

    infos: Mapping[str, TensorInfo]
    binding_nbytes: int
    prefix: str = ""
    index: int = 0
    stacks: dict[str, Stack] = field(default_factory=dict)  # by the name that they are stored as

    def blocks(self, count: int) -> Iterator["Tensors"]:
        """Yield the tensors of `blk.0`, `blk.1`, ..."""
        for i in range(count):
            yield Tensors(self.infos, self.binding_nbytes, f"blk.{i}.", i, self.stacks)

    def has(self, name: str) -> bool:
        """Say whether the file has `<name>.weight`."""
        return f"{self.prefix}{name}.weight" in self.infos

    @overload
    def __getitem__(self, name: str) -> Weight: ...
    @overload
    def __getitem__(self, name: tuple[str, ...]) -> Group: ...
    def __getitem__(self, name: str | tuple[str, ...]) -> Weight | Group:
        """Return the matrix of that name or the group of those names, or refuse the file."""
        if isinstance(name, tuple):
            return self._group(name)
        (weight,) = self._group([name]).weights
        return weight

    def gain(self, name: str) -> Gain:
        """Return the gain (and bias) of a norm."""
        gain = self._info(f"{name}.weight")
        bias = self._bias(name, gain.row)
        for info in filter(None, (gain, bias)):
            self._use([info])
        return Gain(_vector([gain]), _vector([bias]) if bias else None)

    def unused(self) -> list[str]:
        """Return the tensors that nobody asked for."""
        used = {info.name for stack in self.stacks.values() for info in stack.infos}
        return sorted(set(self.infos) - used)

    def _group(self, names: Sequence[str]) -> Group:
        """Join what has one format, in the order of first appearance."""
        infos = {name: self._info(f"{name}.weight") for name in names}
        biases = {name: self._bias(name, infos[name].rows) for name in names}
        alike: dict[object, list[str]] = {}
        for name, info in infos.items():
            joined = alike.setdefault((info.quant, info.row, biases[name] is not None), [])
            if joined and not _can_join([*joined, name], infos, biases):
                joined = alike.setdefault(name, [])
            joined.append(name)
        order = [name for joined in alike.values() for name in joined]
        everywhere = self._bias_of(order, biases) if _stackable(order, biases) else None
        weights, first, columns = [], 0, {}
        for joined in alike.values():
            matrix = self._matrix([infos[name] for name in joined])
            bias = replace(everywhere, size=matrix.rows, offset=first) if everywhere else None
            weights.append(Weight(matrix, bias or self._bias_of(joined, biases)))
            for name in joined:
                columns[name] = (first, infos[name].rows)
                first += infos[name].rows
        return Group(tuple(weights), tuple(columns[name] for name in names))

    def _bias_of(self, names: Sequence[str], biases: Biases) -> Vector | None:
        """Store the matrices' biases side by side; none if none has one."""
        infos = [info for name in names if (info := biases[name])]
        if infos:
            self._use(infos)
        return _vector(infos) if infos else None

    def _matrix(self, infos: Sequence[TensorInfo]) -> Matrix:
        for info in infos:
            if info.row % 4:
                raise UnsupportedError(
                    f"tensor {info.name!r} has rows of {info.row} values; "
                    "row lengths must be multiples of 4"
                )
        stack = self._use(infos)
        rows = sum(info.rows for info in infos)
        parts = ((0, rows),) if stack.is_vector else parts_of(stack, self.binding_nbytes)
        return Matrix(stack.name, stack.quant, infos[0].row, rows, parts)

    def _use(self, infos: Sequence[TensorInfo]) -> Stack:
        stack = Stack(tuple(infos))
        self.stacks[stack.name] = stack
        return stack

    def _bias(self, name: str, size: int) -> TensorInfo | None:
        full = f"{name}.bias"
        if self.prefix + full not in self.infos:
            return None
        info = self._info(full)
        if info.row != size:
            raise GgufError(f"{info.name!r} has {info.row} values; the model needs {size}")
        return info

    def _info(self, name: str) -> TensorInfo:
        full = self.prefix + name
        if full not in self.infos:
            raise GgufError(f"the file has no tensor {full!r}, which its architecture needs")
        return self.infos[full]


def _vector(infos: Sequence[TensorInfo]) -> Vector:
    """Return vectors stored side by side."""
    for info in infos:
        if info.quant.name != "f32" or info.rows != 1:
            raise UnsupportedError(
                f"tensor {info.name!r} is {info.quant.label} {list(info.shape)}; "
                "norms and biases must be F32 vectors"
            )
    return Vector(Stack(tuple(infos)).name, sum(info.row for info in infos))


def _can_join(names: Sequence[str], infos: Mapping[str, TensorInfo], biases: Biases) -> bool:
    has_none = all(biases[name] is None for name in names)
    return can_stack([infos[name] for name in names]) and (has_none or _stackable(names, biases))


def _stackable(names: Sequence[str], biases: Biases) -> bool:
    found = [info for name in names if (info := biases[name])]
    return len(found) == len(names) and can_stack(found)
