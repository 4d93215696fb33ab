"""The models that a server gives away: by ids of its list, in ranges, behind the gate."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from app_client import HOST, with_client
from ollama_store import add_model
from scripted_engine import ScriptedLoader
from wgslm_web.gate import Access
from wgslm_web.shared import SharedLibrary, files_of
from wgslm_web.state import State

PAGE = "https://pages.example"
Use = Callable[[httpx.AsyncClient], Awaitable[None]]


@pytest.fixture
def state(tmp_path: Path) -> State:
    own = tmp_path / "own.gguf"
    own.write_bytes(b"0123456789")
    add_model(tmp_path / "ollama", "registry.ollama.ai/library/llama/1b", b"a llama")
    (tmp_path / "secret").write_bytes(b"secret")
    return State(ScriptedLoader(), library=SharedLibrary([own], tmp_path / "ollama"))


async def listed(client: httpx.AsyncClient) -> dict[str, str]:
    models = (await client.get("/wgslm/models")).json()["models"]
    return {model["name"]: model["id"] for model in models}


def test_its_own_model_and_ollama_s_are_listed_and_read_in_ranges(state: State) -> None:
    async def use(client: httpx.AsyncClient) -> None:
        ids = await listed(client)
        assert set(ids) == {"own.gguf", "llama:1b"}
        whole = await client.get(f"/wgslm/blobs/{ids['llama:1b']}")
        part = await client.get(
            f"/wgslm/blobs/{ids['own.gguf']}/own.gguf", headers={"range": "bytes=2-4"}
        )
        assert whole.content == b"a llama"
        assert (part.status_code, part.content) == (206, b"234")
        assert part.headers["content-range"] == "bytes 2-4/10"

    with_client(state, use)


@pytest.mark.parametrize(
    "id",
    [
        "sha256:" + "0" * 64,
        "path:" + "0" * 64,
        "sha256:..%2F..%2Fsecret",
        "..%2Fsecret",
        "%2Fetc%2Fpasswd",
        "secret",
        "sha256:" + "A" * 64,
        "sha256-" + "0" * 64,
    ],
)
def test_an_id_that_is_not_listed_leads_nowhere(state: State, id: str) -> None:
    async def use(client: httpx.AsyncClient) -> None:
        answer = await client.get(f"/wgslm/blobs/{id}")
        assert answer.status_code in (400, 404)
        assert "error" in answer.json()

    with_client(state, use)


def test_the_gate_is_before_the_models(state: State) -> None:
    access = Access(frozenset({HOST}), frozenset({PAGE}), "key")

    async def use(client: httpx.AsyncClient) -> None:
        for path in ("/wgslm/models", "/wgslm/blobs/path:" + "0" * 64):
            assert (await client.get(path)).status_code == 401
            foreign = {"origin": "https://evil.example", "authorization": "Bearer key"}
            assert (await client.get(path, headers=foreign)).status_code == 403
        known = {"origin": PAGE, "authorization": "Bearer key"}
        answer = await client.get("/wgslm/models", headers=known)
        assert answer.status_code == 200
        assert "content-range" in answer.headers["access-control-expose-headers"]

    with_client(state, use, access)


def test_a_server_deletes_and_downloads_nothing_for_pages(state: State) -> None:
    async def use(client: httpx.AsyncClient) -> None:
        for path, body in (("delete-model", {"id": "x"}), ("pause-load", {"paused": True})):
            assert (await client.post(f"/wgslm/{path}", json=body)).status_code == 404
        model = {"model": "owner/repo", "hub": "https://hub.example"}
        refused = await client.post("/wgslm/preflight", json=model)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "hub")

    with_client(state, use)


def test_the_files_of_a_model_are_all_its_parts(tmp_path: Path) -> None:
    parts = [tmp_path / f"m-0000{n}-of-00002.gguf" for n in (1, 2)]
    for part in parts:
        part.touch()

    assert files_of(str(parts[1])) == parts
    assert files_of("https://example.org/m.gguf") == []


def test_every_part_of_a_split_model_is_given_by_its_name(tmp_path: Path) -> None:
    parts = [tmp_path / f"big-0000{number}-of-00002.gguf" for number in (1, 2)]
    for number, path in enumerate(parts, 1):
        path.write_bytes(b"part %d" % number)
    state = State(ScriptedLoader(), library=SharedLibrary(files_of(str(parts[0]))))

    async def use(client: httpx.AsyncClient) -> None:
        models = (await client.get("/wgslm/models")).json()["models"]
        first = models[0]["path"]
        second = first.replace("00001-of", "00002-of")
        assert (await client.get(first)).content == b"part 1"
        assert (await client.get(second)).content == b"part 2"
        missing = await client.get(first.replace("-of-00002", "-of-00003"))
        assert missing.status_code == 404

    with_client(state, use)


def test_a_ticket_reads_its_own_file_without_the_key(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.gguf").write_bytes(name.encode())
    paths = sorted(tmp_path.glob("*.gguf"))
    state = State(ScriptedLoader(), library=SharedLibrary(paths, key="secret"))

    async def use(client: httpx.AsyncClient) -> None:
        refused = await client.get("/wgslm/models")
        listed = await client.get("/wgslm/models", headers={"authorization": "Bearer secret"})
        one, two = (model["path"] for model in listed.json()["models"])
        other = two.replace(two.split("/")[4], one.split("/")[4])
        assert refused.status_code == 401
        assert (await client.get(one)).content == b"one"
        assert (await client.get(other)).status_code == 401
        assert (await client.get("/wgslm/models/" + one.split("/")[4])).status_code == 401
        assert "secret" not in one

    with_client(state, use, Access(frozenset({HOST}), key="secret"))
