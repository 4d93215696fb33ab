"""A file's tensors by the names that models use, cut to what one binding can hold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import overload

from wgslm.errors import GgufError, UnsupportedError
from wgslm.gguf import TensorInfo
from wgslm.kernels import Ref
from wgslm.kernels.linear import Matrix
from wgslm.weights import parts_of


@dataclass(frozen=True)
class Vector:
    """A norm's gain or a bias: f32 [size]."""

    name: str
    size: int

    @property
    def ref(self) -> Ref:
        """Its memory."""
        return Ref("weight", self.name)


@dataclass(frozen=True)
class Weight:
    """A matrix with its bias, if it has one."""

    matrix: Matrix
    bias: Vector | None


@dataclass(frozen=True)
class Gain:
    """A norm's gain with its bias, if it has one."""

    gain: Vector
    bias: Vector | None


@dataclass(frozen=True)
class Tensors:
    """Named weights of a model or of one block; remembers which were asked for."""

    infos: Mapping[str, TensorInfo]
    binding_nbytes: int
    prefix: str = ""
    index: int = 0
    used: set[str] = field(default_factory=set)

    def blocks(self, count: int) -> Iterator["Tensors"]:
        """Yield the tensors of `blk.0`, `blk.1`, ..."""
        for i in range(count):
            yield Tensors(self.infos, self.binding_nbytes, f"blk.{i}.", i, self.used)

    def has(self, name: str) -> bool:
        """Say whether the file has `<name>.weight`."""
        return f"{self.prefix}{name}.weight" in self.infos

    @overload
    def __getitem__(self, name: str) -> Weight: ...
    @overload
    def __getitem__(self, name: tuple[str, ...]) -> tuple[Weight, ...]: ...
    def __getitem__(self, name: str | tuple[str, ...]) -> Weight | tuple[Weight, ...]:
        """Return the matrix or matrices of those names, or refuse the file."""
        if isinstance(name, tuple):
            return tuple(self[one] for one in name)
        info = self._info(f"{self.prefix}{name}.weight")
        if info.row % 4:
            raise UnsupportedError(
                f"tensor {info.name!r} has rows of {info.row} values; "
                "row lengths must be multiples of 4"
            )
        parts = parts_of(info, self.binding_nbytes)
        matrix = Matrix(info.name, info.quant, info.row, info.rows, parts)
        return Weight(matrix, self._bias(name))

    def gain(self, name: str) -> Gain:
        """Return the gain (and bias) of a norm."""
        return Gain(self._vector(f"{self.prefix}{name}.weight"), self._bias(name))

    def unused(self) -> list[str]:
        """Return the tensors that nobody asked for."""
        return sorted(set(self.infos) - self.used)

    def _bias(self, name: str) -> Vector | None:
        full = f"{self.prefix}{name}.bias"
        return self._vector(full) if full in self.infos else None

    def _info(self, name: str) -> TensorInfo:
        if name not in self.infos:
            raise GgufError(f"the file has no tensor {name!r}, which its architecture needs")
        self.used.add(name)
        return self.infos[name]

    def _vector(self, name: str) -> Vector:
        info = self._info(name)
        if info.quant.name != "f32" or info.rows != 1:
            raise UnsupportedError(
                f"tensor {name!r} is {info.quant.label} {list(info.shape)}; "
                "norms and biases must be F32 vectors"
            )
        return Vector(name, info.row)
