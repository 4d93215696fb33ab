"""The static server, byte ranges above all."""

import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from setup_modules import load

if TYPE_CHECKING:
    from build.serve import Site

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def site(tmp_path: Path) -> Iterator["Site"]:
    (tmp_path / "secret.txt").write_text("secret")
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / "index.html").write_text("<!doctype html>")
    (dist / "a b.wasm").write_bytes(CONTENT)
    (dist / "empty.js").write_bytes(b"")
    with load("serve").Site(dist, {"/models/x.gguf": dist / "a b.wasm"}) as site:
        yield site


def get(
    site: "Site", target: str, method: str = "GET", **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", site.server_port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, target, headers=named)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, response.headers, body


@pytest.mark.parametrize("host", ["rebound.example:{port}", "127.0.0.1:1", "localhost", ""])
def test_page_of_another_name_reads_nothing(site: "Site", host: str) -> None:
    status, _, body = get(site, "/models/x.gguf", Host=host.format(port=site.server_port))

    assert status == 403
    assert CONTENT not in body


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LocalHost:{port}"])
def test_both_names_of_this_machine_are_answered(site: "Site", host: str) -> None:
    assert get(site, "/", Host=host.format(port=site.server_port))[0] == 200


def test_folder_means_its_index(site: "Site") -> None:
    status, headers, body = get(site, "/?model=x")

    assert (status, body) == (200, b"<!doctype html>")
    assert headers["Content-Type"] == "text/html; charset=utf-8"


def test_whole_file_has_type_length_and_tag(site: "Site") -> None:
    status, headers, body = get(site, "/a%20b.wasm")

    assert (status, body) == (200, CONTENT)
    assert headers["Content-Type"] == "application/wasm"
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["ETag"].startswith('"')


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-299", 100, 300),
        ("bytes=10000-", 10000, 10240),
        ("bytes=10239-99999", 10239, 10240),
        ("bytes=-40", 10200, 10240),
        ("bytes=-99999", 0, 10240),
    ],
)
def test_range_is_sent_alone(site: "Site", header: str, start: int, stop: int) -> None:
    status, headers, body = get(site, "/models/x.gguf", Range=header)

    assert (status, body) == (206, CONTENT[start:stop])
    assert headers["Content-Range"] == f"bytes {start}-{stop - 1}/10240"


@pytest.mark.parametrize("header", ["bytes=10240-", "bytes=20000-30000", "bytes=-0"])
def test_range_outside_the_file_is_refused(site: "Site", header: str) -> None:
    status, headers, body = get(site, "/models/x.gguf", Range=header)

    assert (status, headers["Content-Range"], body) == (416, "bytes */10240", b"")


@pytest.mark.parametrize("header", ["bytes=5-4", "bytes=0-1,4-5", "lines=0-1", "bytes=a-b"])
def test_range_that_means_nothing_is_ignored(site: "Site", header: str) -> None:
    status, _, body = get(site, "/models/x.gguf", Range=header)

    assert (status, body) == (200, CONTENT)


def test_file_that_the_browser_has_is_not_sent_again(site: "Site") -> None:
    tag = get(site, "/a%20b.wasm")[1]["ETag"]

    status, _, body = get(site, "/a%20b.wasm", If_None_Match=tag)

    assert (status, body) == (304, b"")


def test_range_of_another_version_sends_the_whole_file(site: "Site") -> None:
    status, _, body = get(site, "/a%20b.wasm", Range="bytes=0-9", If_Range='"other"')

    assert (status, body) == (200, CONTENT)


def test_head_has_the_length_and_no_body(site: "Site") -> None:
    status, headers, body = get(site, "/a%20b.wasm", method="HEAD")

    assert (status, headers["Content-Length"], body) == (200, "10240", b"")


@pytest.mark.parametrize("target", ["/../secret.txt", "/%2e%2e/secret.txt", "/none", "/%00", "//"])
def test_nothing_outside_the_folder_is_found(site: "Site", target: str) -> None:
    status, _, body = get(site, target)

    assert b"secret" not in body
    assert status == (200 if target == "//" else 404)


def test_empty_file_is_sent(site: "Site") -> None:
    assert get(site, "/empty.js")[::2] == (200, b"")
