"""A model hub on loopback, as far as wgslm asks one: repositories, trees in pages, signed links.

`/owner/repo/resolve/<commit>/<path>` redirects to a link that is good for a few requests only.
"""

import hashlib
import json
import re
from urllib.parse import parse_qs, unquote, urlsplit

from fault_server import FaultServer, Handler

COMMIT = hashlib.sha1(b"the newest").hexdigest()
PAGE = 2  # files of a tree's page
SHOWN = "Link, X-Repo-Commit, Content-Range, ETag"


class HubServer(FaultServer):
    """Serves repositories: {"owner/repo": {"path": content}}."""

    def __init__(self, repos: dict[str, dict[str, bytes]]) -> None:
        """Bind; entering the context starts serving."""
        contents = [body for files in repos.values() for body in files.values()]
        super().__init__({f"blobs/{sha256(body)}": body for body in contents})
        self.repos = repos
        self.told: dict[str, str] = {}  # a SHA-256 that is told instead of the true one, by path
        self.next_page = ""  # where a tree's first page says that the second is, if not here
        self.RequestHandlerClass = HubHandler

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"


class HubHandler(Handler):
    """Answers the hub's API, and leaves the files to the fault server."""

    server: HubServer

    def do_GET(self) -> None:
        """Answer an API request, a resolve link, or a range of a blob."""
        url = urlsplit(self.path)
        path = unquote(url.path)
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(/tree/(\w+))?", path):
            self._log()
            self._answer_api(match[1], match[3], int(parse_qs(url.query).get("cursor", ["0"])[0]))
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/(\w+)/(.+)", path):
            self._log()
            body = self.server.repos.get(match[1], {}).get(match[3])
            if body is None or match[2] != COMMIT:
                self._reply(404, {})
            else:
                ticket = f"ticket={len(self.server.asked)}"
                self._reply(302, {"Location": f"{self.server.base}/blobs/{sha256(body)}?{ticket}"})
        else:
            super().do_GET()

    def _answer_api(self, repo: str, commit: str | None, at: int) -> None:
        files = self.server.repos.get(repo)
        if files is None or commit not in (None, COMMIT):
            self._reply(401, {}, b'{"error":"Invalid username or password."}')
        elif commit is None:
            self._reply(200, {}, json.dumps({"id": repo, "sha": COMMIT}).encode())
        else:
            tree = [{"type": "directory", "oid": COMMIT, "size": 0, "path": "folder"}]
            tree += [self._item(path, body) for path, body in files.items()]
            page, headers = tree[at : at + PAGE], {"Access-Control-Expose-Headers": SHOWN}
            if at + PAGE < len(tree):
                here = f"/api/models/{repo}/tree/{commit}?recursive=true&cursor={at + PAGE}"
                headers["Link"] = (
                    f'<{self.server.next_page or self.server.base + here}>; rel="next"'
                )
            self._reply(200, headers, json.dumps(page).encode())

    def _item(self, path: str, body: bytes) -> dict[str, object]:
        oid = self.server.told.get(path, sha256(body))
        lfs = {"oid": oid, "size": len(body), "pointerSize": 134}
        return {"type": "file", "oid": COMMIT, "size": len(body), "path": path, "lfs": lfs}


def sha256(body: bytes) -> str:
    """Return the hex digits."""
    return hashlib.sha256(body).hexdigest()
