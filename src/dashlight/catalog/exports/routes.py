"""The HTTP of exports, and of the bundles that the list of bundles names; see docs/reference/exports.md."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from dashlight.catalog import etags
from dashlight.catalog.exports import listing
from dashlight.catalog.exports.listing import MOST_ASSETS, Listed
from dashlight.catalog.exports.names import NAMES, media_type_of
from dashlight.catalog.features import parsed_range
from dashlight.catalog.live import LINE
from dashlight.catalog.summary import Summaries
from dashlight.errors import Corrupt, DashlightError, InputError, NotFound
from dashlight.store import exports, object_ranges
from dashlight.store.database import Database
from dashlight.store.objects import Objects
from dashlight.wire import from_base64url, to_base64url

_LOG = logging.getLogger("dashlight.catalog.exports")
_CHUNK_BYTES = 1 << 20
_DEFAULT_FILES = 200
_JSON_TYPE = "application/json"
_REPLY: dict[int | str, dict[str, Any]] = {
    200: {"content": {_JSON_TYPE: {"schema": {"type": "object"}}}},
    304: {"description": "As the given ETag has it"},
}
_BYTES: dict[int | str, dict[str, Any]] = {
    206: {"description": "The part that Range asks for"},
    304: {"description": "As the given ETag has it"},
    404: {"description": "There is no such file"},
    416: {"description": "The part lies behind the end"},
    503: {"description": "The file is being written anew, because a picture in it was taken back"},
}
_OBJECT: dict[int | str, dict[str, Any]] = {
    206: {"description": "The part that Range asks for"},
    404: {"description": "There is no such bundle"},
    410: {"description": "Something in the part is not shown any more"},
    416: {"description": "The part lies behind the end"},
}


@dataclass(frozen=True, slots=True)
class Exports:
    """What the routes need.

    Attributes:
        database: The rows.
        objects: The bytes.
        summaries: Of what there is.
        license_id: Of pictures, where they do not say otherwise.
        base_url: What addresses begin with, or empty for the address that the reader used.
    """

    database: Database
    objects: Objects
    summaries: Summaries
    license_id: str
    base_url: str

    def origin(self, request: Request) -> str:
        """Return what addresses begin with for this reader."""
        return (self.base_url or str(request.base_url)).rstrip("/")


def make_router(served: Exports) -> APIRouter:
    """Return the routes of exports."""
    router = APIRouter(tags=["exports"])
    _add_lists(router, served)
    _add_files(router, served)
    _add_objects(router, served)
    return router


def _reply(value: Any, request: Request) -> Response:
    content = orjson.dumps(value)
    headers = {"ETag": etags.etag_of(content), "Cache-Control": "no-cache"}
    if etags.is_known(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=_JSON_TYPE, headers=headers)


def _shown(served: Exports) -> tuple[list[Listed], list[exports.Export]]:
    with served.database.read() as connection:
        known = exports.all_exports(connection)
        shown = [
            Listed(
                each,
                exports.totals_of(connection, each.number),
                tuple(exports.files_of(connection, each.number, limit=MOST_ASSETS)),
            )
            for each in known
            if each.is_shown
        ]
    return shown, [each for each in known if not each.is_shown]


def _add_lists(router: APIRouter, served: Exports) -> None:
    @router.get("/v1/exports", responses=_REPLY, response_class=Response)
    def list_exports(request: Request) -> Response:
        """List the exports, and how far those are that are being made."""
        shown, unfinished = _shown(served)
        return _reply(listing.index_of(shown, unfinished, origin=served.origin(request)), request)

    @router.get("/v1/exports/stac", responses=_REPLY, response_class=Response)
    def stac(request: Request) -> Response:
        """Return a STAC Collection whose assets are the exports."""
        shown, _ = _shown(served)
        found = served.summaries.summary()
        days = None
        if found.oldest_day is not None and found.newest_day is not None:
            days = (found.oldest_day, found.newest_day)
        value = listing.exports_collection(
            shown, origin=served.origin(request), license_id=served.license_id, bbox=found.bbox, days=days
        )
        return _reply(value, request)

    @router.get(
        "/v1/exports/{export_format}",
        responses={**_REPLY, 404: {"description": "There is no such export"}},
        response_class=Response,
    )
    def list_files(
        export_format: Annotated[str, Path(max_length=40, description=f"One of {', '.join(NAMES)}")],
        request: Request,
        limit: Annotated[int, Query(ge=1, le=1_000)] = _DEFAULT_FILES,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
    ) -> Response:
        """List the files of an export."""
        after = _parsed_cursor(cursor)
        if export_format not in NAMES:
            raise NotFound(f"there is no export {export_format!r}", hint=f"one of {', '.join(NAMES)}", code="no-export")
        with served.database.read() as connection:
            export = exports.shown(connection, export_format)
            files = [] if export is None else exports.files_of(connection, export.number, after=after, limit=limit + 1)
        if export is None:
            raise NotFound(f"there is no export {export_format!r}", code="no-export")
        is_more = len(files) > limit
        following = to_base64url(files[limit - 1].path.encode()) if is_more else None
        return _reply(
            listing.files_page(export, files[:limit], origin=served.origin(request), next_cursor=following), request
        )

    del list_exports, stac, list_files


def _parsed_cursor(text: str | None) -> str:
    if text is None:
        return ""
    try:
        path = from_base64url(text).decode("ascii")
    except (Corrupt, UnicodeDecodeError) as exc:
        raise InputError(f"cursor {text[:60]!r} is not one of this server's", code="bad-cursor") from exc
    if not exports.is_name(path):
        raise InputError(f"cursor {text[:60]!r} is not one of this server's", code="bad-cursor")
    return path


def _add_files(router: APIRouter, served: Exports) -> None:
    @router.get("/v1/exports/{export_format}/{path:path}", responses=_BYTES, response_class=StreamingResponse)
    def file(
        export_format: Annotated[str, Path(max_length=40, description=f"One of {', '.join(NAMES)}")],
        path: Annotated[str, Path(max_length=200, description="As the list of files names it")],
        request: Request,
    ) -> Response:
        """Return a file of an export, or a part of it."""
        with served.database.read() as connection:
            found = exports.find_file(connection, export_format, path)
        etag = listing.etag_of(found)
        headers = {"ETag": etag, "Cache-Control": "no-cache", "Accept-Ranges": "bytes"}
        if etags.is_known(request.headers.get("if-none-match"), etag):
            return Response(status_code=304, headers=headers)
        asked = request.headers.get("range")
        if asked is not None and request.headers.get("if-range", etag) != etag:
            asked = None
        part = parsed_range(asked, found.size_bytes)
        start, end = part or (0, found.size_bytes)
        if part is not None:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.size_bytes}"
        headers["Content-Length"] = str(end - start)
        status, media_type = 206 if part else 200, media_type_of(path)
        if request.scope.get("is_head"):
            return Response(status_code=status, media_type=media_type, headers=headers)
        pieces = _pieces(lambda at, size: served.objects.read(found.key, at, size), (start, end))
        return _CutResponse(pieces, status, media_type=media_type, headers=headers)

    del file


class _CutResponse(StreamingResponse):
    """A reply that may be taken back on the way: the connection ends then, so that no reader takes it for whole.

    The first piece is read before the reply begins; where that fails, the reply says so.
    """

    def __init__(self, pieces: Iterator[bytes], status: int, *, media_type: str, headers: dict[str, str]) -> None:
        super().__init__(chain([next(pieces, b"")], pieces), status, headers, media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the pieces; when one cannot be read or is not shown any more, note why and hang up."""
        try:
            await super().__call__(scope, receive, send)
        except DashlightError as exc:
            _LOG.info("download.ended", extra={"reason": exc.code})
            line = scope.get("extensions", {}).get(LINE)
            if line is None:  # A server of another kind sees that the reply is not whole, and ends the connection.
                return
            line.end()
            while (await receive())["type"] != "http.disconnect":  # To return before would be taken for a defect.
                continue


