"""The settings of a draw, and what of them the GPU can do."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from wgslm.errors import RequestError
from wgslm.kernels import sample

BREAKERS = ("\n", ":", '"', "*")
MOST_BREAKERS = 64
BARRED = -1e30  # a bias that no logit outweighs, and that WGSL can compute with, unlike infinity
BREAKER_NBYTES = 40  # llama.cpp cuts longer ones


@dataclass(frozen=True)
class Sampling:
    """How to draw. The defaults are llama.cpp's."""

    temperature: float = 0.8  # 0: the likeliest of what the others leave
    top_k: int = 40  # 0: all
    top_p: float = 0.95  # 1: all
    min_p: float = 0.05  # 0: all
    repeat_penalty: float = 1.0  # 1: none
    repeat_last_n: int = 64  # tokens that the penalties look back on; -1: all
    seed: int | None = None  # None: another one each time
    typical_p: float = 1.0  # 1: all
    presence_penalty: float = 0.0  # 0: none
    frequency_penalty: float = 0.0  # 0: none
    logit_bias: tuple[tuple[int, float], ...] = ()  # of ids, each at most once
    dry_multiplier: float = 0.0  # 0: no penalty on what would repeat a sequence
    dry_base: float = 1.75  # the penalty grows so fast with the sequence
    dry_allowed_length: int = 2  # tokens that may be repeated freely
    dry_penalty_last_n: int = -1  # tokens that DRY looks back on; -1: all
    dry_sequence_breakers: tuple[str, ...] = BREAKERS  # no repeated sequence goes past them
    top_n_sigma: float = -1.0  # standard deviations below the highest logit; -1 or 0: all
    xtc_probability: float = 0.0  # of leaving out the likeliest; 0: never
    xtc_threshold: float = 0.1  # how likely those are; above 0.5 there cannot be two of them
    dynatemp_range: float = 0.0  # the temperature is so much lower or higher, by the entropy
    dynatemp_exponent: float = 1.0
    mirostat: int = 0  # 1 or 2: its version, in the place of top-k, top-p and min-p
    mirostat_tau: float = 5.0  # the surprise to aim at, in bits
    mirostat_eta: float = 0.1  # how fast it learns

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        for name, (is_good, right) in _LIMITS.items():
            value = getattr(self, name)
            _check(name, value, is_good(value), right)
        if len(dict(self.logit_bias)) < len(self.logit_bias):
            raise RequestError("logit_bias names a token twice", "logit_bias")
        for id, bias in self.logit_bias:
            is_bias = -100 <= bias <= 100 or bias == BARRED
            _check("logit_bias", bias, is_bias, f"-100 to 100 for token {id}")
        self._check_breakers()
        self._check_mirostat()

    def barring(self, ids: Iterable[int]) -> "Sampling":
        """Return the same where some ids are never drawn, whatever their bias."""
        biases = {**dict(self.logit_bias), **dict.fromkeys(ids, BARRED)}
        return replace(self, logit_bias=tuple(biases.items()))

    @property
    def has_penalties(self) -> bool:
        """Whether an id that occurred changes its chances."""
        changes = (self.repeat_penalty != 1, self.presence_penalty, self.frequency_penalty)
        return any(changes) and self.repeat_last_n != 0

    @property
    def has_dry(self) -> bool:
        """Whether an id that would repeat a sequence becomes less likely."""
        return self.dry_multiplier > 0 and self.dry_penalty_last_n != 0

    @property
    def is_greedy(self) -> bool:
        """Whether the highest logit decides alone: what drops it, or heats again, is not there."""
        others = (self.typical_p < 1, self.xtc_probability > 0, self.dynatemp_range > 0)
        return self.temperature == 0 and not any(others)

    def _check_breakers(self) -> None:
        name, breakers = "dry_sequence_breakers", self.dry_sequence_breakers
        if len(breakers) > MOST_BREAKERS:
            raise RequestError(
                f"{name} are {len(breakers)} texts; they must be at most {MOST_BREAKERS}", name
            )
        for text in breakers:
            if not 0 < len(text.encode("utf-8", "replace")) <= BREAKER_NBYTES:
                raise RequestError(
                    f"{name} hold {text!r:.60}; each must be a text of 1 to {BREAKER_NBYTES} bytes",
                    name,
                )

    def _check_mirostat(self) -> None:
        """Refuse what mirostat would ignore. Top-k, top-p and min-p always have a value."""
        others = {
            "typical_p": self.typical_p < 1,
            "top_n_sigma": self.top_n_sigma > 0,
            "xtc_probability": self.xtc_probability > 0,
            "dynatemp_range": self.dynatemp_range > 0,
        }
        for name, is_on in others.items():
            if self.mirostat and is_on:
                raise RequestError(
                    f"mirostat is {self.mirostat} and {name} is {getattr(self, name)}; mirostat "
                    "takes its place, so only one of them can be on",
                    name,
                )


