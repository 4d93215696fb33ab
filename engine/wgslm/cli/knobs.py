"""How an answer is drawn, as typed: the same names, kinds and limits for options and for /set."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wgslm.errors import RequestError, WgslmError
from wgslm.sampling import Sampling

if TYPE_CHECKING:
    from wgslm.generate import Options


class UsageError(WgslmError):
    """The command line asks for what cannot be, whatever the model."""


Biases = tuple[tuple[int, float], ...]  # of ids
Value = int | float | Biases


def biases(text: str) -> Biases:
    """Convert ID=BIAS with commas between them."""
    pairs = (pair.partition("=") for pair in text.split(","))
    return tuple((int(id), float(bias)) for id, _, bias in pairs)


@dataclass(frozen=True)
class Kind:
    """What a knob's values are: how they are typed, and what to say of what is none."""

    convert: Callable[[str], Value]
    metavar: str
    wanted: str


INTEGER = Kind(int, "N", "a whole number")
NUMBER = Kind(float, "X", "a number")
BIASES = Kind(biases, "ID=X,...", "ids with their biases, such as 13=-100,29=2.5")


@dataclass(frozen=True)
class Knob:
    """What an answer depends on."""

    name: str  # as in `Sampling`; max_tokens as in `Options`
    kind: Kind
    text: str
    by_model: bool = False  # a file may recommend it

    @property
    def option(self) -> str:
        """The name as it is typed."""
        return self.name.replace("_", "-")

    @property
    def default(self) -> str:
        """What holds when nothing is said."""
        return _shown(getattr(Sampling(), self.name, None))

    def parse(self, text: str) -> Value:
        """Return the value that `text` says, or raise RequestError."""
        try:
            return self.kind.convert(text)
        except ValueError:
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
    Knob("seed", INTEGER, "the same seed gives the same answer"),
    Knob("max_tokens", INTEGER, "end the answer after N tokens"),
)


def add_knobs(parser: ArgumentParser) -> None:
    """Add an option for each."""
    for knob in KNOBS:
        usual = f"the model's, else {knob.default}" if knob.by_model else knob.default
        parser.add_argument(
            f"--{knob.option}",
            metavar=knob.kind.metavar,
            type=_for_argparse(knob),
            help=f"{knob.text} (default: {usual})",
        )


def make_options(args: Namespace, usual: Sampling | None = None) -> "Options":
    """Return the options that were typed, refusing values that have no meaning.

    What was not typed is as `usual`, a model's recommendation; without one as in llama.cpp.
    """
    from wgslm.generate import Options

    try:
        options = Options(stop=tuple(args.stop), sampling=usual or Sampling())
        for knob in KNOBS:
            value = getattr(args, knob.name)
            if value is not None:
                options = changed(options, knob.name, value)
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
        return changed(options, knob.name, getattr(Sampling(), knob.name, None))
    return changed(options, knob.name, knob.parse(text))


def show_knobs(options: "Options") -> str:
    """Return all settings, one a line."""
    width = max(len(knob.option) for knob in KNOBS)
    return "\n".join(f"{k.option:{width}} {_shown(_value(options, k.name))}" for k in KNOBS)


def changed(options: "Options", name: str, value: Value | None) -> "Options":
    """Return the options with one knob changed to a value of its kind."""
    if name == "max_tokens":
        return replace(options, max_tokens=value)  # type: ignore[arg-type]
    sampling = replace(options.sampling, **{name: value})  # type: ignore[arg-type]
    return replace(options, sampling=sampling)


def _value(options: "Options", name: str) -> object:
    return options.max_tokens if name == "max_tokens" else getattr(options.sampling, name)


def _shown(value: object) -> str:
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
