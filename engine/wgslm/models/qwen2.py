"""Qwen2 and Qwen2.5: Llama with rotary pairs half a head apart, and biases on Q, K and V."""

from wgslm.gguf import Directory
from wgslm.models.config import Config, read_config
from wgslm.models.llama import forward as forward  # biases come with the weights


def configure(d: Directory, divisors: tuple[float, ...] | None) -> Config:
    """Read the config."""
    return read_config(d, "rms", neox=True, divisors=divisors)
