"""What makes the site installable: the service worker's list of files, and the icons as PNG."""

from __future__ import annotations

import hashlib
import json
import re
import struct
import sys
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np

if TYPE_CHECKING:
    from build import steps
else:
    steps = sys.modules["wgslm_build_environment"].load("steps")

WORKER = "service-worker.js"
NOTHING = 'const SITE = { version: "", files: {} };'
# The browser keeps the worker, and the engine the model; the one file is for elsewhere.
NOT_KEPT = (WORKER, "wgslm.html")
MODELS = "models/"
# Sizes of the icons, and whether the mark keeps to the circle that every platform leaves of it.
ICONS = {
    "icon-192.png": (192, False),
    "icon-512.png": (512, False),
    "icon-maskable-512.png": (512, True),
}
SAFE = 0.72  # of the mark's size, in a maskable icon


def seal(site: dict[str, bytes]) -> None:
    """Write into the service worker which files the site has: SHA-256 and bytes of each."""
    files = {
        name: [hashlib.sha256(content).hexdigest(), len(content)]
        for name, content in sorted(site.items())
        if name not in NOT_KEPT and not name.startswith(MODELS)
    }
    version = hashlib.sha256(json.dumps(files).encode()).hexdigest()[:16]
    script = site[WORKER].decode()
    if script.count(NOTHING) != 1:
        raise steps.SetUpError(f"{WORKER} must have {NOTHING!r} once, to be filled in")
    facts = json.dumps({"version": version, "files": files})
    site[WORKER] = script.replace(NOTHING, f"const SITE = {facts};").encode()


def icons(page: bytes) -> dict[str, bytes]:
    """Draw the icon that index.html has as an SVG in a `data:` address, as PNG files."""
    found = re.search(rb'<link rel="icon" href="data:image/svg\+xml,([^"]+)"', page)
    if not found:
        raise steps.SetUpError("index.html must have its icon as <link rel=icon href=data:...>")
    svg = unquote(found[1].decode())
    return {name: _png(_draw(svg, *how)) for name, how in ICONS.items()}


def _draw(svg: str, size: int, is_maskable: bool) -> np.ndarray:
    """Return the pixels [size, size, 4] of an SVG of one tile and circles on it."""
    root = ElementTree.fromstring(svg)
    width = float(root.get("viewBox", "").split()[2])
    scale = width / size / (SAFE if is_maskable else 1)
    places = (np.arange(size) + 0.5 - size / 2) * scale + width / 2  # in the SVG's units
    x, y = np.meshgrid(places, places)
    pixels = np.zeros((size, size, 4))
    for shape in root.iter():
        kind = shape.tag.rpartition("}")[2]
        number = {name: float(shape.get(name, 0)) for name in ("cx", "cy", "r", "rx")}
        if kind == "rect":
            half = width / 2
            inside = np.full_like(x, np.inf) if is_maskable else _rounded(x, y, half, number["rx"])
            _paint(pixels, inside / scale, _colour(shape.get("fill")), 1.0)
        elif kind == "circle":
            inside = number["r"] - np.hypot(x - number["cx"], y - number["cy"])
            _paint(pixels, inside / scale, (1.0, 1.0, 1.0), float(shape.get("opacity", 1)))
    return np.rint(pixels * 255).astype(np.uint8)


def _rounded(x: np.ndarray, y: np.ndarray, half: float, radius: float) -> np.ndarray:
    """Return how far inside a square with round corners each place is."""
    across, down = (np.maximum(np.abs(each - half) - half + radius, 0) for each in (x, y))
    return np.asarray(radius - np.hypot(across, down))


def _paint(
    pixels: np.ndarray, inside: np.ndarray, colour: tuple[float, ...], opacity: float
) -> None:
    """Blend a shape over what is there; `inside` is in pixels, so that edges are smooth."""
    alpha = (np.clip(inside + 0.5, 0, 1) * opacity)[..., None]
    pixels[..., :3] = np.where(
        pixels[..., 3:] > 0, pixels[..., :3] * (1 - alpha) + np.array(colour) * alpha, colour
    )
    pixels[..., 3:] = alpha + pixels[..., 3:] * (1 - alpha)


def _colour(fill: str | None) -> tuple[float, ...]:
    digits = (fill or "").removeprefix("#")
    if len(digits) != 6:
        raise steps.SetUpError(f"the icon's fill must be like #0b6e62, not {fill!r}")
    return tuple(int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))


def _png(pixels: np.ndarray) -> bytes:
    """Return an RGBA picture as a PNG file."""
    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    parts: Mapping[bytes, bytes] = {
        b"IHDR": head,
        b"IDAT": zlib.compress(rows.tobytes(), 9),
        b"IEND": b"",
    }
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
