"""How an answer is drawn, as typed: the same names, kinds and limits for options and for /set."""

import json
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from wgslm.errors import RequestError, WgslmError
from wgslm.sampling import Sampling

if TYPE_CHECKING:
    from wgslm.generate import Options


_SAMPLING = frozenset(field.name for field in fields(Sampling))  # the others are of `Options`


class UsageError(WgslmError):
    """The command line asks for what cannot be, whatever the model."""


Biases = tuple[tuple[int, float], ...]  # of ids
Texts = tuple[str, ...]
Value = int | float | Biases | Texts


def biases(text: str) -> Biases:
    """Convert ID=BIAS with commas between them."""
    pairs = (pair.partition("=") for pair in text.split(","))
    return tuple((int(id), float(bias)) for id, _, bias in pairs)


def texts(text: str) -> Texts:
    """Convert one text, "none", or a JSON list of texts, as it is shown."""
    if text == "none":
        return ()
    if not text.startswith("["):
        return (text,)
    found = json.loads(text)  # a ValueError where it is none
    if not all(isinstance(each, str) for each in found):
        raise ValueError
    return tuple(found)


def switch(text: str) -> bool:
    """Convert on or off."""
    return {"on": True, "off": False, "True": True, "False": False}[text]


@dataclass(frozen=True)
class Kind:
    """What a knob's values are: how they are typed, and what to say of what is none."""

    convert: Callable[[str], Value]
    metavar: str
    wanted: str


INTEGER = Kind(int, "N", "a whole number")
NUMBER = Kind(float, "X", "a number")
SWITCH = Kind(switch, "", "on or off")
TEXTS = Kind(texts, "TEXT", 'a text, or a JSON list of texts such as ["\\n", ":"]')
BIASES = Kind(biases, "ID=X,...", "ids with their biases, such as 13=-100,29=2.5")


@dataclass(frozen=True)
class Knob:
    """What an answer depends on."""

    name: str  # as in `Sampling`; max_tokens as in `Options`
    kind: Kind
    text: str
    by_model: bool = False  # a file may recommend it
    also: tuple[str, ...] = ()  # llama.cpp's names, where they are others
    usual: object = None  # what `Options` has, if it is of those

    @property
    def option(self) -> str:
        """The name as it is typed."""
        return self.name.replace("_", "-")

    @property
    def default(self) -> str:
        """What holds when nothing is said."""
        return _shown(getattr(Sampling(), self.name, self.usual))

    def parse(self, text: str) -> Value:
        """Return the value that `text` says, or raise RequestError."""
        try:
            return self.kind.convert(text)
        except (ValueError, KeyError):
            wanted = self.kind.wanted
            raise RequestError(
                f"{self.option} is {text!r}; it must be {wanted}", self.name
            ) from None


KNOBS = (
    Knob("temperature", NUMBER, "0 always takes the likeliest token", by_model=True),
    Knob("top_k", INTEGER, "draw from the K likeliest tokens; 0: all", by_model=True),
    Knob("top_p", NUMBER, "draw from the likeliest tokens that together reach P", by_model=True),
    Knob("min_p", NUMBER, "leave out tokens less likely than P times the likeliest", by_model=True),
    Knob("typical_p", NUMBER, "draw from the most typical tokens that together reach P; 1: all"),
    Knob("repeat_penalty", NUMBER, "make the last tokens less likely; 1: no", by_model=True),
    Knob("presence_penalty", NUMBER, "take it off the logit of each of the last tokens; 0: no"),
    Knob("frequency_penalty", NUMBER, "the same, times how often the token occurs; 0: no"),
    Knob(
        "repeat_last_n",
        INTEGER,
        "how many tokens the penalties look back on; -1: all",
        by_model=True,
    ),
    Knob("logit_bias", BIASES, "add to the logits of these token ids"),
    Knob("dry_multiplier", NUMBER, "how strongly to avoid repeated sequences (DRY); 0: not"),
    Knob("dry_base", NUMBER, "how fast that grows with the sequence's length"),
    Knob("dry_allowed_length", INTEGER, "tokens that may be repeated freely"),
    Knob("dry_penalty_last_n", INTEGER, "how many tokens DRY looks back on; -1: all"),
    Knob(
        "dry_sequence_breakers",
        TEXTS,
        "texts that no repeated sequence goes past; repeatable; none: no text",
        also=("dry-sequence-breaker",),
    ),
    Knob(
        "top_n_sigma",
        NUMBER,
        "leave out logits more than X standard deviations below the highest; -1: none",
        also=("top-nsigma",),
    ),
    Knob(
        "xtc_probability",
        NUMBER,
        "how often to leave out all but the last of the likeliest tokens (XTC); 0: never",
        by_model=True,
    ),
    Knob("xtc_threshold", NUMBER, "how likely those tokens are at least", by_model=True),
    Knob("dynatemp_range", NUMBER, "let the temperature go so far up and down by the entropy"),
    Knob(
        "dynatemp_exponent",
        NUMBER,
        "of the entropy's share of the highest one",
        also=("dynatemp-exp",),
    ),
    Knob(
        "mirostat",
        INTEGER,
        "1 or 2 keep the surprise near a target, in the place of top-k, top-p, min-p; 0: off",
        by_model=True,
    ),
    Knob("mirostat_tau", NUMBER, "that target, in bits", by_model=True, also=("mirostat-ent",)),
    Knob("mirostat_eta", NUMBER, "how fast it learns", by_model=True, also=("mirostat-lr",)),
    Knob("seed", INTEGER, "the same seed gives the same answer"),
    Knob("max_tokens", INTEGER, "end the answer after N tokens"),
    Knob("min_tokens", INTEGER, "let the model not end the answer before N tokens", usual=0),
    Knob("ignore_eos", SWITCH, "let the model never end the answer", usual=False),
)