def _check(name: str, value: float, is_good: bool, right: str) -> None:
    if not is_good:  # NaN compares false, so it is refused too
        raise RequestError(f"{name} is {value}; it must be {right}", name)


Limit = tuple[Callable[[float], bool], str]


def _within(least: float, most: float) -> Limit:
    return lambda value: least <= value <= most, f"{least:g} to {most:g}"


def _from(least: int, meaning: str) -> Limit:
    return lambda value: value >= least, f"{least} ({meaning}) or more"


_SHARE: Limit = (lambda value: 0 < value <= 1, "above 0, at most 1")
_LIMITS: dict[str, Limit] = {
    "temperature": _within(0, 100),
    "top_k": _from(0, "all"),
    "top_p": _SHARE,
    "min_p": _within(0, 1),
    "typical_p": _SHARE,
    "repeat_penalty": _within(0.1, 10),
    "repeat_last_n": _from(-1, "all"),
    "presence_penalty": _within(-2, 2),
    "frequency_penalty": _within(-2, 2),
    "dry_multiplier": _within(0, 100),
    "dry_base": _within(1, 100),
    "dry_allowed_length": _from(0, "none"),
    "dry_penalty_last_n": _from(-1, "all"),
    "top_n_sigma": (lambda value: value == -1 or 0 <= value <= 1000, "-1 (all), or 0 to 1000"),
    "xtc_probability": _within(0, 1),
    "xtc_threshold": _within(0, 1),
    "dynatemp_range": _within(0, 100),
    "dynatemp_exponent": _within(0, 100),
    "mirostat": (lambda value: value in (0, 1, 2), "0 (off), 1 or 2"),
    "mirostat_tau": _within(0, 100),
    "mirostat_eta": _within(0, 1),
}


def gpu_settings(
    sampling: Sampling,
    seed: int,
    budget: int,
    stops: Collection[int],
    context: int,
    least: int = 0,
) -> sample.Settings | None:
    """Return what the GPU needs to draw; None where it has to be done here.

    That is: DRY, top-n-sigma, XTC, dynamic temperature, mirostat; more than 256 candidates (or
    all, unless greedy), penalties that look back on more than 1,024 ids, more than 512 biases.
    More than 16 stop ids the GPU does not watch for; the reader does, as it does for the others.
    Before `least` ids no stop id is drawn, which takes the GPU to know them all.
    """
    s = sampling
    if s.has_dry or s.top_n_sigma > 0 or s.xtc_probability or s.dynatemp_range or s.mirostat:
        return None
    last_n = (context if s.repeat_last_n < 0 else s.repeat_last_n) if s.has_penalties else 0
    last_n = min(last_n, context)  # no history is longer
    if not s.is_greedy and not 1 <= s.top_k <= sample.MOST_CANDIDATES:
        return None
    if last_n > sample.MOST_RECENT or len(s.logit_bias) > sample.MOST_BIASES:
        return None
    if least and len(stops) > sample.MOST_STOPS:
        return None
    return sample.Settings(
        temperature=s.temperature,
        top_k=1 if s.is_greedy else s.top_k,
        top_p=s.top_p,
        min_p=s.min_p,
        typical_p=s.typical_p,
        repeat_penalty=s.repeat_penalty,
        presence_penalty=s.presence_penalty,
        frequency_penalty=s.frequency_penalty,
        last_n=last_n,
        biases=s.logit_bias,
        seed=seed,
        budget=budget,
        stops=sorted(stops) if len(stops) <= sample.MOST_STOPS else (),
        least=min(least, budget),
    )
