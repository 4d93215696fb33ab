"""Run a plan on the twins: the oracle of a whole step, and a way to find the kernel that is wrong.

Every slot keeps its own array here, so that an activation which loses its memory to another one
too early shows as a difference.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from twins import Array
from twins.activate import activate
from twins.attention import append, attention, attention_step
from twins.embed import embed
from twins.linear import linear
from twins.norm import layernorm, rmsnorm
from twins.rope import rope
from wgslm.kernels import Dispatch, Ref
from wgslm.plan import Plan
from wgslm.plan.rope import Rope

DRAWS = ("sample", "top_chunks", "top_threshold", "top_collect")


@dataclass
class Machine:
    """Memory by name, and the step's numbers."""

    weights: Mapping[str, Array]  # [rows, row], or [size]
    rotation: Rope | None
    context: int
    memory: dict[Ref, Array] = field(default_factory=dict)
    ids: Sequence[int] = ()
    position: int = 0
    dispatches: Sequence[Dispatch] = ()

    def step(self, plan: Plan, ids: Sequence[int], position: int) -> Array:
        """Run one step and return the logits [1 or T, vocab]."""
        self.ids, self.position, self.dispatches = ids, position, plan.dispatches
        for dispatch in plan.dispatches:
            if dispatch.program.shader not in DRAWS:
                HANDLERS[dispatch.program.shader](self, Call(self, dispatch))
        return self.memory[plan.logits]

    def weight(self, ref: Ref) -> Array:
        """Return tensors that lie side by side as one."""
        return np.concatenate([self.weights[name] for name in ref.name.split("+")])

    @property
    def positions(self) -> range:
        """Where the step's tokens are."""
        return range(self.position, self.position + len(self.ids))


@dataclass
class Call:
    """A dispatch with its memory at hand."""

    machine: Machine
    dispatch: Dispatch

    def param(self, name: str) -> int:
        """Return an integer param."""
        return int(self.dispatch.params[name])

    def has(self, constant: str) -> bool:
        """Say whether an override is switched on."""
        return bool(dict(self.dispatch.program.constants).get(constant))

    def read(self, binding: str) -> Array:
        """Return what a binding holds."""
        ref = self.dispatch.bindings[binding]
        return self.machine.weight(ref) if ref.kind == "weight" else self.machine.memory[ref]

    def write(self, binding: str, value: Array) -> None:
        """Replace what a binding holds."""
        self.machine.memory[self.dispatch.bindings[binding]] = value

    def heads(self, binding: str, dim: int) -> Array:
        """Return the heads that a slot holds from `offset` on: [T, heads, dim], a view."""
        rows = self.read(binding)
        assert rows.shape[1] == self.param("stride")
        offset = self.param("offset")
        width = self.param("heads") * dim
        return rows[:, offset : offset + width].reshape(len(rows), -1, dim)


def _embed(m: Machine, call: Call) -> None:
    first, rows = call.param("first_row"), call.param("rows")
    ref = call.dispatch.bindings["y"]
    table = m.weight(call.dispatch.bindings["quants"])
    if first == 0 and not call.has("ADD"):
        m.memory[ref] = np.full((len(m.ids), table.shape[1]), np.nan)
    for t, row in enumerate(m.positions if call.has("BY_POSITION") else m.ids):
        if first <= row < first + rows:
            value = embed(table, [row], float(call.dispatch.params["scale"]))[0]
            m.memory[ref][t] = value + (m.memory[ref][t] if call.has("ADD") else 0)


def _norm_input(m: Machine, call: Call) -> Array:
    x = call.read("x")
    return x[len(m.ids) - 1 : len(m.ids)] if call.has("LAST") else x[: len(m.ids)]


def _rmsnorm(m: Machine, call: Call) -> None:
    x = _norm_input(m, call)
    dim, offset = call.param("dim"), call.param("offset")
    assert x.shape[1] == call.param("stride")
    rows = x[:, offset : offset + call.param("per_token") * dim].reshape(-1, dim)
    y = rmsnorm(rows, call.read("gain"), float(call.dispatch.params["eps"]))
    call.write("y", y.reshape(len(x), -1))


def _layernorm(m: Machine, call: Call) -> None:
    eps = float(call.dispatch.params["eps"])
    call.write("y", layernorm(_norm_input(m, call), call.read("gain"), call.read("bias"), eps))


def _bias(call: Call, rows: int) -> Array | None:
    at = call.param("bias_at")
    return call.read("bias")[at : at + rows] if call.param("has_bias") else None


def _linear(m: Machine, call: Call) -> None:
    column, rows = call.param("column"), call.param("rows")
    first, x = _first_row(call), call.read("x")[: len(m.ids)]
    columns = slice(column, column + rows)
    y = call.dispatch.bindings["y"]
    m.memory.setdefault(y, np.full((len(x), call.param("width")), np.nan))
    m.memory[y] = _resized(m.memory[y], len(x))
    m.memory[y][:, columns] = linear(
        x,
        m.weight(call.dispatch.bindings["quants"])[first : first + rows],
        _bias(call, rows),
        call.read("residual")[: len(x), columns] if call.param("has_residual") else None,
    )


