"""How the next id is drawn: the settings, and llama.cpp's chain from logits to an id.

Which path a setting takes: temperature, top-k (1 to 256), top-p, min-p, typical, penalties, bias,
`min_tokens` and `ignore_eos` are drawn on the GPU (shaders/sample.wgsl). DRY, top-n-sigma, XTC,
dynamic temperature, mirostat, log probabilities and grammars are drawn here, from a step's highest
logits where those decide and from all of them otherwise. Both draw the same ids for the same seed.
"""

from wgslm.sampling.dry import Breakers
from wgslm.sampling.sampler import MOST_CANDIDATES, Sampler, uniform_random
from wgslm.sampling.settings import Sampling, gpu_settings
from wgslm.sampling.whole import Whole, log_of_total

__all__ = [
    "MOST_CANDIDATES",
    "Breakers",
    "Sampler",
    "Sampling",
    "Whole",
    "gpu_settings",
    "log_of_total",
    "uniform_random",
]
