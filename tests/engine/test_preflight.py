"""Whether a model fits is said before a weight is read, and with which context it would."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from random_model import TINY, write_random_llama
from wgslm.gpu import AdapterInfo, Device, Limits
from wgslm.header import Preflight, judge, open_header, planned_nbytes
from wgslm.kernels.schedule import choose

CONTEXT = 65536


def device(binding_nbytes: int) -> Device:
    """A device that is only asked for its facts."""
    facts = SimpleNamespace(
        limits=Limits(buffer_nbytes=1 << 30, binding_nbytes=binding_nbytes),
        adapter=AdapterInfo("none", "software", "facts", ""),
        features=frozenset(),
    )
    return cast(Device, facts)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shape = {**TINY, "context": CONTEXT}
    return write_random_llama(tmp_path_factory.mktemp("models") / "long.gguf", shape)


def judged(path: Path, binding_nbytes: int, context: int | None = CONTEXT) -> Preflight:
    async def work() -> Preflight:
        header = await open_header(path)
        try:
            return judge(header, device(binding_nbytes), context, "f16")
        finally:
            await header.close()

    return asyncio.run(work())


def cache_nbytes(path: Path, context: int) -> int:
    """Return the largest binding that a context needs."""

    async def work() -> int:
        header = await open_header(path)
        try:
            plans, stacks = header.plans(
                device(1 << 30).limits, choose("software", frozenset()), context, "f16"
            )
            assert planned_nbytes(plans, stacks) > 0
            return max(state.nbytes for plan in plans for state in plan.states)
        finally:
            await header.close()

    return asyncio.run(work())


def test_a_model_that_fits_is_said_to_with_what_it_needs(path: Path) -> None:
    found = judged(path, 1 << 30)

    assert (found.fits, found.why) == (True, "")
    assert (found.context, found.fitting) == (CONTEXT, CONTEXT)
    assert (found.architecture, found.quant, found.binding) == ("llama", "Q8_0", 1 << 30)


def test_a_context_that_does_not_fit_is_answered_with_one_that_does(path: Path) -> None:
    found = judged(path, cache_nbytes(path, 16384))

    assert not found.fits
    assert found.fitting == 16384
    assert "for a context of 65,536 tokens" in found.why
    assert found.memory < judged(path, 1 << 30).memory
