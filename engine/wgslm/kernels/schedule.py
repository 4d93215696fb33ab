"""Which variant of a kernel suits an adapter.

Measured on lavapipe (Mesa 22.3) with a Q8_0 matrix of 1536 x 576: one token, `rows` reads 4.5 GB/s,
`rows_spread` 5.9, a reduction over 64 lanes 0.14; many tokens, `rows_tile` 16 GFLOP/s,
`rows_broadcast` 43 (llvmpipe runs lanes as SIMD and loads lane by lane).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from wgslm.errors import RequestError
from wgslm.gpu import SUBGROUPS, SUBGROUPS_OF_8, Program

Kind = Literal["gpu", "software"]  # of adapter
Role = Literal["one", "many", "attention", "attention_one", "splits", "reduce", "lowering"]
ROLES: tuple[Role, ...] = get_args(Role)
PRODUCTS: tuple[Role, ...] = ("one", "many")  # the roles that are tuned
ATTENTIONS: tuple[Role, ...] = ("attention", "attention_one")
OF_FUSED: frozenset[Role] = frozenset({"attention_one", "splits"})  # the plain lowering has none


@dataclass(frozen=True)
class Variant:
    """A way to do what a role asks for: plain data."""

    name: str
    shader: str = ""  # none: files that several shaders import, or no kernel of its own
    bound: tuple[tuple[str, str], ...] = ()  # abstract import -> file
    constants: tuple[tuple[str, int | float], ...] = ()  # override -> value
    needs: frozenset[str] = frozenset()  # of Device.features
    is_exact: bool = (
        True  # else it rounds x to Q8_0, which changes the numbers: only when asked for
    )

    def has_part_in(self, program: Program) -> bool:
        """Say whether a program is of this variant's kernel, with whatever constants."""
        if self.shader:
            return program.shader == self.shader
        return bool(self.bound) and set(self.bound) <= set(program.bound)


OF_8 = frozenset({SUBGROUPS_OF_8})


