"""Block formats of GGUF weights: facts only, no arithmetic.

A format is one line here, one decoder in shaders/quants/ and one twin in tests/twins/quants.py.
"""

from dataclasses import dataclass

from wgslm.errors import GgufError, UnsupportedError
from wgslm.grids import GRIDS


@dataclass(frozen=True)
class Quant:
    """How GGUF packs consecutive weights of a row.

    Loading splits every block into two aligned streams: `quants` takes the bytes of that name,
    `scales` takes the others, in order, after the words of the format's grid, if it has one. Rows
    of floats are padded with zeros to 32.

    In `nibbles`, 32 bytes hold 32 weights in their low and 32 others in their high nibbles. Each
    group gets 16 bytes of its own instead, half the loads: its first 16 weights become the low
    nibbles, the others the high ones.
    """

    name: str  # also the decoder's file name
    ggml_type: int
    block: int  # weights per block
    nbytes: int  # bytes per block
    quants: range  # of the block's bytes; a multiple of 16, except for floats
    nibbles: range = range(0)  # of the block's bytes; see above
    grid_name: str = ""  # in wgslm.grids

    @property
    def label(self) -> str:
        """The name that people and files use: Q4_K, F16."""
        return self.name.upper()

    @property
    def scales_nbytes(self) -> int:
        """Bytes of a block that go to the `scales` stream."""
        return self.nbytes - len(self.quants)

    @property
    def grid(self) -> bytes:
        """The numbers that the decoder looks up, a multiple of 256 bytes; most formats have none.

        They are data next to the weights, not a constant of the shader: lavapipe takes 14 s to
        compile a table of 1,024 words, and GPUs copy one into each lane's own memory.
        """
        return bytes.fromhex(GRIDS[self.grid_name]) if self.grid_name else b""

    @property
    def is_float(self) -> bool:
        """Whether weights are stored one by one, so that a row may have any length."""
        return self.block == 1


QUANTS = (
    Quant("f32", ggml_type=0, block=1, nbytes=4, quants=range(0, 4)),
    Quant("f16", ggml_type=1, block=1, nbytes=2, quants=range(0, 2)),
    Quant("bf16", ggml_type=30, block=1, nbytes=2, quants=range(0, 2)),
    Quant("q1_0", ggml_type=41, block=128, nbytes=18, quants=range(2, 18)),
    Quant("q2_0", ggml_type=42, block=64, nbytes=18, quants=range(2, 18)),
    Quant("q4_0", ggml_type=2, block=32, nbytes=18, quants=range(2, 18)),
    Quant("q4_1", ggml_type=3, block=32, nbytes=20, quants=range(4, 20)),
    Quant("q5_0", ggml_type=6, block=32, nbytes=22, quants=range(6, 22)),
    Quant("q5_1", ggml_type=7, block=32, nbytes=24, quants=range(8, 24)),
    Quant("q8_0", ggml_type=8, block=32, nbytes=34, quants=range(2, 34)),
    Quant("q2_k", ggml_type=10, block=256, nbytes=84, quants=range(16, 80)),
    Quant("q3_k", ggml_type=11, block=256, nbytes=110, quants=range(0, 96)),
    Quant(
        "q4_k", ggml_type=12, block=256, nbytes=144, quants=range(0, 144), nibbles=range(16, 144)
    ),
    Quant(
        "q5_k", ggml_type=13, block=256, nbytes=176, quants=range(0, 176), nibbles=range(48, 176)
    ),
    Quant("q6_k", ggml_type=14, block=256, nbytes=210, quants=range(0, 192), nibbles=range(0, 128)),
    Quant("iq1_s", ggml_type=19, block=256, nbytes=50, quants=range(2, 50), grid_name="iq1"),
    Quant("iq1_m", ggml_type=29, block=256, nbytes=56, quants=range(0, 48), grid_name="iq1"),
    Quant("iq2_xxs", ggml_type=16, block=256, nbytes=66, quants=range(2, 66), grid_name="iq2_xxs"),
    Quant("iq2_xs", ggml_type=17, block=256, nbytes=74, quants=range(2, 66), grid_name="iq2_xs"),
    Quant("iq2_s", ggml_type=22, block=256, nbytes=82, quants=range(2, 66), grid_name="iq2_s"),
    Quant("iq3_xxs", ggml_type=18, block=256, nbytes=98, quants=range(2, 98), grid_name="iq3_xxs"),
    Quant("iq3_s", ggml_type=21, block=256, nbytes=110, quants=range(2, 66), grid_name="iq3_s"),
    Quant("iq4_nl", ggml_type=20, block=32, nbytes=18, quants=range(2, 18)),
    Quant("iq4_xs", ggml_type=23, block=256, nbytes=136, quants=range(8, 136)),
    Quant("tq1_0", ggml_type=34, block=256, nbytes=54, quants=range(0, 48)),
    Quant("tq2_0", ggml_type=35, block=256, nbytes=66, quants=range(0, 64)),
    Quant("mxfp4", ggml_type=39, block=32, nbytes=17, quants=range(1, 17)),
    Quant("nvfp4", ggml_type=40, block=64, nbytes=36, quants=range(4, 36)),
)

BY_TYPE = {quant.ggml_type: quant for quant in QUANTS}

# Types of ggml.h that are no format of ours, so that a refusal can name them.
OTHER_TYPES = {15: "Q8_K", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64"}
RETIRED_TYPES = {
    4: "Q4_2", 5: "Q4_3", 31: "Q4_0_4_4", 32: "Q4_0_4_8", 33: "Q4_0_8_8", 36: "IQ4_NL_4_4",
    37: "IQ4_NL_4_8", 38: "IQ4_NL_8_8",
}  # fmt: skip


def by_type(ggml_type: int, tensor: str) -> Quant:
    """Return the format of a type id; `tensor` is named when there is none."""
    quant = BY_TYPE.get(ggml_type)
    if quant is not None:
        return quant
    known = ", ".join(sorted(quant.label for quant in QUANTS))
    if ggml_type in OTHER_TYPES:
        raise UnsupportedError(
            f"tensor {tensor!r} is {OTHER_TYPES[ggml_type]}, which is not supported yet; "
            f"supported: {known}"
        )
    if ggml_type in RETIRED_TYPES:
        raise GgufError(
            f"tensor {tensor!r} has type {RETIRED_TYPES[ggml_type]} (id {ggml_type}), which GGUF "
            f"has retired; convert the model again; supported: {known}"
        )
    raise GgufError(f"tensor {tensor!r} has the unknown type id {ggml_type}; supported: {known}")
