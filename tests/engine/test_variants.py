"""Every variant of every role: forced by name, dispatched, and right."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from linear_checks import need
from loaded import loaded, logits_in_steps
from tiny_models import VOCAB, write_tiny
from twins import Array
from wgslm.errors import RequestError
from wgslm.gpu import Device, Program
from wgslm.kernels.schedule import (
    FUSED,
    OF_FUSED,
    PLAIN,
    ROLES,
    SHORT_CONTEXT,
    VARIANTS,
    Role,
    Schedule,
    Variant,
    choose,
    find,
)
from wgslm.plan import Plan
from wgslm.quants import QUANTS

Q4_K = next(quant for quant in QUANTS if quant.name == "q4_k")
CONTEXT = SHORT_CONTEXT + 88  # enough to split the keys of one token
IDS = np.random.default_rng(3).integers(0, VOCAB, 19).tolist()
# f32 against f64 over two layers; where x is rounded, steps of 1/127 of each 32
EXACT, ROUNDED = 1e-4, 0.1
OF_ONE = ("one", *OF_FUSED, "lowering")  # roles of a step of one token
EVERY = [(role, variant) for role in ROLES for variant in VARIANTS[role]]


def forced(role: Role, variant: Variant, device: Device) -> Schedule:
    """Return the device's schedule with a variant, in a lowering that has a place for it."""
    names: dict[Role, str] = {role: variant.name}
    if role in OF_FUSED:
        names["lowering"] = "fused"
    return choose(device.adapter.kind, device.features, names)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("model") / "tiny.gguf", "llama", Q4_K)


@pytest.fixture(scope="module")
def twin(device: Device, path: Path) -> Array:
    """The logits of every id on the twins, f64 [T, vocab]."""

    async def run() -> Array:
        async with loaded(device, path) as model:
            (plan,) = model.plans((len(IDS),), context=CONTEXT, each=True)
            return (await model.twin(CONTEXT)).step(plan, IDS, 0)

    return asyncio.run(run())


@pytest.mark.gpu
@pytest.mark.parametrize(("role", "variant"), EVERY, ids=[f"{r}={v.name}" for r, v in EVERY])
def test_it_is_dispatched_and_right(
    device: Device, path: Path, twin: Array, role: Role, variant: Variant
) -> None:
    need(device, variant)
    schedule = forced(role, variant, device)

    async def run() -> tuple[Plan, Array, Plan, Array]:
        async with loaded(device, path) as model:
            (one,) = model.plans((1,), context=CONTEXT, schedule=schedule)
            (many,) = model.plans((16,), context=CONTEXT, schedule=schedule, each=True)
            async with model.executor([one], draws=False) as executor:
                singly = await logits_in_steps(executor, IDS, 1)
            async with model.executor([many], draws=False) as executor:
                return one, singly, many, await logits_in_steps(executor, IDS, 16)

    one, singly, many, together = asyncio.run(run())

    check_dispatched(role, variant, one if role in OF_ONE else many)
    tolerance = EXACT if variant.is_exact else ROUNDED
    for logits in (singly, together):
        np.testing.assert_allclose(logits, twin, rtol=0, atol=tolerance)
    assert twin.std() > 0.3


def check_dispatched(role: Role, variant: Variant, plan: Plan) -> None:
    """Check that a plan does what the role asks for with the variant, and with no other."""
    programs = [dispatch.program for dispatch in plan.dispatches]
    if role == "lowering":
        assert any(p.shader == "rmsnorm" for p in programs) == (variant == PLAIN)
        return
    if role == "splits":
        steps = [p for p in programs if p.shader.startswith("attention_step")]
        assert steps and all(variant.constants[0] in p.constants for p in steps)
        assert any(p.shader == "attention_reduce" for p in programs) == (variant.name != "1")
        return
    found = [p for p in programs if any(v.has_part_in(p) for v in VARIANTS[role])]
    assert found
    for program in found:
        assert [v.name for v in VARIANTS[role] if is_of(program, v)][-1:] == [variant.name]


def is_of(program: Program, variant: Variant) -> bool:
    """Whether a program has all that makes a variant; those without constants are of fewer."""
    return (
        variant.has_part_in(program)
        and set(variant.bound) <= set(program.bound)
        and set(variant.constants) <= set(program.constants)
    )


def test_no_two_variants_of_a_role_are_the_same() -> None:
    for role in ROLES:
        made = {(v.shader, v.bound, v.constants) for v in VARIANTS[role]}
        assert len(made) == len(VARIANTS[role]) == len({v.name for v in VARIANTS[role]}) or (
            VARIANTS[role] == (FUSED, PLAIN)
        )


@pytest.mark.parametrize("role", ROLES)
def test_an_unknown_name_is_refused_with_the_list(role: Role) -> None:
    with pytest.raises(RequestError) as refusal:
        find(role, "fast", frozenset())

    usable = [variant.name for variant in VARIANTS[role] if not variant.needs]
    assert str(refusal.value) == (
        f"no variant 'fast' for {role!r} on this adapter; there are {', '.join(usable)}"
    )


@pytest.mark.parametrize(("role", "name"), [("attention_one", "step"), ("splits", "4")])
def test_what_the_lowering_has_no_place_for_is_refused(role: Role, name: str) -> None:
    with pytest.raises(RequestError, match=rf"{role}={name} .* lowering=fused beside it"):
        choose("software", frozenset(), {role: name})

    assert choose("software", frozenset(), {role: name, "lowering": "fused"})


def test_forced_splits_are_made_in_short_contexts_too() -> None:
    usual, four = choose("gpu", frozenset()), choose("gpu", frozenset(), {"splits": "4"})

    assert [usual.splits_of(slots) for slots in (16, SHORT_CONTEXT + 1)] == [1, 16]
    assert [four.splits_of(slots) for slots in (16, SHORT_CONTEXT + 1)] == [4, 4]
