"""A driver that computes wrongly: shaders reach it with a wrong constant, all else is real."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from wgslm.gpu.wgsl import Shader, load


@dataclass(frozen=True)
class Flaw:
    """Text that a composed shader gets wrong, in shaders whose name satisfies `where`."""

    right: str
    wrong: str
    where: Callable[[str], bool]


def spoil(monkeypatch: pytest.MonkeyPatch, *flaws: Flaw) -> set[str]:
    """Let programs be composed with flaws; return the names of those that were, as they come."""
    spoilt: set[str] = set()

    def compose(name: str, **bound: str) -> Shader:
        shader = load(name, **bound)
        for flaw in flaws:
            if flaw.where(shader.name) and flaw.right in shader.text:
                shader = replace(shader, text=shader.text.replace(flaw.right, flaw.wrong))
                spoilt.add(shader.name)
        return shader

    monkeypatch.setattr("wgslm.gpu.load", compose)
    return spoilt
