"""URLs: every fault of a server is an error or a retry, never wrong bytes."""

import asyncio
import random
from collections.abc import Iterator

import pytest

from fault_server import FaultServer
from wgslm.errors import SourceError
from wgslm.sources import HEAD_NBYTES, ByteSource, Patience, open_parts, open_source

BODY = random.Random(1).randbytes(3 * HEAD_NBYTES + 17)
IMPATIENT = Patience(stall_s=0.3, pauses_s=(0.01, 0.01))
PATIENT = Patience(stall_s=5, pauses_s=(0.01, 0.01))


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer({"model.gguf": BODY, "small.gguf": b"small", "empty.gguf": b""}) as server:
        yield server


async def read_all(url: str, patience: Patience) -> bytes:
    source = await open_source(url, patience)
    try:
        pieces = [
            await source.read(start, min(start + 100_000, source.size))
            for start in range(0, source.size, 100_000)
        ]
    finally:
        await source.close()
    return b"".join(pieces)


def fetch(url: str, patience: Patience = PATIENT) -> bytes:
    return asyncio.run(read_all(url, patience))


def refusal(url: str, patience: Patience = PATIENT) -> str:
    with pytest.raises(SourceError) as caught:
        fetch(url, patience)
    return str(caught.value)


@pytest.mark.parametrize("name", ["model.gguf", "small.gguf"])
def test_a_sound_server_gives_the_file(server: FaultServer, name: str) -> None:
    assert fetch(server.url(name)) == server.files[name]


@pytest.mark.parametrize("fault", ["cut", "reset", "503", "429", "500", "stall"])
@pytest.mark.parametrize("after", [0, 2])
def test_a_passing_fault_is_asked_again(server: FaultServer, fault: str, after: int) -> None:
    url = server.url("model.gguf", fault, after=after, times=2)

    assert fetch(url, IMPATIENT) == BODY


PERSISTENT = {
    "cut": "tried 3 times",
    "reset": "tried 3 times",
    "503": "busy (HTTP 503) (tried 3 times)",
    "stall": "sent nothing for 0.3 s (tried 3 times)",
    "no-range": "does not support range requests",
    "wrong-range": "when asked for",
    "wrong-length": "announced",
    "long": "more than the range",
    "gzip": "compresses ranges (gzip)",
    "403": "HTTP 403, it refuses access",
    "401": "HTTP 401, it asks for a login",
    "404": "HTTP 404, there is no such file",
    "204": "HTTP 204",
    "416": "HTTP 416",
    "downgrade": "cannot be read",
}


@pytest.mark.parametrize("fault", PERSISTENT)
@pytest.mark.parametrize("after", [0, 2])
def test_a_lasting_fault_is_an_error_that_says_so(
    server: FaultServer, fault: str, after: int
) -> None:
    url = server.url("model.gguf", fault, after=after)

    message = refusal(url, IMPATIENT)

    assert PERSISTENT[fault] in message
    assert "model.gguf" in message


@pytest.mark.parametrize("fault", ["changed", "wrong-total"])
def test_a_file_that_changes_between_ranges_is_refused(server: FaultServer, fault: str) -> None:
    assert "changed on the server" in refusal(server.url("model.gguf", fault, after=2))


def test_a_server_without_ranges_is_not_downloaded_from(server: FaultServer) -> None:
    huge = bytes(64 << 20)
    server.files["huge.gguf"] = huge
    before = server.sent

    refusal(server.url("huge.gguf", "no-range"))

    assert server.sent - before < len(huge) // 2


def test_a_file_behind_redirects_is_read_at_its_end(server: FaultServer) -> None:
    url = server.url("model.gguf", "redirect")
    server.asked.clear()

    assert fetch(url) == BODY
    assert sum("moved=1" not in path for _, path, _ in server.asked) == 1


def test_an_expired_link_is_asked_for_again(server: FaultServer) -> None:
    url = server.url("model.gguf", "signed")
    server.asked.clear()

    assert fetch(url) == BODY
    assert sum("ticket" not in path for _, path, _ in server.asked) > 1


@pytest.mark.parametrize("name", ["model.gguf", "small.gguf"])
def test_a_server_that_hides_the_range_still_tells_the_size(server: FaultServer, name: str) -> None:
    assert fetch(server.url(name, "hide")) == server.files[name]


