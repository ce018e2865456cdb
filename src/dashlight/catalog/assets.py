"""The files of the map, as they lie in `dashlight.web`, and what a browser is allowed to do with them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import threading
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dashlight.errors import NotFound

# Not `mimetypes`: what it says depends on the machine.
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".map": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".mvt": "application/vnd.mapbox-vector-tile",
    ".pbf": "application/x-protobuf",
    ".pmtiles": "application/vnd.pmtiles",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".topojson": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_COMPRESSED = frozenset({".css", ".html", ".js", ".json", ".geojson", ".mjs", ".svg", ".topojson", ".txt", ".md"})
# A worker is bound by the policy of its own script and not by the page's: MapLibre GL's workers ask for tiles.
SCRIPT_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'"
_IMPORT_MAP = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9@_][A-Za-z0-9@_.+-]*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent.

    Attributes:
        content: Its bytes.
        gzipped: The same, compressed, or None when that is not worth it.
        media_type: Of it.
        etag: Of its content, without quotes.
    """

    content: bytes
    gzipped: bytes | None
    media_type: str
    etag: str


class Assets:
    """Files below one folder, by their path in a URL; read again when they change."""

    def __init__(self, root: Path) -> None:
        """Serve `root` and nothing above it."""
        self._root = root.resolve()
        self._lock = threading.Lock()  # Guards the cache.
        self._cache: dict[Path, tuple[tuple[int, int], Asset]] = {}

    def find(self, name: str) -> Asset:
        """Return the file of a URL's path such as `map/main.js`.

        Raises:
            NotFound: When there is none, or the name is not a plain path to one.
        """
        missing = NotFound(f"there is no file {name[:100]!r}", code="no-file")
        parts = name.split("/")
        media_type = MEDIA_TYPES.get(PurePosixPath(name).suffix)
        if media_type is None or not all(_NAME.match(part) for part in parts):
            raise missing
        path = self._root.joinpath(*parts).resolve()
        if not path.is_relative_to(self._root):
            raise missing
        try:
            stat = path.stat()
            version = (stat.st_mtime_ns, stat.st_size)
            with self._lock:
                kept = self._cache.get(path)
            if kept is not None and kept[0] == version:
                return kept[1]
            asset = _asset(path.read_bytes(), media_type, path.suffix)
        except OSError as exc:
            raise missing from exc
        with self._lock:
            self._cache[path] = (version, asset)
        return asset


def _asset(content: bytes, media_type: str, suffix: str) -> Asset:
    gzipped = gzip.compress(content, 6, mtime=0) if suffix in _COMPRESSED and len(content) > 500 else None
    return Asset(content, gzipped, media_type, hashlib.sha256(content).hexdigest()[:32])


def embedded(page: Asset) -> Asset:
    """Return the map as it is shown on other people's pages: its root element says so to styles and modules."""
    content = page.content.replace(b"<html ", b'<html class="embed" ', 1)
    return _asset(content, page.media_type, ".html")


def content_security_policy(page: str, *, frame_ancestors: str = "'none'") -> str:
    """Return the policy of a page: own origin only; its import map, the one inline script, by hash.

    `worker-src blob:` is for MapLibre GL, which starts its workers from one; `img-src data: blob:` for its sprites and
    for pictures that the map decodes.

    Args:
        page: Its HTML.
        frame_ancestors: Who may show it inside a page of their own.
    """
    hashes = "".join(
        f" 'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in _IMPORT_MAP.findall(page)
    )
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self'{hashes}",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            f"frame-ancestors {frame_ancestors}",
        )
    )
