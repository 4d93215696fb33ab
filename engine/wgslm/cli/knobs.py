"""How an answer is drawn, as typed: the same names, kinds and limits for options and for /set."""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wgslm.errors import RequestError, WgslmError
from wgslm.sampling import Sampling

if TYPE_CHECKING:
    from wgslm.generate import Options


class UsageError(WgslmError):
    """The command line asks for what cannot be, whatever the model."""


@dataclass(frozen=True)
class Knob:
    """A number that an answer depends on."""

    name: str  # as in `Sampling`; max_tokens as in `Options`
    kind: type[int] | type[float]
    text: str

    @property
    def option(self) -> str:
        """The name as it is typed."""
        return self.name.replace("_", "-")

    @property
    def default(self) -> str:
        """What holds when nothing is said."""
        value = getattr(Sampling(), self.name, None)
        return "none" if value is None else str(value)


KNOBS = (
    Knob("temperature", float, "0 always takes the likeliest token"),
    Knob("top_k", int, "draw from the K likeliest tokens; 0: all"),
    Knob("top_p", float, "draw from the likeliest tokens that together reach P"),
    Knob("min_p", float, "leave out tokens less likely than P times the likeliest"),
    Knob("repeat_penalty", float, "make the last 64 tokens less likely; 1: no"),
    Knob("seed", int, "the same seed gives the same answer"),
    Knob("max_tokens", int, "end the answer after N tokens"),
)


def add_knobs(parser: ArgumentParser) -> None:
    """Add an option for each."""
    for knob in KNOBS:
        usual = knob.default if knob.default == "none" else f"the model's, else {knob.default}"
        parser.add_argument(
            f"--{knob.option}",
            metavar="N" if knob.kind is int else "X",
            type=knob.kind,
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
        return changed(options, knob.name, None)
    try:
        return changed(options, knob.name, knob.kind(text))
    except ValueError:
        wanted = "a whole number" if knob.kind is int else "a number"
        raise RequestError(f"{knob.option} is {text!r}; it must be {wanted}", name) from None


def show_knobs(options: "Options") -> str:
    """Return all settings, one a line."""
    values = {knob.option: _value(options, knob.name) for knob in KNOBS}
    return "\n".join(f"{name:15} {'none' if v is None else v}" for name, v in values.items())


def changed(options: "Options", name: str, value: float | None) -> "Options":
    """Return the options with one knob changed to a value of its kind."""
    if name == "max_tokens":
        return replace(options, max_tokens=value)  # type: ignore[arg-type]
    sampling = replace(options.sampling, **{name: value})  # type: ignore[arg-type]
    return replace(options, sampling=sampling)


def _value(options: "Options", name: str) -> object:
    return options.max_tokens if name == "max_tokens" else getattr(options.sampling, name)