def test_hidden_ranges_of_a_wrong_length_are_refused(server: FaultServer) -> None:
    server.files["shrinks.gguf"] = BODY

    async def shrink() -> None:
        opened = await open_source(server.url("shrinks.gguf", "hide"), PATIENT)
        server.files["shrinks.gguf"] = BODY[: 2 * HEAD_NBYTES]
        try:
            await opened.read(2 * HEAD_NBYTES - 10, 2 * HEAD_NBYTES + 10)
        finally:
            await opened.close()

    with pytest.raises(SourceError, match="announced 10 bytes"):
        asyncio.run(shrink())


def test_the_size_and_the_strong_etag_are_known(server: FaultServer) -> None:
    async def facts() -> tuple[int, str | None, str]:
        source = await open_source(server.url("model.gguf"), PATIENT)
        await source.close()
        return source.size, source.identity, source.name

    size, identity, name = asyncio.run(facts())

    assert (size, identity) == (len(BODY), '"v1"')
    assert name.endswith("/model.gguf")


def test_errors_show_no_secrets_of_the_url(server: FaultServer) -> None:
    url = server.url("absent.gguf").replace("://", "://someone:hunter2@") + "&signature=secret"

    message = refusal(url)

    assert "secret" not in message
    assert "hunter2" not in message


def test_a_header_within_the_first_bytes_takes_one_request(server: FaultServer) -> None:
    server.asked.clear()

    async def read_header() -> None:
        source = await open_source(server.url("model.gguf"), PATIENT)
        await source.read(0, HEAD_NBYTES)
        await source.read(10, 20)
        await source.close()

    asyncio.run(read_header())

    assert len(server.asked) == 1


def test_many_chunks_may_be_in_flight(server: FaultServer) -> None:
    async def gather() -> list[object]:
        source = await open_source(server.url("model.gguf"), PATIENT)
        starts = range(0, len(BODY), 50_000)
        stops = [min(start + 50_000, len(BODY)) for start in starts]
        chunks = await asyncio.gather(*map(source.chunk, starts, stops))
        await source.close()
        return list(chunks)

    chunks = asyncio.run(gather())

    assert b"".join(memoryview(chunk) for chunk in chunks) == BODY  # type: ignore[arg-type]


def test_cancelling_a_read_returns_at_once(server: FaultServer) -> None:
    async def cancel() -> float:
        source = await open_source(server.url("model.gguf", "stall", after=1), PATIENT)
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(source.read(HEAD_NBYTES, len(BODY)))
        await asyncio.sleep(0.1)
        started = loop.time()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await source.close()
        return loop.time() - started

    assert asyncio.run(cancel()) < 0.5


def test_an_empty_file_is_refused(server: FaultServer) -> None:
    assert "empty" in refusal(server.url("empty.gguf"))


def test_a_server_that_is_down_is_named() -> None:
    with FaultServer({}) as server:
        url = server.url("model.gguf")

    assert "the connection to http://127.0.0.1" in refusal(url, IMPATIENT)


@pytest.mark.parametrize("scheme", ["ftp", "file", "s3"])
def test_other_schemes_are_refused_by_name(scheme: str) -> None:
    assert f"{scheme} URL" in refusal(f"{scheme}://example/model.gguf")


@pytest.mark.parametrize("start", [-1, len(BODY) - 5])
def test_a_range_outside_the_file_is_refused(server: FaultServer, start: int) -> None:
    async def read() -> bytes:
        source = await open_source(server.url("model.gguf"), PATIENT)
        try:
            return await source.read(start, start + 10)
        finally:
            await source.close()

    with pytest.raises(SourceError, match="asked for"):
        asyncio.run(read())


def test_a_split_model_is_opened_by_any_of_its_urls(server: FaultServer) -> None:
    for number in (1, 2, 3):
        server.files[f"m-0000{number}-of-00003.gguf"] = bytes([number]) * number

    async def sizes() -> list[int]:
        sources: list[ByteSource] = await open_parts(server.url("m-00002-of-00003.gguf"), PATIENT)
        for source in sources:
            await source.close()
        return [source.size for source in sources]

    assert asyncio.run(sizes()) == [1, 2, 3]


def test_a_missing_part_of_a_split_url_is_named(server: FaultServer) -> None:
    server.files["n-00001-of-00002.gguf"] = b"x"

    with pytest.raises(SourceError, match=r"part 2 of 2 .*n-00002-of-00002.gguf"):
        asyncio.run(open_parts(server.url("n-00001-of-00002.gguf"), PATIENT))
