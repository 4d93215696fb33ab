"""Copying memory, for benchmarks."""

from wgslm.gpu import Program
from wgslm.kernels import Dispatch, Ref, ceil_div, fold

VECTOR_NBYTES = 16


def copy(x: Ref, y: Ref, vectors: int) -> Dispatch:
    """y = x, both u32 [vectors, 4]."""
    program = Program("copy")
    groups = ceil_div(vectors, program.source().constant("TILE"))
    return Dispatch(program, {"vectors": vectors}, {"x": x, "y": y}, fold(groups))
