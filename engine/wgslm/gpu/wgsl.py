"""Find WGSL sources, join their imports, and read their signatures.

The shader is the only place where its bindings and parameters are written down. Python reads
them from the source, so the two cannot drift apart.
"""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from wgslm.errors import ShaderError

IMPORT = re.compile(r"#import\s+([\w/]+)\s*$")
BINDING = re.compile(
    r"@group\(0\) @binding\((\d+)\) var<(uniform|storage, read|storage, read_write)> (\w+):"
)
PARAMS = re.compile(r"struct Params \{(.*?)\}", re.DOTALL)
CONSTANT = re.compile(r"^(?:const|override) (\w+)(?:: u32)? = (\d+)u;", re.MULTILINE)
DECLARED = re.compile(r"^(?:fn|const|override|alias) (\w+)")
SUBGROUP = re.compile(r"\bsubgroup(?:_size|Add|Broadcast|Max)\b")
FIELD = re.compile(r"(\w+): (u32|f32),")
FORMAT = {"u32": "I", "f32": "f"}  # WGSL scalar -> struct format


@dataclass(frozen=True)
class Binding:
    """One `@binding` of a shader. `access` is the text between the angle brackets."""

    index: int
    access: str
    name: str

    @property
    def is_written(self) -> bool:
        """Whether the shader may write it."""
        return self.access == "storage, read_write"


@dataclass(frozen=True)
class Shader:
    """A composed WGSL source with its signature."""

    name: str
    text: str
    lines: tuple[tuple[str, int], ...]  # for each line of `text`: (file, line in that file)
    bindings: tuple[Binding, ...]  # in binding order
    params: tuple[tuple[str, str], ...]  # (name, "u32" or "f32"), in struct order
    constants: tuple[tuple[str, int], ...]  # unsigned numbers, such as the shape of a tile

    def constant(self, name: str) -> int:
        """Return the value of `const <name> = <value>u;`, or an override's default."""
        return dict(self.constants)[name]

    @property
    def directives(self) -> str:
        """What Tint, unlike naga, wants to read first; it goes on line 1, to keep all numbers."""
        return "enable subgroups; " if SUBGROUP.search(self.text) else ""

    def locate(self, line: int) -> str:
        """Name the source of a line (from 1) that the compiler complained about."""
        file, number = self.lines[line - 1]
        return f"shaders/{file}.wgsl:{number}"

    def pack(self, values: Mapping[str, int | float]) -> bytes:
        """Return `values` as the bytes of the shader's `Params`."""
        if set(values) != {name for name, _ in self.params}:
            raise ShaderError(
                f"shader {self.name!r} has the params {[name for name, _ in self.params]}, "
                f"not {sorted(values)}"
            )
        layout = "<" + "".join(FORMAT[kind] for _, kind in self.params)
        return struct.pack(layout, *(values[name] for name, _ in self.params))


@cache
def shader_root() -> Traversable:
    """Return `shaders/`: the copy inside an installed wheel, or the one in the checkout."""
    packaged = files("wgslm") / "shaders"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "shaders"


@cache
def load(name: str, **bound: str) -> Shader:
    """Compose `shaders/<name>.wgsl` with everything that it imports, each file once.

    `bound` says which file an abstract import stands for: `load("matvec", quant="quants/q4_0")`.
    With "<file> as second" the file's functions, and the streams they read, end in `_second`.
    """
    lines: list[tuple[str, int, str]] = []
    _append(name, lines, bound, seen=set())
    text = "\n".join(line[2] for line in lines)
    params = PARAMS.search(text)
    bindings = [Binding(int(i), access, var) for i, access, var in BINDING.findall(text)]
    return Shader(
        name="+".join([name, *(file.rsplit("/", 1)[-1] for file in bound.values())]),
        text=text,
        lines=tuple((file, number) for file, number, _ in lines),
        bindings=tuple(sorted(bindings, key=lambda binding: binding.index)),
        params=tuple(FIELD.findall(params[1])) if params else (),
        constants=tuple((const, int(value)) for const, value in CONSTANT.findall(text)),
    )


def _append(
    name: str, lines: list[tuple[str, int, str]], bound: dict[str, str], seen: set[str]
) -> None:
    if name in seen:
        return
    seen.add(name)
    path = shader_root() / f"{name}.wgsl"
    if not path.is_file():
        raise ShaderError(f"no shader {name!r}: {path} does not exist")
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if found := IMPORT.match(line):
            file, _, suffix = bound.get(found[1], found[1]).partition(" as ")
            if suffix:
                lines += _renamed(file, suffix, bound)
            else:
                _append(file, lines, bound, seen)
        else:
            lines.append((name, number, line))


def _renamed(file: str, suffix: str, bound: dict[str, str]) -> list[tuple[str, int, str]]:
    """Compose a decoder apart, everything that it declares or reads ending in `_<suffix>`."""
    lines: list[tuple[str, int, str]] = []
    _append(file, lines, bound, seen=set())
    names = {name for *_, line in lines for name in DECLARED.findall(line)} | {"quants", "scales"}
    pattern = re.compile(rf"\b({'|'.join(sorted(names))})\b")
    return [(name, number, pattern.sub(rf"\1_{suffix}", line)) for name, number, line in lines]
