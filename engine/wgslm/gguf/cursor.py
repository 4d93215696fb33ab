"""A walk through a file's header that fetches more of the file as it goes."""

import struct
from collections.abc import Callable

from wgslm.errors import GgufError
from wgslm.sources import HEAD_NBYTES, ByteSource

STEP = 1 << 20  # smallest further read, so that a header over HTTP takes few requests
MOST_STEP = 4 << 20  # and what may be fetched beyond the header's end
MOST_HEADER = 128 << 20
MOST_STRING = 16 << 20

U32 = struct.Struct("<I")
U64 = struct.Struct("<Q")


class Cursor:
    """A position in a source's header. `what` in its methods names the thing for errors."""

    def __init__(self, source: ByteSource) -> None:
        """Start at the file's first byte; nothing is read yet."""
        self.source = source
        self._data = b""
        self._at = 0  # in data
        self._base = 0  # of data, in the file

    @property
    def position(self) -> int:
        """The offset in the file."""
        return self._base + self._at

    @property
    def remaining(self) -> int:
        """Bytes from here to the end of the file."""
        return self.source.size - self.position

    async def need(self, nbytes: int, what: str) -> None:
        """Make the next `nbytes` available."""
        if nbytes <= len(self._data) - self._at:
            return
        if nbytes > self.remaining:
            raise self.error(
                f"ends inside {what}: {nbytes:,} bytes should follow offset {self.position:,}, "
                f"{self.remaining:,} do"
            )
        if self.position + nbytes > MOST_HEADER:
            raise self.error(
                f"has a header of more than {MOST_HEADER:,} bytes ({what}); real ones take some "
                "10,000,000"
            )
        end = self._base + len(self._data)
        step = min(max(STEP, end), MOST_STEP) if end else HEAD_NBYTES
        stop = min(max(end + step, self.position + nbytes), self.source.size)
        # What has been walked over is dropped, and first: there may be little room for both.
        self._data, self._base, self._at = self._data[self._at :], self._base + self._at, 0
        self._data += await self.source.read(end, stop)

    async def take(self, nbytes: int, what: str) -> bytes:
        """Return the next `nbytes`."""
        await self.need(nbytes, what)
        self._at += nbytes
        return self._data[self._at - nbytes : self._at]

    async def unpack(self, form: struct.Struct, what: str) -> tuple[int, ...]:
        """Return the fields of the next record, all of them integers."""
        await self.need(form.size, what)
        self._at += form.size
        return form.unpack_from(self._data, self._at - form.size)

    async def u32(self, what: str) -> int:
        """Return the next unsigned 32-bit integer."""
        (value,) = await self.unpack(U32, what)
        return value

    async def u64(self, what: str) -> int:
        """Return the next unsigned 64-bit integer."""
        (value,) = await self.unpack(U64, what)
        return value

    async def text(self, what: str, most: int = MOST_STRING) -> str:
        """Return the next string, of at most `most` bytes."""
        nbytes = await self.u64(what)
        self._check_length(nbytes, what, most)
        data = await self.take(nbytes, what)
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise self.error(f"has {what} that is no UTF-8: {data[:40]!r}") from error

    async def texts(self, count: int, what: str) -> list[str]:
        """Return the next `count` strings."""
        found: list[str] = []
        while True:
            try:
                self._texts_at_hand(found, count)
            except UnicodeDecodeError as error:
                raise self.error(
                    f"has {what} whose string {len(found)} is no UTF-8: {error.object[:40]!r}"
                ) from error
            if len(found) == count:
                return found
            await self.need(8, what)
            (nbytes,) = U64.unpack_from(self._data, self._at)
            self._check_length(nbytes, what, MOST_STRING)
            await self.need(8 + nbytes, what)

    def _texts_at_hand(self, found: list[str], count: int) -> None:
        """Append the strings that lie wholly in the data at hand, `count` in all at most."""
        # A vocabulary has 150,000 strings and as many merges: this loop is the time of opening.
        data, at, end = self._data, self._at, len(self._data)
        length: Callable[..., tuple[int]] = U64.unpack_from
        try:
            for _ in range(count - len(found)):
                if at + 8 > end:
                    break
                stop = at + 8 + length(data, at)[0]
                if stop > end:
                    break
                found.append(data[at + 8 : stop].decode())
                at = stop
        finally:
            self._at = at

    def _check_length(self, nbytes: int, what: str, most: int) -> None:
        if nbytes > most:
            raise self.error(f"has {what} of {nbytes:,} bytes; at most {most:,} are read")

    def error(self, message: str) -> GgufError:
        """Return an error that names the file."""
        return GgufError(f"{self.source.name} {message}")
