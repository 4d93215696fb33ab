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
Role = Literal["one", "many"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Variant:
    """A way to compute a matrix product: plain data."""

    name: str
    shader: str
    bound: tuple[tuple[str, str], ...] = ()  # abstract import -> file
    constants: tuple[tuple[str, int | float], ...] = ()  # override -> value
    needs: frozenset[str] = frozenset()  # of Device.features
    is_exact: bool = (
        True  # else it rounds x to Q8_0, which changes the numbers: only when asked for
    )


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
ROWS_TILE = Variant("rows_tile", "linear_rows_tile")
ROWS_BROADCAST = Variant("rows_broadcast", "linear_rows_broadcast", needs=OF_8)

VARIANTS: Mapping[Role, tuple[Variant, ...]] = {  # the safest of each adapter kind first
    "one": (
        *(VEC, _vec(32, "vec32"), _vec(16, "vec16"), VEC_SUBGROUP, ROWS, ROWS_SPREAD),
        *(DP4A, DP4A_SUBGROUP),
    ),
    "many": (TILE, TILE_64, ROWS_TILE, ROWS_BROADCAST),
}


@dataclass(frozen=True)
class Schedule:
    """Products and attention, for one token and for many; how to reduce over a workgroup."""

    one: Variant
    many: Variant
    attention_many: Literal["attention_lanes", "attention_tile"]
    attention_constants: tuple[tuple[str, int], ...]  # overrides of attention_many
    attention_one: Literal["attention_step_lanes", "attention_step"]
    attention_splits: int  # of the keys of one token, where the context is long enough for it
    reduce: Literal["reduce_tree", "reduce_subgroup"] = "reduce_tree"
    fuses: bool = True  # lower a step of one token to few kernels, each larger

    @property
    def reduce_bound(self) -> tuple[tuple[str, str], ...]:
        """The file that a shader's `#import reduce` stands for."""
        return (("reduce", f"lib/{self.reduce}"),)

    def splits(self, slots: int) -> int:
        """Return how many workgroups share the keys of one token in a cache of `slots`."""
        return self.attention_splits if slots > SHORT_CONTEXT else 1

    def variant(self, role: Role) -> Variant:
        """Return the variant for a role."""
        return self.one if role == "one" else self.many

    def using(self, role: Role, variant: Variant) -> "Schedule":
        """Return a schedule with another variant for a role."""
        return replace(self, one=variant) if role == "one" else replace(self, many=variant)


SHORT_CONTEXT = 512  # of one workgroup: another dispatch for the sums would cost more
SOFTWARE = Schedule(
    ROWS, ROWS_TILE, "attention_lanes", (), "attention_step_lanes", attention_splits=2
)
GPU = Schedule(VEC, TILE, "attention_tile", (), "attention_step", attention_splits=16)
QUICK_TO_COMPILE = (("KEYS", 16),)  # of attention_lanes, see there


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
        schedule = replace(schedule, fuses=False, attention_constants=QUICK_TO_COMPILE)
    if SUBGROUPS in features:
        schedule = replace(schedule, reduce="reduce_subgroup")
    for role, name in (forced or {}).items():
        schedule = schedule.using(role, find(role, name, features))
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
    if ("reduce", "lib/reduce_subgroup") in program.bound:
        yield replace(schedule, reduce="reduce_tree")
    base = SOFTWARE if kind == "software" else GPU
    for role in ROLES:
        known = {base.variant(role): None, **dict.fromkeys(usable(role, features))}
        if role not in fixed and program.shader in {variant.shader for variant in known}:
            yield from (schedule.using(role, variant) for variant in known)
    if program.shader == "attention_tile":
        yield replace(schedule, attention_many="attention_lanes")
    elif program.shader == "attention_lanes":
        yield replace(schedule, attention_many="attention_tile")
    if program.shader == "attention_step":
        yield replace(schedule, attention_one="attention_step_lanes")
    elif program.shader == "attention_step_lanes":
        yield replace(schedule, attention_one="attention_step")
    if program.shader == "attention_reduce":
        yield replace(schedule, attention_splits=1)
    if program.shader.startswith(("attention_step", "attention_reduce")):
        yield replace(schedule, fuses=False)


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
