"""Models by the hub's names: `owner/repo`, `owner/repo:Q4_K_M`, `owner/repo:folder/file.gguf`.

Knows the hub's public API: a repository's commit, its tree, and where a file of that commit is.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from wgslm.errors import SourceError
from wgslm.sources.journal import SHA256
from wgslm.sources.parts import Part, part_of
from wgslm.sources.plain_json import parse_json

HUB = "https://huggingface.co"
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
ID = re.compile(rf"(?P<repo>{NAME}/{NAME})(?::(?P<file>[^:?#\\]+))?")
PATH = re.compile(rf"(?:{NAME}/)*{NAME}\.gguf", re.IGNORECASE)
COMMIT = re.compile(r"[0-9a-f]{40,64}")
NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')
MOST_PAGES = 20
# What a repository's name alone means: the first of these formats that it has.
PREFERRED = ("Q4_K_M", "Q4_0", "Q8_0", "Q5_K_M", "Q6_K", "Q4_K_S", "IQ4_XS", "F16", "BF16")

# Returns the body and the Link header of a URL.
Ask = Callable[[str], Awaitable[tuple[bytes, str]]]


@dataclass(frozen=True)
class HubFile:
    """A GGUF file of a repository at one commit."""

    id: str  # owner/repo:path
    path: str
    size: int
    sha256: str | None
    url: str


def is_hub_id(text: str) -> bool:
    """Say whether a text can be a hub's name of a model; a URL or the path of a file is none."""
    match = ID.fullmatch(text)
    if match is None or ".." in text:
        return False
    return match["file"] is not None or not text.lower().endswith(".gguf")


class Hub:
    """One hub, by its address."""

    def __init__(self, ask: Ask, base: str = HUB) -> None:
        """Keep the address; nothing is asked yet."""
        if urlsplit(base).scheme not in ("http", "https"):
            raise SourceError(f"the hub's address is {base[:80]!r}; it begins with https://")
        self._ask = ask
        self._base = base.rstrip("/")

    async def files(self, repo: str) -> list[HubFile]:
        """Return the GGUF files of a repository at its newest commit."""
        if not is_hub_id(repo) or ":" in repo:
            raise SourceError(f"{repo[:80]!r} is no repository; those are called owner/name")
        about = await self._json(f"{self._base}/api/models/{repo}", repo)
        commit = about.get("sha") if isinstance(about, dict) else None
        if not isinstance(commit, str) or not COMMIT.fullmatch(commit):
            raise SourceError(f"the hub says no commit of {repo}; is {self._base} a hub's address?")
        url = f"{self._base}/api/models/{repo}/tree/{commit}?recursive=true"
        found: list[HubFile] = []
        for _ in range(MOST_PAGES):
            body, link = await self._ask(url)
            found += self._listed(repo, commit, parse_json(body, f"the hub's list of {repo}"))
            following = NEXT.search(link)
            if following is None:
                return sorted(found, key=lambda file: (file.size, file.path))
            url = self._within(urljoin(url, following[1]))
        raise SourceError(f"{repo} has more files than are listed; give owner/repo:file.gguf")

    async def find(self, id: str) -> list[HubFile]:
        """Return the files of a model in order: one, or all parts of a split one."""
        match = ID.fullmatch(id)
        if match is None or not is_hub_id(id):
            raise SourceError(
                f"{id[:80]!r} is no model of the hub; those are called owner/repo, "
                "owner/repo:Q4_K_M or owner/repo:file.gguf"
            )
        files = await self.files(match["repo"])
        models = models_in(files)
        first = choose(models, match["file"], match["repo"])
        return _with_parts(first, models)

    def _listed(self, repo: str, commit: str, tree: object) -> list[HubFile]:
        if not isinstance(tree, list):
            raise SourceError(f"the hub's list of {repo} is no list")
        files = []
        for item in tree:
            if not isinstance(item, dict):
                continue
            path, size = item.get("path"), item.get("size")
            if not isinstance(path, str) or not isinstance(size, int) or not PATH.fullmatch(path):
                continue
            lfs = item.get("lfs")
            oid = lfs.get("oid") if isinstance(lfs, dict) else None
            sha256 = oid if isinstance(oid, str) and SHA256.fullmatch(oid) else None
            url = f"{self._base}/{repo}/resolve/{commit}/{quote(path)}"
            files.append(HubFile(f"{repo}:{path}", path, size, sha256, url))
        return files

    async def _json(self, url: str, repo: str) -> object:
        try:
            body, _ = await self._ask(url)
        except SourceError as error:
            raise SourceError(
                f"the hub does not know {repo}, or keeps it for members: {error}"
            ) from error
        return parse_json(body, f"the hub's answer about {repo}")

    def _within(self, url: str) -> str:
        """Return a URL if it is the hub's own: its answers must not send us elsewhere."""
        if not url.startswith(f"{self._base}/"):
            raise SourceError(f"the hub's list goes on at {url[:80]!r}, which is another server")
        return url


def models_in(files: Sequence[HubFile]) -> list[HubFile]:
    """Return the files without those that only let a model see (mmproj) and are none themselves."""
    return [file for file in files if "mmproj" not in file.path.lower()]


def choose(files: Sequence[HubFile], wanted: str | None, repo: str) -> HubFile:
    """Return the file that is meant by a path, by a format's name, or by nothing at all."""
    if not files:
        raise SourceError(f"{repo} has no GGUF file; look for a repository whose name ends in GGUF")
    if exact := next((file for file in files if file.path == wanted), None):
        return exact
    formats = PREFERRED if wanted is None else (wanted,)
    for name in formats:
        for file in files:
            part = part_of(file.path)
            if has_format(file.path, name) and (not part or part.number == 1):
                return file
    if wanted is None:
        return files[0]
    names = ", ".join(file.path for file in files[:8])
    raise SourceError(f"{repo} has no {wanted!r}; it has {names}")


def has_format(path: str, name: str) -> bool:
    """Say whether a file's name says that it is of a format."""
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9_])", path, re.I) is not None


def _with_parts(first: HubFile, files: Sequence[HubFile]) -> list[HubFile]:
    part = part_of(first.path)
    if part is None:
        return [first]
    by_path = {file.path: file for file in files}
    paths = [Part(part.stem, number, part.count).location for number in range(1, part.count + 1)]
    missing = [path for path in paths if path not in by_path]
    if missing:
        raise SourceError(f"{first.id} is split, and the hub has no {missing[0]}")
    return [by_path[path] for path in paths]
