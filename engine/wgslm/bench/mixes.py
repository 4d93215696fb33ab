"""Which format each tensor of a quantised file has: the rules of llama.cpp's `llama-quantize`.

They are those of llama_tensor_get_type_impl and tensor_type_fallback in its src/llama-quant.cpp,
without an importance matrix, for dense models.
"""

import re
from collections.abc import Callable

from wgslm.bench.shapes import Shape
from wgslm.errors import RequestError, UnsupportedError
from wgslm.quants import QUANTS, Quant

# A mix's name, as files use it -> the format of most of its tensors.
MIXES = {
    "f32": "f32", "f16": "f16", "bf16": "bf16", "q8_0": "q8_0", "q4_0": "q4_0", "q4_1": "q4_1",
    "q5_0": "q5_0", "q5_1": "q5_1", "q2_k": "q2_k", "q3_k_s": "q3_k", "q3_k_m": "q3_k",
    "q3_k_l": "q3_k", "q4_k_s": "q4_k", "q4_k_m": "q4_k", "q5_k_s": "q5_k", "q5_k_m": "q5_k",
    "q6_k": "q6_k", "iq4_nl": "iq4_nl", "iq4_xs": "iq4_xs",
}  # fmt: skip
# What stands in for formats of 256 weights where a row is no multiple of that.
FALLBACKS = {
    "q2_k": "q4_0", "q3_k": "q4_0", "q4_k": "q5_0", "q5_k": "q5_1", "q6_k": "q8_0",
    "iq4_xs": "iq4_nl",
}  # fmt: skip
LARGE = 256
LAYER = re.compile(r"blk\.(\d+)\.(\w+)\.weight")
# For a mix and a kind of tensor: the format in layer i of n, where it is not the mix's usual one.
Rule = Callable[[int, int], str | None]


def _more_bits(i: int, n: int) -> bool:
    return i < n // 8 or i >= 7 * n // 8 or (i - n // 8) % 3 == 2


def _where_it_matters(i: int, n: int) -> str | None:
    return "q6_k" if _more_bits(i, n) else None


RULES: dict[tuple[str, str], Rule] = {
    ("q4_k_m", "attn_v"): _where_it_matters,
    ("q4_k_m", "ffn_down"): _where_it_matters,
    ("q5_k_m", "attn_v"): _where_it_matters,
    ("q5_k_m", "ffn_down"): _where_it_matters,
    ("q4_k_s", "attn_v"): lambda i, n: "q5_k" if i < 4 else None,
    ("q4_k_s", "ffn_down"): lambda i, n: "q5_k" if i < n // 8 else None,
    ("q3_k_m", "attn_v"): lambda i, n: "q5_k" if i < 2 else "q4_k",
    ("q3_k_m", "ffn_down"): lambda i, n: "q5_k" if i < n // 16 else "q4_k",
    ("q3_k_m", "attn_output"): lambda i, n: "q4_k",
    ("q3_k_l", "attn_v"): lambda i, n: "q5_k",
    ("q3_k_l", "ffn_down"): lambda i, n: "q5_k",
    ("q3_k_l", "attn_output"): lambda i, n: "q5_k",
    ("q2_k", "ffn_down"): lambda i, n: "q3_k",
    ("q2_k", "attn_output"): lambda i, n: "q3_k",
    ("iq4_nl", "ffn_down"): lambda i, n: "q5_k" if i < n // 8 else None,
    ("iq4_xs", "ffn_down"): lambda i, n: "q5_k" if i < n // 8 else None,
}
MANY_QUERIES = 4  # query heads per key head from which on the values get more bits


def tensor_quant(mix: str, shape: Shape, name: str, dimensions: tuple[int, ...]) -> Quant:
    """Return the format of a tensor of `shape` in a file quantised as `mix`."""
    if mix not in MIXES:
        raise RequestError(f"there is no quant {mix!r}; quants: {', '.join(MIXES)}", "quant")
    if len(dimensions) == 1:
        return _known("f32", mix)
    chosen = _chosen(mix, shape, name, dimensions[0])
    if dimensions[0] % _known(chosen, mix).block:
        chosen = FALLBACKS[chosen]
    return _known(chosen, mix)


def _chosen(mix: str, shape: Shape, name: str, row: int) -> str:
    usual = MIXES[mix]
    if mix in ("f32", "f16", "bf16"):
        return usual
    if name == ("token_embd.weight" if shape.is_tied else "output.weight"):
        return "q8_0" if usual == "q8_0" or row % LARGE else "q6_k"
    found = LAYER.fullmatch(name)
    if not found:
        return usual
    layer, kind = int(found[1]), found[2]
    if kind == "attn_v" and mix in ("q2_k", "iq4_nl", "iq4_xs"):
        return _values(mix, shape.heads // shape.kv_heads >= MANY_QUERIES)
    rule = RULES.get((mix, kind))
    return (rule and rule(layer, shape.layers)) or usual


def _values(mix: str, many_queries: bool) -> str:
    if mix == "q2_k":
        return "q4_k" if many_queries else "q3_k"
    return "q5_k" if many_queries else MIXES[mix]


def _known(name: str, mix: str) -> Quant:
    for quant in QUANTS:
        if quant.name == name:
            return quant
    raise UnsupportedError(
        f"{mix} needs {name.upper()}, which is not supported yet; supported: "
        f"{', '.join(sorted(quant.label for quant in QUANTS))}"
    )