def _vec(lanes: int, name: str, sums: str = "tree", dots: str = "float") -> Variant:
    bound = (("dots", f"lib/dots_{dots}"), ("sums", f"lib/sums_{sums}"))
    constants = (("LANES", lanes), ("TILE_ROWS", 256 // lanes))
    needs = frozenset({SUBGROUPS}) if sums == "subgroup" else frozenset()
    return Variant(name, "linear_vec", bound, constants, needs, is_exact=dots == "float")


VEC = _vec(64, "vec64")  # as many lanes in flight as a lane for every 16th of a row
VEC_SUBGROUP = _vec(64, "vec_subgroup", "subgroup")
DP4A = _vec(64, "dp4a", dots="dp4a")
DP4A_SUBGROUP = _vec(64, "dp4a_subgroup", "subgroup", "dp4a")
ROWS = Variant("rows", "linear_rows", (("input", "lib/input_load"),))
ROWS_SPREAD = Variant("rows_spread", "linear_rows", (("input", "lib/input_spread"),), needs=OF_8)
TILE = Variant("tile32", "linear_tile")
TILE_64 = Variant("tile64", "linear_tile", constants=(("TILE_TOKENS", 64), ("LANES", 128)))
DP4A_TILE = Variant("dp4a", "linear_tile_dp4a", is_exact=False)
ROWS_TILE = Variant("rows_tile", "linear_rows_tile")
ROWS_BROADCAST = Variant("rows_broadcast", "linear_rows_broadcast", needs=OF_8)

LANES = Variant("lanes", "attention_lanes")
LANES_16 = Variant("lanes16", "attention_lanes", constants=(("KEYS", 16),))  # quick to compile
ATTENTION_TILE = Variant("tile", "attention_tile")
STEP = Variant("step", "attention_step")
STEP_LANES = Variant("step_lanes", "attention_step_lanes")
SPLITS = {n: Variant(f"{n}", constants=(("SPLITS", n),)) for n in (1, 2, 4, 8, 16, 32)}
TREE = Variant("tree", bound=(("reduce", "lib/reduce_tree"),))
SUBGROUP = Variant(
    "subgroup", bound=(("reduce", "lib/reduce_subgroup"),), needs=frozenset({SUBGROUPS})
)
FUSED, PLAIN = Variant("fused"), Variant("plain")

VARIANTS: Mapping[Role, tuple[Variant, ...]] = {  # the safest of each adapter kind first
    "one": (
        *(VEC, _vec(32, "vec32"), _vec(16, "vec16"), VEC_SUBGROUP, ROWS, ROWS_SPREAD),
        *(DP4A, DP4A_SUBGROUP),
    ),
    "many": (TILE, TILE_64, ROWS_TILE, ROWS_BROADCAST, DP4A_TILE),
    "attention": (LANES, ATTENTION_TILE, LANES_16),
    "attention_one": (STEP_LANES, STEP),
    "splits": tuple(SPLITS.values()),
    "reduce": (TREE, SUBGROUP),
    "lowering": (FUSED, PLAIN),
}


SHORT_CONTEXT = 512  # of one workgroup: another dispatch for the sums would cost more


@dataclass(frozen=True)
class Schedule:
    """What each role is done with."""

    one: Variant  # products of one token
    many: Variant  # products of many tokens
    attention: Variant  # of many tokens, and of one in the plain lowering
    attention_one: Variant  # of one token in the fused lowering
    splits: Variant  # how many workgroups share the keys of one token in the fused lowering
    reduce: Variant = TREE  # over a workgroup
    lowering: Variant = FUSED  # of a step of one token: to few kernels, each larger, or plainly
    unsplit: int = SHORT_CONTEXT  # slots of a cache up to which one workgroup takes all keys

    def splits_of(self, slots: int) -> int:
        """Return how many workgroups share the keys of one token in a cache of `slots`."""
        return int(dict(self.splits.constants)["SPLITS"]) if slots > self.unsplit else 1

    def variant(self, role: Role) -> Variant:
        """Return the variant for a role."""
        variant: Variant = getattr(self, role)
        return variant

    def using(self, role: Role, variant: Variant) -> "Schedule":
        """Return a schedule with another variant for a role."""
        return replace(self, **{role: variant})  # type: ignore[arg-type]


SOFTWARE = Schedule(ROWS, ROWS_TILE, LANES, STEP_LANES, SPLITS[2])
GPU = Schedule(VEC, TILE, ATTENTION_TILE, STEP, SPLITS[16])


def choose(
    kind: Kind,
    features: frozenset[str],
    forced: Mapping[Role, str] | None = None,
) -> Schedule:
    """Return the schedule for an adapter kind with its features. `forced` names variants."""
    schedule = SOFTWARE if kind == "software" else GPU
    if kind == "software" and SUBGROUPS_OF_8 in features:
        schedule = replace(schedule, one=ROWS_SPREAD, many=ROWS_BROADCAST)
    elif kind == "software":  # SwiftShader compiles fused kernels for seconds, before any answer
        schedule = replace(schedule, lowering=PLAIN, attention=LANES_16)
    if SUBGROUPS in features:
        schedule = replace(schedule, reduce=SUBGROUP)
    for role, name in (forced or {}).items():
        schedule = schedule.using(role, find(role, name, features))
    if "splits" in (forced or {}):
        schedule = replace(schedule, unsplit=0)
    stray = next((role for role in forced or {} if role in OF_FUSED), None)
    if stray and schedule.lowering != FUSED:
        raise RequestError(
            f"{stray}={schedule.variant(stray).name} has no place in the plain lowering, which is "
            "used here; lowering=fused beside it would be right",
            "variant",
        )
    return schedule


def alternatives(
    schedule: Schedule,
    program: Program,
    kind: Kind,
    features: frozenset[str],
    fixed: Collection[Role] = (),
) -> Iterator[Schedule]:
    """Yield schedules that do a program's work in another way, the safest first.

    The variants of `fixed` roles stay; of what has no variants there is nothing else.
    """
    if "reduce" not in fixed and SUBGROUP.has_part_in(program):
        yield replace(schedule, reduce=TREE)
    base = SOFTWARE if kind == "software" else GPU
    for role in (*PRODUCTS, *ATTENTIONS):
        known = {base.variant(role): None, **dict.fromkeys(usable(role, features))}
        if role not in fixed and any(variant.has_part_in(program) for variant in known):
            yield from (schedule.using(role, variant) for variant in known)
    if program.shader == "attention_reduce" and "splits" not in fixed:
        yield schedule.using("splits", SPLITS[1])
    is_step = program.shader.startswith(("attention_step", "attention_reduce"))
    if is_step and not {"lowering", *OF_FUSED} & set(fixed):
        yield replace(schedule, lowering=PLAIN)


def usable(role: Role, features: frozenset[str]) -> tuple[Variant, ...]:
    """Return the variants to choose from on an adapter, the safest first: the exact ones."""
    return tuple(v for v in VARIANTS[role] if v.needs <= features and v.is_exact)


def find(role: Role, name: str, features: frozenset[str]) -> Variant:
    """Return a variant by its name, or raise."""
    known = {v.name: v for v in VARIANTS[role] if v.needs <= features}
    if name not in known:
        raise RequestError(
            f"no variant {name!r} for {role!r} on this adapter; there are {', '.join(known)}",
            "variant",
        )
    return known[name]
