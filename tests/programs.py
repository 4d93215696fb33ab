"""Every program that any plan uses: all architectures, formats, schedules and cache types."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import product

import tiny_models
from wgslm.gpu import SUBGROUPS, SUBGROUPS_OF_8, Program
from wgslm.kernels import Ref
from wgslm.kernels.attention import (
    KV_TYPES,
    Cache,
    Heads,
    KvType,
    Rotation,
    attention,
    attention_step,
    kv_append,
)
from wgslm.kernels.linear import has_integers
from wgslm.kernels.schedule import (
    GPU,
    PRODUCTS,
    ROLES,
    SHORT_CONTEXT,
    SOFTWARE,
    VARIANTS,
    Schedule,
    choose,
)
from wgslm.models import read_model
from wgslm.plan import Plan
from wgslm.plan.lower import lower
from wgslm.plan.tensors import Tensors
from wgslm.quants import QUANTS, Quant

F32 = QUANTS[0]
FEW = tuple(quant for quant in QUANTS if quant.name in ("f32", "q8_0", "q6_k"))
QUANT_8 = FEW[1]
BINDING_NBYTES = 128 << 20
FEATURES = frozenset({SUBGROUPS, SUBGROUPS_OF_8})
SWIFTSHADER = choose("software", frozenset())
USUAL = (SOFTWARE, SWIFTSHADER, GPU, choose("software", FEATURES))
INTEGERS = tuple(
    choose("gpu", FEATURES, {role: variant.name})
    for role in PRODUCTS
    for variant in VARIANTS[role]
    if not variant.is_exact
)
WITH_SUBGROUPS = (choose("software", FEATURES), choose("gpu", FEATURES))
VARIED = (  # every variant, and every way to reduce
    *WITH_SUBGROUPS,
    *(choose("gpu", FEATURES, {"one": one.name}) for one in VARIANTS["one"] if one.is_exact),
    *(
        choose("gpu", frozenset(), {"many": many.name})
        for many in VARIANTS["many"]
        if not many.needs and many.is_exact
    ),
    *(
        choose("gpu", FEATURES, {role: variant.name})
        for role in ROLES
        for variant in VARIANTS[role]
        if role not in (*PRODUCTS, "splits")  # which are but a number
    ),
)


def tiny_plan(
    name: str,
    quant: Quant,
    schedule: Schedule,
    size: int = 1,
    kv: KvType = "f16",
    *,
    each: bool = False,
    binding_nbytes: int = BINDING_NBYTES,
    formats: Mapping[str, Quant] | None = None,
    context: int = tiny_models.CONTEXT,
) -> Plan:
    """Return a plan of a tiny model."""
    directory = tiny_models.directory(name, quant, formats=formats)
    operations = read_model(directory, None).record(
        Tensors(directory.tensors, binding_nbytes), each=each
    )
    return lower(operations, size, context, kv, schedule)


@cache
def all_programs() -> tuple[Program, ...]:
    """Return them without repetition, repacking, copying and probing included."""
    found = [Program("repack"), Program("copy"), Program("subgroup_lanes")]
    found += _attention_programs()
    found += _plan_programs()
    return tuple(dict.fromkeys(found))


def _attention_programs() -> Iterator[Program]:
    """Return those of every cache type: also one token's, split and not, with everything on."""
    q, state = Heads(Ref("slot", "qkv"), 4, 64, 512), Ref("state", "any")
    rotation = Rotation(state, 32, neox=True)
    for kv, schedule in product(KV_TYPES, (SOFTWARE, SWIFTSHADER, GPU, *WITH_SUBGROUPS)):
        for slots, gain in product((SHORT_CONTEXT, SHORT_CONTEXT + 1), (None, state)):
            cache = Cache(state, state, 2, 64, slots, kv)
            found = [attention(q, cache, state, tokens, 1.0, schedule) for tokens in (1, 16)]
            found.append(kv_append(q, q, cache, 1))
            found += attention_step(
                *(q, q, q, cache, state, state, 1.0, schedule),
                rotation=rotation,
                q_gain=gain,
                k_gain=gain,
            )
            yield from (dispatch.program for dispatch in found)


def _plan_programs() -> Iterator[Program]:
    """Return those of plans, lowered for Q8_0: another format is another file and no more."""
    for name in tiny_models.ARCHITECTURES:
        for quants, schedules in ((QUANTS, USUAL), (FEW, VARIED)):
            plans = [
                plan
                for schedule in schedules
                for plan in (
                    tiny_plan(name, QUANT_8, schedule, 1),
                    tiny_plan(name, QUANT_8, schedule, 16),
                    tiny_plan(name, QUANT_8, schedule, 16, "f32", each=True),
                )
            ]
            found = _programs(plans)
            yield from (in_format(program, quant) for quant in quants for program in found)
    for schedule in INTEGERS:
        found = _programs([tiny_plan("qwen2", QUANT_8, schedule, size) for size in (1, 16)])
        for quant in filter(has_integers, QUANTS):
            yield from (in_format(program, quant) for program in found)
            yield from _programs([tiny_plan("llama", QUANT_8, schedule, formats={"attn_v": quant})])
    for schedule in (SOFTWARE, GPU):  # each as the second format of a dispatch
        found = _programs([tiny_plan("llama", F32, schedule, formats={"attn_v": QUANT_8})])
        others = [quant for quant in QUANTS if quant != F32]
        yield from (in_format(program, quant) for quant in others for program in found)


def _programs(plans: Iterable[Plan]) -> list[Program]:
    found = [d.program for plan in plans for d in (*plan.dispatches, *plan.candidates)]
    return list(dict.fromkeys(found))


def in_format(program: Program, quant: Quant) -> Program:
    """Return a program of a plan in Q8_0 as one in another format has it."""
    usual, other = f"quants/{QUANT_8.name}", f"quants/{quant.name}"
    files = {usual: other, f"{usual} as second": f"{other} as second"}
    bound = tuple((name, files.get(file, file)) for name, file in program.bound)
    return replace(program, bound=bound)
