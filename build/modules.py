"""Joins ES modules into one classic script, which is all that a page opened from disk can start.

Reads the forms that our page and the libraries it takes use, and refuses every other one: neither
cycles nor exported variables that change. `one_file/modules.js` runs what comes out.
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from build import environment, steps
else:
    environment = sys.modules["wgslm_build_environment"]
    steps = environment.load("steps")

IMPORT = re.compile(r'^import (?:(?P<what>[^";]+) from )?"(?P<place>[^"\n]+)";', re.M)
LAZY = re.compile(r"(?<![\w$.#])(?<!async )import\(")  # not a method of that name
LAZY_PLACE = re.compile(r'(?<![\w$.#])import\("(?P<place>\./[^"\n]+)"\)')
EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (?P<name>[\w$]+))", re.M)
EXPORT_LIST = re.compile(r"(?:^|(?<=[;}\n]))export ?\{(?P<names>[^}]*)\};?[ \t]*$", re.M)
EXPORT_DEFAULT = re.compile(r"(?:^|(?<=[;}\n]))export default (?P<name>[\w$]+);[ \t]*$", re.M)
SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.M)
UNKNOWN = re.compile(
    r"^[ \t]*(?:import|export)\b(?![ \t]*[(:=,}]).{,80}|\bimport\.meta\b.{,80}", re.M
)
# What ends a script inside HTML, or begins a comment there; both may stand in strings.
MARKUP = re.compile(r"<(?=/script|!--)", re.I)


def join(site: Mapping[str, bytes], entries: Sequence[str]) -> str:
    """Return `MODULES = {...}` with these modules and all that they import, by their paths."""
    joined: dict[str, str] = {}
    for entry in entries:
        _add(site, entry, joined, ())
    functions = [f'"{name}": (__url) => {{\n{body}\n}},\n' for name, body in joined.items()]
    return MARKUP.sub(r"\\x3C", f"const MODULES = {{\n{''.join(functions)}}};\n")


def _add(
    site: Mapping[str, bytes], name: str, joined: dict[str, str], above: tuple[str, ...]
) -> None:
    if name in above:
        raise steps.SetUpError(f"modules import each other: {' → '.join((*above, name))}")
    if name in joined:
        return
    if name not in site:
        raise steps.SetUpError(
            f"{above[-1] if above else 'the build'} imports {name}: no such file"
        )
    source = site[name].decode()
    for place in IMPORT.finditer(source):
        _add(site, _beside(name, place["place"]), joined, (*above, name))
    joined[name] = function_body(name, source)
    for place in LAZY_PLACE.finditer(source):  # it may lead back here: this module has run by then
        _add(site, _beside(name, place["place"]), joined, ())


def function_body(name: str, source: str) -> str:
    """Return what a module does as the body of a function that returns its exports."""
    exports: dict[str, str] = {}

    def take_list(match: re.Match[str]) -> str:
        for pair in filter(None, (part.strip() for part in match["names"].split(","))):
            local, _, outside = pair.partition(" as ")
            exports[outside or local] = local
        return ""

    def take_default(match: re.Match[str]) -> str:
        exports["default"] = match["name"]
        return ""

    def take_declared(match: re.Match[str]) -> str:
        exports[match["name"]] = match["name"]
        return ""

    body = SOURCE_MAP.sub("", source)
    body = EXPORT_LIST.sub(take_list, body)
    body = EXPORT_DEFAULT.sub(take_default, body)
    body = EXPORT.sub(take_declared, body)
    body = IMPORT.sub(lambda match: _constants(name, match), body)
    body = LAZY.sub("__load(__url, ", body).replace("import.meta.url", "__url")
    if unknown := UNKNOWN.search(body):
        raise steps.SetUpError(
            f"{name}: {unknown[0].strip()!r} is no import or export that modules.py can join"
        )
    pairs = ", ".join(f"{outside}: {local}" for outside, local in exports.items())
    return f"{body.strip()}\nreturn {{ {pairs} }};"


def _constants(name: str, match: re.Match[str]) -> str:
    """Turn an import statement into constants; all exports have their values by then."""
    used = f'__use("{_beside(name, match["place"])}")'
    what = match["what"]
    if what is None:
        return f"{used};"
    if star := re.fullmatch(r"\* as ([\w$]+)", what):
        return f"const {star[1]} = {used};"
    if re.fullmatch(r"[\w$]+", what):
        return f"const {{ default: {what} }} = {used};"
    if re.fullmatch(r"\{[\w$\s,]+\}", what):
        return f"const {what.replace(' as ', ': ')} = {used};"
    raise steps.SetUpError(f"{name}: {match[0]!r} is no import that modules.py can join")


def _beside(name: str, place: str) -> str:
    """Resolve a relative specifier against the path of the module it stands in."""
    if not place.startswith("."):
        raise steps.SetUpError(f"{name} imports {place!r}; a module here is named by ./ or ../")
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), place))
