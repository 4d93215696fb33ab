"""The models that a host has, beside the one that is loaded: the routes and what is behind them.

Every host answers /wgslm/models; what it can do more depends on its `Library`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from wgslm.sources.hub import HubFile
from wgslm_web.body import read_object
from wgslm_web.refusals import Refusal
from wgslm_web.stream import Payload
from wgslm_web.wire.fields import Fields


class Library(ABC):
    """What a host keeps. The tab's is in the browser's storage, a server's in folders."""

    refuted: Callable[[str], object] | None = None  # told why the loaded model is not the right one

    @abstractmethod
    async def describe(self) -> Payload:
        """Return {"models": [...]} and whatever else is known of the storage."""

    async def transfers(self) -> Payload:
        """Return what is being downloaded, written and checked, and new notices."""
        raise Refusal(404, "this host downloads nothing", code="route")

    async def delete(self, key: str) -> None:
        """Delete a kept model."""
        raise Refusal(404, "this host deletes no models", code="route")

    async def pause(self, is_paused: bool) -> None:
        """Stop asking for bytes, or go on."""
        raise Refusal(404, "this host pauses no downloads", code="route")

    async def hub_files(self, repo: str, base: str | None) -> tuple[list[HubFile], str]:
        """Return the GGUF files of a hub's repository, and the id of the one to begin with."""
        raise Refusal(404, "this host looks nothing up", code="route")

    def named(self, model: str, hub: str) -> object:
        """Return the location of a model of another hub than the usual one."""
        raise Refusal(400, "this host looks nothing up at a hub", param="hub")

    async def blob(self, id: str, name: str = "") -> Path:
        """Return the file of a model that may be read by others; the name tells which part."""
        raise Refusal(404, "this host gives no files away", code="route")


async def models(request: Request) -> Response:
    """List the models that are here."""
    return JSONResponse(await _library(request).describe())


async def transfers(request: Request) -> Response:
    """Say what is under way."""
    return JSONResponse(await _library(request).transfers())


async def delete(request: Request) -> Response:
    """Delete a kept model."""
    fields = Fields(await read_object(request))
    key = fields.required("id")
    fields.finish("id")
    await _library(request).delete(key)
    return JSONResponse({"deleted": key})


async def pause(request: Request) -> Response:
    """Pause downloads, or let them go on."""
    fields = Fields(await read_object(request))
    is_paused = fields.boolean("paused")
    fields.finish("paused")
    if is_paused is None:
        raise fields.error("paused", None, "true or false")
    await _library(request).pause(is_paused)
    return JSONResponse({"paused": is_paused})


async def hub(request: Request) -> Response:
    """List the GGUF files of a hub's repository."""
    fields = Fields(await read_object(request))
    repo, base = fields.required("repo"), fields.string("base")
    fields.finish("repo, base")
    files, preferred = await _library(request).hub_files(repo, base)
    listed = [
        {"id": file.id, "path": file.path, "size": file.size, "sha256": file.sha256}
        for file in files
    ]
    return JSONResponse({"files": listed, "preferred": preferred})


async def blob(request: Request) -> Response:
    """Send a model's file, or a range of it."""
    asked = request.path_params
    path = await _library(request).blob(asked["id"], asked.get("name", ""))
    headers = {
        "cache-control": "no-store",
        "cross-origin-resource-policy": "same-origin",  # pages that may not ask cannot embed it
        "x-content-type-options": "nosniff",
    }
    return FileResponse(path, headers=headers, media_type="application/octet-stream")


def _library(request: Request) -> Library:
    library: Library | None = request.app.state.state.library
    if library is None:
        raise Refusal(404, "this host keeps no models", code="route")
    return library


ROUTES = (
    Route("/wgslm/models", models),
    Route("/wgslm/transfers", transfers),
    Route("/wgslm/delete-model", delete, methods=["POST"]),
    Route("/wgslm/pause-load", pause, methods=["POST"]),
    Route("/wgslm/hub", hub, methods=["POST"]),
    Route("/wgslm/blobs/{id}", blob),
    Route("/wgslm/blobs/{id}/{name}", blob),  # names the download, and the part of a split model
    Route("/wgslm/blobs/{id}/{ticket}/{name}", blob),  # `Access` has looked at the ticket
)