def _linear_one(m: Machine, call: Call) -> None:
    x = call.read("x")[:1]
    if call.has("NORM"):
        x = rmsnorm(x, call.read("other"), float(call.dispatch.params["eps"]))
    first, rows = _first_row(call), call.param("rows")
    weights = [m.weight(call.dispatch.bindings["quants"])[first : first + rows]]
    if call.has("HAS_SECOND"):
        weights.append(m.weight(call.dispatch.bindings["quants_second"]))
    w = np.concatenate(weights)
    column = call.param("column")
    columns = slice(column, column + call.param("outputs"))
    residual = call.read("other")[:1, columns] if call.param("has_residual") else None
    value = linear(x, w, _bias(call, len(w)), residual)
    if call.has("GATED"):
        hidden = call.param("outputs")
        kind = "gelu" if call.has("GELU") else "silu"
        value = activate(value[:, :hidden], value[:, hidden:], kind)
    y = call.dispatch.bindings["y"]
    have = m.memory.get(y, np.zeros((1, 0)))[:1]
    missing = np.full((1, max(0, columns.stop - have.shape[1])), np.nan)
    m.memory[y] = np.concatenate([have, missing], 1)
    m.memory[y][:, columns] = value


def _first_row(call: Call) -> int:
    """Return where a part of a matrix begins; the dispatches before it did the rows up to there."""
    ref = call.dispatch.bindings["quants"]
    return sum(
        int(other.params["rows"])
        for other in call.machine.dispatches
        if (found := other.bindings.get("quants"))
        and other.program.shader.startswith("linear")
        and found.name == ref.name
        and found.part < ref.part
    )


def _resized(y: Array, tokens: int) -> Array:
    """Return y with as many tokens as this step has."""
    return y if len(y) == tokens else np.full((tokens, y.shape[1]), np.nan)


def _rope(m: Machine, call: Call) -> None:
    assert m.rotation is not None
    dim, offset = call.param("head_dim"), call.param("offset")
    heads = call.heads("x", dim)
    turned = rope(
        heads,
        m.positions,
        m.rotation.angles,
        neox=call.has("NEOX"),
        magnitude=m.rotation.magnitude,
    )
    x = call.read("x").copy()
    x[:, offset : offset + heads.shape[1] * dim] = turned.reshape(len(x), -1)
    call.write("x", x)


def _kv(call: Call) -> str:
    return dict(call.dispatch.program.bound)["kv"].removeprefix("lib/kv_")


def _head_dim(call: Call) -> int:
    return 4 * int(dict(call.dispatch.program.constants)["DIM4"])


def _caches(m: Machine, call: Call, heads: int) -> tuple[Array, Array]:
    """Return keys and values [heads, slots, dim], zeros at first."""
    shape = (heads, call.param("slots"), _head_dim(call))
    refs = [call.dispatch.bindings[f"{of}_cache"] for of in "kv"]
    k, v = (m.memory.setdefault(ref, np.zeros(shape)) for ref in refs)
    return k, v


def _kv_append(m: Machine, call: Call) -> None:
    for of, cache in zip("kv", _caches(m, call, call.param("heads")), strict=True):
        heads, _, dim = cache.shape
        at = 4 * call.param(f"{of}_offset4")
        x = call.read(of)[:, at : at + heads * dim]
        append(cache, x.reshape(len(x), heads, dim), m.position, _kv(call))


def _attention(m: Machine, call: Call) -> None:
    heads, dim, at = call.param("heads"), _head_dim(call), 4 * call.param("offset4")
    q = call.read("q")[:, at : at + heads * dim].reshape(-1, heads, dim)
    k, v = call.read("k_cache"), call.read("v_cache")
    assert heads == len(k) * call.param("group")
    scale = float(call.dispatch.params["scale"])
    o = attention(q, k, v, m.position, scale, call.param("window"))
    call.write("o", o.reshape(len(q), -1))


def _attention_step(m: Machine, call: Call) -> None:
    """Compute the whole at once, also where another dispatch adds up the splits."""
    kv_heads, dim = call.dispatch.grid[0], _head_dim(call)
    caches = _caches(m, call, kv_heads)

    def heads(of: str, count: int) -> Array:
        at = call.param(f"{of}_offset")
        return call.read("qkv")[:1, at : at + count * dim].reshape(1, count, dim)

    def rotate(x: Array) -> Array:
        if not call.param("pairs"):
            return x
        assert m.rotation is not None and m.rotation.pairs == call.param("pairs")
        r = m.rotation
        return rope(x, m.positions, r.angles, neox=call.has("NEOX"), magnitude=r.magnitude)

    o = attention_step(
        heads("q", kv_heads * call.param("group")),
        heads("k", kv_heads),
        heads("v", kv_heads),
        caches,
        m.position,
        float(call.dispatch.params["scale"]),
        _kv(call),
        window=call.param("window"),
        rotate=rotate,
        gains=(
            call.read("q_gain") if call.has("Q_NORM") else None,
            call.read("k_gain") if call.has("K_NORM") else None,
        ),
        eps=float(call.dispatch.params["eps"]),
    )
    call.write("o", o.reshape(1, -1))


def _attention_reduce(m: Machine, call: Call) -> None:
    call.write("o", call.read("parts"))


def _activate(m: Machine, call: Call) -> None:
    x, dim = call.read("x"), call.param("dim")
    gate, up = (x[:, call.param(name) :][:, :dim] for name in ("gate", "up"))
    gated = dict(call.dispatch.program.constants).get("GATED", True)
    kind = "gelu" if call.has("GELU") else "silu"
    call.write("y", activate(gate, up if gated else None, kind))


HANDLERS: Mapping[str, Callable[[Machine, Call], None]] = {
    "embed": _embed,
    "rmsnorm": _rmsnorm,
    "layernorm": _layernorm,
    "linear_rows": _linear_one,
    "linear_vec": _linear_one,
    "linear_rows_tile": _linear,
    "linear_rows_broadcast": _linear,
    "linear_tile": _linear,
    "linear_tile_dp4a": _linear,
    "rope": _rope,
    "kv_append": _kv_append,
    "attention_lanes": _attention,
    "attention_tile": _attention,
    "attention_step": _attention_step,
    "attention_step_lanes": _attention_step,
    "attention_reduce": _attention_reduce,
    "activate": _activate,
}
