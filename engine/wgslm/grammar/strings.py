r"""JSON's strings: any, and those whose content follows an expression or has a format.

Characters are written as they are, or escaped where JSON asks for it; `\u` escapes stand for
control characters and, where any character may come, for those outside ASCII.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from wgslm.grammar.characters import ANY, Ranges, complement, intersection, single, union
from wgslm.grammar.expression import (
    Chars,
    Either,
    Expression,
    Graph,
    Repeat,
    Row,
    Rule,
    Text,
    either,
    one_of,
    row,
)

CONTROLS: Ranges = ((0, 0x1F),)
PLAIN = complement(union([CONTROLS, single('"'), single("\\")]))
FOREIGN: Ranges = intersection(ANY, ((0x80, 0x10FFFF),))
SHORT = {'"': '"', "\\": "\\", "/": "/", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
HEX, D = one_of("0123456789abcdefABCDEF"), one_of("dD")


def _foreign_escape() -> Expression:
    r"""Return the `\u` escapes from U+0080 on, with pairs of surrogates for what needs them."""
    beyond = either(
        [
            row("00", one_of("89abcdefABCDEF"), HEX),
            row("0", one_of("123456789abcdefABCDEF"), HEX, HEX),
            row(one_of("123456789abcefABCEF"), HEX, HEX, HEX),
            row(D, one_of("01234567"), HEX, HEX),
            row(D, one_of("89abAB"), HEX, HEX, "\\u", D, one_of("cdefCDEF"), HEX, HEX),
        ]
    )
    return row("\\u", beyond)


def character(ranges: Ranges) -> Expression:
    """Return what a string may hold for one character of a set."""
    ways: list[Expression] = [Chars(intersection(ranges, PLAIN))]
    short = "".join(letter for sign, letter in SHORT.items() if intersection(ranges, single(sign)))
    if short:
        ways.append(row("\\", one_of(short)))
    for low, high in intersection(ranges, CONTROLS):
        for point in range(low, high + 1):
            if chr(point) not in SHORT:
                last = f"{point % 16:x}"
                ways.append(row(f"\\u00{point // 16}", one_of(last + last.upper())))
    if intersection(ranges, FOREIGN) == FOREIGN:
        ways.append(Rule("escaped"))
    return either(ways)


def encoded(
    part: Expression,
    character: Callable[[Ranges], Expression],
    write: Callable[[str], str],
) -> Expression:
    """Return what a string holds for the texts of an expression.

    `character` says so for one of a set, `write` for one character.
    """
    match part:
        case Chars(ranges):
            return character(ranges)
        case Text(text):
            return Text("".join(map(write, text)))
        case Row(parts):
            return Row(tuple(encoded(each, character, write) for each in parts))
        case Either(parts):
            return Either(tuple(encoded(each, character, write) for each in parts))
        case Repeat(each, least, most):
            return Repeat(encoded(each, character, write), least, most)
        case Graph(edges, accepting):
            labelled = tuple(
                tuple((encoded(label, character, write), to) for label, to in each)
                for each in edges
            )
            return Graph(labelled, accepting)
        case Rule():
            return part


def escaped(sign: str) -> str:
    """Return a character as a string holds it."""
    if sign in SHORT and sign != "/":
        return "\\" + SHORT[sign]
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x20 else sign


STRING_RULES: Mapping[str, Expression] = MappingProxyType(
    {
        "escaped": _foreign_escape(),
        "character": character(ANY),
    }
)

_LABEL = r"[A-Za-z0-9]{1,20}(?:-[A-Za-z0-9]{1,20}){0,2}"
_HOST = rf"{_LABEL}(?:\.{_LABEL}){{0,3}}"
_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"{_BYTE}(?:\.{_BYTE}){{3}}"
_H = r"[0-9A-Fa-f]{1,4}"
_IPV6 = "|".join(
    [
        f"(?:{_H}:){{7}}{_H}",
        f"(?:{_H}:){{6}}{_IPV4}",
        *(f"(?:{_H}:){{{n}}}(?::{_H}){{1,{7 - n}}}" for n in range(1, 7)),
        f":(?::{_H}){{1,7}}",
        f"(?:{_H}:){{1,7}}:",
        "::",
        f"::(?:[Ff]{{4}}:)?{_IPV4}",
    ]
)
_YEAR = r"(?:[1-9]\d{3}|0[1-9]\d\d|00[1-9]\d|000[1-9])"
_DATE = (
    rf"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|02-(?:0[1-9]|1\d|2[0-8]))"
    r"|(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29)"
)
_TIME = (
    r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?"
    r"(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
)
_CLOCK = r"(?:\d{1,6}H(?:\d{1,6}M(?:\d{1,6}S)?)?|\d{1,6}M(?:\d{1,6}S)?|\d{1,6}S)"
_DAYS = r"(?:\d{1,6}Y(?:\d{1,6}M(?:\d{1,6}D)?)?|\d{1,6}M(?:\d{1,6}D)?|\d{1,6}D)"
_ATOM = r"[A-Za-z0-9_+-]{1,20}"
_PATH = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"

# Each is within the format; where the format is wider (email, hostname, uri, times with a leap
# second), so that what is written is always valid.
FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "date": _DATE,
        "time": _TIME,
        "date-time": rf"{_DATE}[Tt]{_TIME}",
        "duration": rf"P(?:\d{{1,6}}W|{_DAYS}(?:T{_CLOCK})?|T{_CLOCK})",
        "uuid": r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
        "email": rf"{_ATOM}(?:\.{_ATOM}){{0,2}}@{_HOST}",
        "hostname": _HOST,
        "ipv4": _IPV4,
        "ipv6": f"(?:{_IPV6})",
        "uri": rf"[A-Za-z][A-Za-z0-9+.-]{{0,20}}:(?://{_HOST}(?::\d{{1,4}})?(?:/{_PATH}*)*|{_PATH}+)"
        rf"(?:\?(?:{_PATH}|[/?])*)?(?:#(?:{_PATH}|[/?])*)?",
        "json-pointer": r"(?:/(?:[^/~]|~[01])*)*",
    }
)
