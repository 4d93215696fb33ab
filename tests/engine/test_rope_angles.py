"""Angles of rotary positions as files scale them, against ggml's formulas in NumPy."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

import tiny_models
from tiny_gguf import Tensor, Typed, write_gguf
from tiny_models import HEAD_DIM
from twins import Array
from wgslm.errors import GgufError
from wgslm.gguf import Directory
from wgslm.header import open_header
from wgslm.models import read_model
from wgslm.plan.rope import Rope
from wgslm.quants import QUANTS

PAIRS = HEAD_DIM // 2
PLAIN: Array = 10000.0 ** (-np.arange(PAIRS) / PAIRS)


def rope_of(scaling: dict[str, object], divisors: list[float] | None = None) -> Rope:
    """Return the rotation of a llama whose file says this."""
    directory = tiny_models.directory("llama", QUANTS[0])
    keys = {f"llama.rope.{key}": value for key, value in scaling.items()}
    metadata = {**directory.metadata, **keys}
    model = read_model(Directory(metadata, directory.tensors, 3, 32), divisors)  # type: ignore[arg-type]
    assert model.config.rope is not None
    return model.config.rope


def yarn(factor: float, original: int, fast: float = 32, slow: float = 1) -> tuple[Array, float]:
    """Return angles and magnitude as ggml_rope_yarn and ggml_rope_yarn_corr_dims have them."""

    def corrected(turns: float) -> float:
        dims = HEAD_DIM * np.log(original / (turns * 2 * np.pi)) / (2 * np.log(10000.0))
        return float(dims)

    low = max(0.0, np.floor(corrected(fast)))
    high = min(HEAD_DIM - 1.0, np.ceil(corrected(slow)))
    ramp = 1 - np.clip((np.arange(PAIRS) - low) / max(0.001, high - low), 0, 1)
    return PLAIN / factor * (1 - ramp) + PLAIN * ramp, 1 + 0.1 * np.log(factor)


def test_unscaled_angles_fall_from_one_to_the_base() -> None:
    rope = rope_of({})

    np.testing.assert_allclose(rope.angles, PLAIN, rtol=1e-14)
    assert (rope.magnitude, rope.neox) == (1.0, False)


def test_another_base() -> None:
    np.testing.assert_allclose(
        rope_of({"freq_base": 5e5}).angles, 5e5 ** (-np.arange(PAIRS) / PAIRS), rtol=1e-14
    )


@pytest.mark.parametrize(
    "scaling",
    [
        {"scaling.type": "linear", "scaling.factor": 4.0},
        {"scaling.factor": 4.0},
        {"scale_linear": 4.0},
    ],
)
def test_linear_scaling_stretches_all(scaling: dict[str, object]) -> None:
    rope = rope_of(scaling)

    np.testing.assert_allclose(rope.angles, PLAIN / 4, rtol=1e-14)
    assert rope.magnitude == 1.0


@pytest.mark.parametrize(
    "scaling",
    [{"scaling.type": "none", "scaling.factor": 4.0}, {"scaling.factor": 0.0}],
)
def test_scaling_that_is_none(scaling: dict[str, object]) -> None:
    np.testing.assert_allclose(rope_of(scaling).angles, PLAIN, rtol=1e-14)


def test_divisors_of_the_file_divide() -> None:
    divisors = np.linspace(1, 8, PAIRS).tolist()

    np.testing.assert_allclose(rope_of({}, divisors).angles, PLAIN / divisors, rtol=1e-14)


@pytest.mark.parametrize(
    ("factor", "original", "more"),
    [
        (4.0, 128, {}),
        (40.0, 4096, {}),
        (8.0, 2048, {"scaling.yarn_beta_fast": 16.0, "scaling.yarn_beta_slow": 2.0}),
    ],
)
def test_yarn_mixes(factor: float, original: int, more: dict[str, float]) -> None:
    expected, magnitude = yarn(factor, original, *more.values())

    rope = rope_of(
        {
            "scaling.type": "yarn",
            "scaling.factor": factor,
            "scaling.original_context_length": original,
            **more,
        }
    )

    np.testing.assert_allclose(rope.angles, expected, rtol=1e-12)
    assert rope.magnitude == pytest.approx(magnitude, rel=1e-12)


@pytest.mark.parametrize(
    ("divisors", "message"),
    [
        ([1.0] * (PAIRS - 1), f"{PAIRS} are needed"),
        ([0.0] * PAIRS, "not a positive number"),
        ([float("nan")] * PAIRS, "not a positive number"),
    ],
)
def test_wrong_divisors_are_refused(divisors: list[float], message: str) -> None:
    with pytest.raises(GgufError, match=message):
        rope_of({}, divisors)


@pytest.mark.parametrize("name", ["f32", "f16"])
def test_divisors_are_read_from_the_file(tmp_path: Path, name: str) -> None:
    divisors = np.linspace(1, 4, PAIRS).astype("<f4" if name == "f32" else "<f2")
    tensors = {
        tensor: Tensor(shape, bytes(4 * int(np.prod(shape))))
        for tensor, (shape, _) in tiny_models.shapes("llama", QUANTS[0]).items()
    }
    tensors["rope_freqs.weight"] = Tensor((PAIRS,), divisors.tobytes(), int(name == "f16"))
    metadata = {**tiny_models.metadata("llama"), "llama.rope.freq_base": Typed("f32", 10000.0)}
    path = write_gguf(tmp_path / "tiny.gguf", metadata, tensors)

    async def angles() -> tuple[float, ...]:
        header = await open_header(path)
        await header.close()
        assert header.model.config.rope is not None
        return header.model.config.rope.angles

    if name == "f16":
        with pytest.raises(GgufError, match="F32 values"):
            asyncio.run(angles())
    else:
        np.testing.assert_allclose(asyncio.run(angles()), PLAIN / divisors, rtol=1e-7)
