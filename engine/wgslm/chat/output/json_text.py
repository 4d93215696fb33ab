"""Reads JSON as it comes: passes on sound JSON text, mending what models commonly get wrong.

No recursion: in wasm a native stack overflow kills the interpreter.
"""

import json
import re
import sys
from collections.abc import Callable

from wgslm.chat.output.tape import Malformed, Steps, Tape

MAX_DEPTH = 64
MAX_WORD = 400
MAX_NAME = 256  # characters of a function's name, or of an id
_PLAIN = re.compile(r'[^"\\\x00-\x1f]+')
_WORD = re.compile(r"[-+.\w]+")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORDS = {"true": "true", "false": "false", "null": "null"} | {
    "True": "true",
    "False": "false",
    "None": "null",
}
Tell = Callable[[str], None]


def value(tape: Tape, tell: Tell) -> Steps[None]:
    """Read one value, white space before it skipped."""
    stack: list[str] = []
    yield from tape.space()
    while True:
        character = yield from _spaced(tape, tell)
        if character in ("{", "["):
            tell(tape.take(1))
            stack.append("}" if character == "{" else "]")
            if len(stack) > MAX_DEPTH:
                raise Malformed
            if (yield from _spaced(tape, tell)) != stack[-1]:
                if character == "{":
                    yield from _key(tape, tell)
                continue
        elif character == '"':
            yield from string(tape, tell)
        else:
            yield from _word(tape, tell)
        while stack:  # what ends or goes on after a value
            character = yield from _spaced(tape, tell)
            if character == ",":
                tell(tape.take(1))
                if stack[-1] == "}":
                    yield from _spaced(tape, tell)
                    yield from _key(tape, tell)
                break
            if character != stack[-1]:
                raise Malformed
            tell(tape.take(1))
            stack.pop()
        if not stack:
            return


def string(tape: Tape, tell: Tell, most: int = sys.maxsize) -> Steps[None]:
    """Read a string with its quotes; control characters and unknown escapes become sound ones.

    It may have so many characters, an escape counted as one.
    """
    if (yield from tape.need()) != '"':
        raise Malformed
    tell('"')
    while True:
        if plain := tape.run(_PLAIN, most):
            tell(plain)
            most -= len(plain)
        character = yield from tape.need()
        if character == '"':
            tell('"')
            return
        most -= 1
        if most < 0:
            raise Malformed
        if character == "\\":
            yield from _escape(tape, tell)
        else:
            tape_text = json.dumps(character, ensure_ascii=False)[1:-1]
            tell(tape_text)


def short_string(tape: Tape) -> Steps[str]:
    """Read a string and give what it says; it may be so long as names are."""
    pieces: list[str] = []
    yield from string(tape, pieces.append, 4 * MAX_NAME)
    return str(json.loads("".join(pieces)))


def quoted(piece: str) -> str:
    """Write a piece of text as it stands inside a JSON string."""
    return json.dumps(piece, ensure_ascii=False)[1:-1]


def _escape(tape: Tape, tell: Tell) -> Steps[None]:
    character = yield from tape.need()
    if character == "u":
        digits = ""
        while len(digits) < 4:
            digit = yield from tape.peek()
            if not digit or digit not in "0123456789abcdefABCDEF":
                tell("\\\\u" + digits)
                return
            digits += tape.take(1)
        tell("\\u" + digits)
    elif character == "'":
        tell("'")
    else:
        tell(("\\" if character in '"\\/bfnrt' else "\\\\") + quoted_unless(character))


def quoted_unless(character: str) -> str:
    """Write a character that follows a backslash: only control characters need care."""
    return quoted(character) if character < " " else character


def _key(tape: Tape, tell: Tell) -> Steps[None]:
    yield from string(tape, tell)
    if (yield from _spaced(tape, tell)) != ":":
        raise Malformed
    tell(tape.take(1))


def _word(tape: Tape, tell: Tell) -> Steps[None]:
    word = ""
    while (yield from tape.peek()) and (more := tape.run(_WORD, MAX_WORD + 1 - len(word))):
        word += more
        if len(word) > MAX_WORD:
            raise Malformed
    if word in _WORDS:
        tell(_WORDS[word])
    elif _NUMBER.fullmatch(word):
        tell(word)
    else:
        raise Malformed


def _spaced(tape: Tape, tell: Tell) -> Steps[str]:
    """Pass white space on; give the character after it, which there must be."""
    while (character := (yield from tape.peek())) in (" ", "\n", "\r", "\t"):
        tell(tape.take(1))
    if not character:
        raise Malformed
    return character
