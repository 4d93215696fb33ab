"""Matrices of every format whose products are known: made of four chunks, each with its answer.

A chunk is 256 weights with fixed random bits. ANSWERS holds what each chunk gives times `PROBE`, as
tests/twins/quants.py decodes it, so that nothing here has to know how formats are decoded; all
other answers follow from these by adding.
"""

import hashlib
from array import array
from collections.abc import Sequence

from wgslm.blocks import finite
from wgslm.gguf import TensorInfo
from wgslm.kernels.linear import Matrix
from wgslm.quants import Quant
from wgslm.sources import Chunk
from wgslm.weights import Stack

CHUNK = 256  # weights
CHUNKS = 9  # of a row: more groups of 32 than a workgroup has lanes
ROW = CHUNK * CHUNKS
ROWS = 70  # fits no workgroup
PROBE = [((37 * i + 11) % 64 - 31.5) / 32 for i in range(CHUNK)]
# Of PROBE, along a row.
FACTORS = [(0.5, 1.0, 2.0)[c % 3] * (1 if c // 2 % 2 == 0 else -1) for c in range(CHUNKS)]
INPUT = [factor * value for factor in FACTORS for value in PROBE]  # f32 [ROW], exact

ANSWERS: dict[str, tuple[float, float, float, float]] = {
    "f32": (-0.011288649, -0.321503056, 0.178927171, -0.381837702),
    "f16": (0.205833912, 0.0956215858, -0.261735439, 0.210895538),
    "bf16": (0.263019562, -0.252794266, -0.350601196, -0.0718669891),
    "q1_0": (-0.305690289, -0.0381331444, 0.085018158, 0.359451771),
    "q2_0": (0.238155365, -0.0480289459, 0.280216217, 0.166254044),
    "q4_0": (-0.23326993, -0.033634901, 0.0864994526, -0.210914612),
    "q4_1": (0.125026703, 0.103350878, 0.110553503, 0.0288784504),
    "q5_0": (-0.0634306669, -0.181594491, -0.113509297, -0.113611221),
    "q5_1": (-0.542507172, 0.0386971235, -0.265341997, -0.428420305),
    "q8_0": (-0.14032875, 0.116705462, -0.094531171, -0.248302214),
    "q2_k": (0.0473831743, -0.0666525513, -0.139552444, 0.0148899406),
    "q3_k": (-0.0174287632, -0.0546702072, 0.0332730934, -0.127626806),
    "q4_k": (-0.0793405361, 0.130529361, 0.0172547009, -0.0387000907),
    "q5_k": (0.00139138941, -0.101521378, 0.21674969, -0.0521530285),
    "q6_k": (-0.0569752837, -0.292519792, -0.240276838, -0.202508103),
    "iq1_s": (-0.0242629945, 0.0748206675, -0.00421965122, -0.125886261),
    "iq1_m": (0.18918103, -0.0103537738, -0.107054114, -0.109085798),
    "iq2_xxs": (0.107671232, -0.143814445, 0.113360273, -0.285933701),
    "iq2_xs": (0.151367283, -0.0681740949, 0.0116196005, -0.102933945),
    "iq2_s": (-0.151352311, -0.0750668244, -0.143718749, -0.025237103),
    "iq3_xxs": (-0.140919473, 0.184528291, 0.197524745, 0.0325197782),
    "iq3_s": (-0.0428232402, 0.222958229, -0.0311032832, 0.125745893),
    "iq4_nl": (0.0905388072, -0.0233721957, 0.0180881247, -0.247271314),
    "iq4_xs": (0.0177414045, 0.14848779, 0.0222123172, -0.261217408),
    "tq1_0": (-0.151525497, -0.126141071, -0.0425677299, 0.171442509),
    "tq2_0": (0.227355957, 0.079574585, -0.0281352997, 0.145223618),
    "mxfp4": (0.179199219, -0.094543457, 0.0663452148, 0.617431641),
    "nvfp4": (0.103393555, -0.0811157227, -0.116577148, 0.232910156),
}


def chunks(quant: Quant) -> list[bytes]:
    """Return the four chunks as a file has them."""
    nbytes = CHUNK // quant.block * quant.nbytes
    blocks = finite(quant, hashlib.shake_128(quant.name.encode()).digest(4 * nbytes))
    return [blocks[at : at + nbytes] for at in range(0, 4 * nbytes, nbytes)]


def chunk_at(row: int, column: int, width: int = CHUNKS) -> int:
    """Return which chunk a row of `width` chunks has at its chunk `column`."""
    row, column = divmod(row * width + column, CHUNKS)
    return (3 * row + column + column // 4) % 4


def product(quant: Quant, row: int, width: int = CHUNKS) -> float:
    """Return a row of `width` chunks times the beginning of INPUT."""
    answers = ANSWERS[quant.name]
    return sum(FACTORS[c] * answers[chunk_at(row, c, width)] for c in range(width))


def known_matrix(quant: Quant, rows: int = ROWS, width: int = CHUNKS) -> Matrix:
    """Return the first rows of a format's matrix as kernels see it; shorter rows follow closely."""
    return Matrix(quant.name, quant, CHUNK * width, rows, ((0, rows),))


class KnownSource:
    """A `ByteSource` of the matrices of some formats; `stacks` says where each lies."""

    name = "known matrices"
    identity: str | None = None

    def __init__(self, quants: Sequence[Quant]) -> None:
        """Make the bytes."""
        data = bytearray()
        self.stacks: list[Stack] = []
        for quant in quants:
            four = chunks(quant)
            rows = [b"".join(four[chunk_at(row, c)] for c in range(CHUNKS)) for row in range(ROWS)]
            start, matrix = len(data), b"".join(rows)
            data += matrix
            info = TensorInfo(quant.name, (ROW, ROWS), quant, 0, start, len(matrix))
            self.stacks.append(Stack((info,)))
        self._data = bytes(data)
        self.size = len(data)

    async def read(self, start: int, stop: int) -> bytes:
        """Return bytes."""
        return self._data[start:stop]

    async def chunk(self, start: int, stop: int) -> Chunk:
        """Return bytes: they are Python's in the tab, too."""
        return self._data[start:stop]

    async def close(self) -> None:
        """Do nothing."""


def floats(values: Sequence[float]) -> bytes:
    """Return f32 bytes."""
    return array("f", values).tobytes()
