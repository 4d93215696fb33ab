"""JSON of others, bounded before it is parsed: in a tab a deep one would end all of Python."""

import json
import re
from itertools import accumulate

from wgslm.errors import SourceError

MOST_NBYTES = 16 << 20
DEPTH_LIMIT = 64

# One string, closed or not; possessive, so no input makes it backtrack.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # as signed bytes: 1 and -1


def parse_json(body: bytes, what: str) -> object:
    """Parse an answer of another server; `what` names it in errors."""
    if len(body) > MOST_NBYTES or depth_of(body) > DEPTH_LIMIT:
        raise SourceError(f"{what} is absurdly large or deep")
    try:
        return json.loads(body.decode())
    except ValueError as error:
        raise SourceError(f"{what} is no JSON: {body[:60]!r}") from error


def depth_of(body: bytes) -> int:
    """Return how deep brackets nest outside of strings; 4 MB take a fraction of a second."""
    steps = _STRING.sub(b"", body).translate(_STEPS, _NO_BRACKETS)
    return max(accumulate(memoryview(steps).cast("b")), default=0)
