"""SentencePiece's normalisation: the longest entry of a precompiled map replaces what it matches.

The map is a double array (Darts) over UTF-8: 4 bytes with its size, units of 32 bits, then the
replacements, each ended by a zero byte. A unit holds the byte that leads to it (bits 0-7), whether
a value follows (bit 8), and the way to its children (bits 10-30, times 256 with bit 9).
"""

import sys
from array import array

from wgslm.errors import GgufError
from wgslm.pauses import Pausing
from wgslm.text.metadata import PREFIX

KEY = PREFIX + "precompiled_charsmap"
LONGEST = 1024  # bytes of a replacement, and characters it is for; Unicode's longest has 33
PAUSE = 1024  # matches between two pauses

# Where a character leads: the next state, and the text that replaces what matched until here.
Step = tuple[int, str | None]


class Charsmap:
    """Replaces characters and sequences of them; walks are kept, character by character."""

    def __init__(self, blob: bytes) -> None:
        """Check the frame of the map; a wrong inside shows when a text needs it."""
        nbytes = int.from_bytes(blob[:4], "little")
        if len(blob) < 8 or nbytes % 4 or not 4 <= nbytes <= len(blob) - 4:
            raise GgufError(
                f"{KEY} has {len(blob)} bytes and says that {nbytes} are its index; the index is "
                "whole units of 4 bytes, and lies inside"
            )
        self._units = array("I", blob[4 : 4 + nbytes])
        if sys.byteorder == "big":
            self._units.byteswap()
        self._texts = blob[4 + nbytes :]
        self._steps: dict[int, dict[str, Step | None]] = {}
        self._root = _children(self._units[0])

    def normalize(self, text: str) -> Pausing[str]:
        """Return the text with every longest match replaced, from left to right."""
        written: list[str] = []
        position, size = 0, len(text)
        steps = self._steps
        while position < size:
            if not len(written) % PAUSE:
                yield
            state, ahead = self._root, position
            found, stop = text[position], position + 1
            last = min(size, position + LONGEST)  # a map that leads in circles ends too
            while ahead < last:
                known = steps.setdefault(state, {})
                character = text[ahead]
                if character not in known:
                    known[character] = self._step(state, character)
                step = known[character]
                if step is None:
                    break
                ahead += 1
                state = step[0]
                if step[1] is not None:
                    found, stop = step[1], ahead
            written.append(found)
            position = stop
        return "".join(written)

    def _step(self, state: int, character: str) -> Step | None:
        units, value = self._units, None
        for byte in character.encode():
            node = state ^ byte
            if byte == 0 or node >= len(units) or units[node] & 0x800000FF != byte:
                return None
            state = node ^ _children(units[node])
            value = units[state] & 0x7FFFFFFF if self._ends(node, state) else None
        return state, None if value is None else self._text(value)

    def _ends(self, node: int, state: int) -> bool:
        return bool(self._units[node] >> 8 & 1) and state < len(self._units)

    def _text(self, start: int) -> str:
        stop = self._texts.find(b"\0", start, start + LONGEST)
        try:
            if stop >= 0:
                return self._texts[start:stop].decode()
        except UnicodeDecodeError:
            pass
        raise GgufError(
            f"{KEY} has no replacement at {start}; it must be UTF-8 of at most {LONGEST} bytes "
            "with a zero after it"
        )


def _children(unit: int) -> int:
    return unit >> 10 << (unit >> 6 & 8)
