"""Reads the fields that say how to generate; the same in every request that generates.

As in llama.cpp, all penalties look back on the last `repeat_last_n` tokens, prompt included.
"""

from dataclasses import replace

from wgslm.errors import RequestError
from wgslm.generate import Options
from wgslm.sampling import Sampling
from wgslm_web.wire.constraints import CONSTRAINTS, read_grammar
from wgslm_web.wire.fields import Fields

STOP_LIMIT = 16
NAMES = (
    "max_tokens, max_completion_tokens, stop, temperature, top_p, seed, presence_penalty, "
    "frequency_penalty, logit_bias; and as in llama.cpp top_k, min_p, typical_p, repeat_penalty, "
    f"repeat_last_n; {CONSTRAINTS}"
)


def read_options(fields: Fields, usual: Sampling) -> Options:
    """Take every generation field; what is absent is as `usual`."""
    numbers = {name: fields.number(name) for name in _NUMBERS}
    integers = {name: fields.integer(name) for name in _INTEGERS}
    given = {name: value for name, value in {**numbers, **integers}.items() if value is not None}
    return Options(
        max_tokens=_max_tokens(fields),
        stop=_stop(fields),
        sampling=replace(usual, logit_bias=_biases(fields), **given),  # type: ignore[arg-type]
        grammar=read_grammar(fields),
    )


_NUMBERS = (
    "temperature",
    "top_p",
    "min_p",
    "typical_p",
    "repeat_penalty",
    "presence_penalty",
    "frequency_penalty",
)
_INTEGERS = ("top_k", "repeat_last_n", "seed")


def _max_tokens(fields: Fields) -> int | None:
    old, new = fields.integer("max_tokens"), fields.integer("max_completion_tokens")
    if old is not None and new is not None and old != new:
        raise RequestError(
            f"'max_tokens' is {old} and 'max_completion_tokens' is {new}; give one of them",
            "max_completion_tokens",
        )
    return old if new is None else new


def _biases(fields: Fields) -> tuple[tuple[int, float], ...]:
    """Read {"token id": bias, ...}."""
    biases = Fields(fields.mapping("logit_bias") or {}, "logit_bias.")
    found = []
    for name in biases.names:
        if not (name.isascii() and name.isdigit() and len(name) < 10):
            raise RequestError(
                f"'logit_bias' names {name!r:.60}; it must be a token id", "logit_bias"
            )
        found.append((int(name), biases.number(name) or 0.0))
    return tuple(found)


def _stop(fields: Fields) -> tuple[str, ...]:
    value = fields.take("stop")
    stops = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(stop, str) and stop for stop in stops):
        raise fields.error("stop", value, "a string or a list of strings, none of them empty")
    if len(stops) > STOP_LIMIT:
        raise fields.error("stop", value, f"a list of at most {STOP_LIMIT} strings")
    return tuple(stops)
