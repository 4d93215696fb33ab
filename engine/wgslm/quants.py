"""Block formats of GGUF weights: facts only, no arithmetic.

A format is one line here, one decoder in shaders/quants/ and one twin in tests/twins/quants.py.
"""

from dataclasses import dataclass

from wgslm.errors import GgufError, UnsupportedError


@dataclass(frozen=True)
class Quant:
    """How GGUF packs consecutive weights of a row.

    Loading splits every block into two aligned streams: `scales` takes the bytes
    `scales_at .. scales_at + scales_nbytes`, `quants` takes the others, in order; those of 32
    weights are a whole number of 16-byte words. Rows of floats are padded with zeros to 32.
    """

    name: str  # also the decoder's file name
    ggml_type: int
    block: int  # weights per block
    nbytes: int  # bytes per block
    scales_at: int = 0
    scales_nbytes: int = 0

    @property
    def label(self) -> str:
        """The name that people and files use: Q4_K, F16."""
        return self.name.upper()

    @property
    def quants_nbytes(self) -> int:
        """Bytes of a block that go to the `quants` stream."""
        return self.nbytes - self.scales_nbytes

    @property
    def is_float(self) -> bool:
        """Whether weights are stored one by one, so that a row may have any length."""
        return self.block == 1


QUANTS = (
    Quant("f32", ggml_type=0, block=1, nbytes=4),
    Quant("f16", ggml_type=1, block=1, nbytes=2),
    Quant("bf16", ggml_type=30, block=1, nbytes=2),
    Quant("q4_0", ggml_type=2, block=32, nbytes=18, scales_nbytes=2),
    Quant("q4_1", ggml_type=3, block=32, nbytes=20, scales_nbytes=4),
    Quant("q5_0", ggml_type=6, block=32, nbytes=22, scales_nbytes=6),
    Quant("q5_1", ggml_type=7, block=32, nbytes=24, scales_nbytes=8),
    Quant("q8_0", ggml_type=8, block=32, nbytes=34, scales_nbytes=2),
    Quant("q4_k", ggml_type=12, block=256, nbytes=144, scales_nbytes=16),
    Quant("q5_k", ggml_type=13, block=256, nbytes=176, scales_nbytes=16),
    Quant("q6_k", ggml_type=14, block=256, nbytes=210, scales_at=192, scales_nbytes=18),
)

BY_TYPE = {quant.ggml_type: quant for quant in QUANTS}

# Types of ggml.h that are no format of ours, so that a refusal can name them.
OTHER_TYPES = {
    10: "Q2_K", 11: "Q3_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
    20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32",
    27: "I64", 28: "F64", 29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4",
    41: "Q1_0", 42: "Q2_0",
}  # fmt: skip
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