def add_knobs(parser: ArgumentParser) -> None:
    """Add an option for each."""
    for knob in KNOBS:
        usual = f"the model's, else {knob.default}" if knob.by_model else knob.default
        names = [f"--{name}" for name in (knob.option, *knob.also)]
        text = f"{knob.text} (default: {usual})"
        if knob.kind is SWITCH:
            parser.add_argument(*names, action="store_const", const=True, help=text)
            continue
        parser.add_argument(
            *names,
            dest=knob.name,
            metavar=knob.kind.metavar,
            action="extend" if knob.kind is TEXTS else "store",
            type=_for_argparse(knob),
            help=text,
        )


def make_options(args: Namespace, usual: Sampling | None = None) -> "Options":
    """Return the options that were typed, refusing values that have no meaning.

    What was not typed is as `usual`, a model's recommendation; without one as in llama.cpp.
    """
    from wgslm.generate import Options

    typed = {knob.name: getattr(args, knob.name) for knob in KNOBS}
    given = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in typed.items()
        if value is not None
    }
    try:
        options = Options(stop=tuple(args.stop), sampling=usual or Sampling())
        options = changed(options, given)
    except RequestError as error:
        raise UsageError(str(error)) from error
    return options


def parse_knob(options: "Options", name: str, text: str) -> "Options":
    """Return the options with the knob that `name` types set to what `text` says."""
    knob = next((k for k in KNOBS if name in (k.name, k.option)), None)
    if knob is None:
        known = ", ".join(knob.option for knob in KNOBS)
        raise RequestError(f"there is no setting {name!r}; settings: {known}", name)
    if text == "none" and knob.default == "none":
        return changed(options, {knob.name: getattr(Sampling(), knob.name, None)})
    return changed(options, {knob.name: knob.parse(text)})


def show_knobs(options: "Options") -> str:
    """Return all settings, one a line."""
    width = max(len(knob.option) for knob in KNOBS)
    return "\n".join(f"{k.option:{width}} {_shown(_value(options, k.name))}" for k in KNOBS)


def changed(options: "Options", values: Mapping[str, Value | None]) -> "Options":
    """Return the options with some knobs changed, all at once, to values of their kinds."""
    drawn = {name: value for name, value in values.items() if name in _SAMPLING}
    other = {name: value for name, value in values.items() if name not in _SAMPLING}
    sampling = replace(options.sampling, **drawn)  # type: ignore[arg-type]
    return replace(options, sampling=sampling, **other)  # type: ignore[arg-type]


def _value(options: "Options", name: str) -> object:
    return getattr(options.sampling if name in _SAMPLING else options, name)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple) and value and isinstance(value[0], str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple):
        return ",".join(f"{id}={bias:g}" for id, bias in value) or "none"
    return "none" if value is None else str(value)


def _for_argparse(knob: Knob) -> Callable[[str], Value]:
    """Return the knob's converter, whose errors argparse shows."""

    def convert(text: str) -> Value:
        try:
            return knob.parse(text)
        except RequestError as error:
            raise ArgumentTypeError(str(error)) from error

    return convert