def _pieces(read: Callable[[int, int], bytes], part: tuple[int, int]) -> Iterator[bytes]:
    """Yield what `read` returns for a position and a size, in pieces."""
    for at in range(*part, _CHUNK_BYTES):
        yield read(at, min(_CHUNK_BYTES, part[1] - at))


def _add_objects(router: APIRouter, served: Exports) -> None:
    @router.get("/v1/objects/{key:path}", responses=_OBJECT, response_class=StreamingResponse, status_code=206)
    def part_of_bundle(
        key: Annotated[str, Path(max_length=200, description="As the list of bundles names it")], request: Request
    ) -> Response:
        """Return a range of a bundle in which all pictures are shown; the header Range is needed."""
        with served.database.read() as connection:
            held = object_ranges.find_object(connection, key)
        part = parsed_range(request.headers.get("range"), held.size_bytes)
        if part is None:
            raise InputError(
                "the header Range is missing or not one range of bytes",
                hint="ask for the ranges that the list of bundles names",
                code="range-required",
            )
        _check(served, held, part)
        headers = {
            "Cache-Control": "public, max-age=60",
            "Accept-Ranges": "bytes",
            "Content-Range": f"bytes {part[0]}-{part[1] - 1}/{held.size_bytes}",
            "Content-Length": str(part[1] - part[0]),
        }
        media_type = "application/octet-stream"
        if request.scope.get("is_head"):
            return Response(status_code=206, media_type=media_type, headers=headers)

        def checked(at: int, size: int) -> bytes:
            content = served.objects.read(held.key, at, size)
            _check(served, held, (at, part[1]))  # After the reading: what was read before a withdrawal is not sent.
            return content

        return _CutResponse(_pieces(checked, part), 206, media_type=media_type, headers=headers)

    del part_of_bundle


def _check(served: Exports, held: object_ranges.Held, part: tuple[int, int]) -> None:
    with served.database.read() as connection:
        object_ranges.check_range(connection, held, *part)
