"""Reads the fields that say how to generate; the same in every request that generates.

As in llama.cpp, all penalties look back on the last `repeat_last_n` tokens, prompt included.
"""

from dataclasses import replace

from wgslm.errors import RequestError
from wgslm.generate import MOST_LOGPROBS, Options
from wgslm.sampling import Sampling
from wgslm_web.wire.constraints import CONSTRAINTS, read_grammar
from wgslm_web.wire.fields import Fields

STOP_LIMIT = 16
NAMES = (
    "max_tokens, max_completion_tokens, stop, temperature, top_p, seed, presence_penalty, "
    "frequency_penalty, logit_bias, logprobs, top_logprobs; and as in llama.cpp top_k, min_p, "
    "typical_p, repeat_penalty, repeat_last_n, dry_multiplier, dry_base, dry_allowed_length, "
    "dry_penalty_last_n, dry_sequence_breakers, top_n_sigma, xtc_probability, xtc_threshold, "
    "dynatemp_range, dynatemp_exponent, mirostat, mirostat_tau, mirostat_eta, ignore_eos; as in "
    f"vLLM min_tokens; {CONSTRAINTS}"
)


def read_options(fields: Fields, usual: Sampling) -> Options:
    """Take every generation field; what is absent is as `usual`."""
    numbers = {name: fields.number(name) for name in _NUMBERS}
    integers = {name: fields.integer(name) for name in _INTEGERS}
    breakers = {"dry_sequence_breakers": _breakers(fields)}
    read = {**numbers, **integers, **breakers}
    given = {name: value for name, value in read.items() if value is not None}
    return Options(
        max_tokens=_max_tokens(fields),
        stop=_stop(fields),
        sampling=replace(usual, logit_bias=_biases(fields), **given),  # type: ignore[arg-type]
        grammar=read_grammar(fields),
        min_tokens=fields.integer("min_tokens") or 0,
        ignore_eos=fields.boolean("ignore_eos") or False,
        logprobs=_logprobs(fields),
    )


_NUMBERS = (
    "temperature",
    "top_p",
    "min_p",
    "typical_p",
    "repeat_penalty",
    "presence_penalty",
    "frequency_penalty",
    "dry_multiplier",
    "dry_base",
    "top_n_sigma",
    "xtc_probability",
    "xtc_threshold",
    "dynatemp_range",
    "dynatemp_exponent",
    "mirostat_tau",
    "mirostat_eta",
)
_INTEGERS = (
    "top_k",
    "repeat_last_n",
    "seed",
    "dry_allowed_length",
    "dry_penalty_last_n",
    "mirostat",
)


def _max_tokens(fields: Fields) -> int | None:
    old, new = fields.integer("max_tokens"), fields.integer("max_completion_tokens")
    if old is not None and new is not None and old != new:
        raise RequestError(
            f"'max_tokens' is {old} and 'max_completion_tokens' is {new}; give one of them",
            "max_completion_tokens",
        )
    return old if new is None else new


def _logprobs(fields: Fields) -> int | None:
    """Return of how many of the likeliest tokens to tell the chances; None: not even the drawn."""
    is_asked, top = fields.boolean("logprobs") or False, fields.integer("top_logprobs")
    if top is not None and not 0 <= top <= MOST_LOGPROBS:
        raise fields.error("top_logprobs", top, f"0 to {MOST_LOGPROBS}")
    if top and not is_asked:
        raise RequestError(
            f"'top_logprobs' is {top}; it needs 'logprobs': true beside it", "top_logprobs"
        )
    return (top or 0) if is_asked else None


def _breakers(fields: Fields) -> tuple[str, ...] | None:
    value = fields.items("dry_sequence_breakers")
    if value is None:
        return None
    texts = tuple(text for text in value if isinstance(text, str))
    if len(texts) < len(value):
        raise fields.error("dry_sequence_breakers", value, "a list of strings")
    return texts


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
