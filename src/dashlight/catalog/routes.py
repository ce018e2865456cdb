"""The HTTP of readers; see docs/reference/http.md."""

from __future__ import annotations

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from dashlight.catalog import features, reports, summary
from dashlight.catalog.assets import SCRIPT_POLICY, Asset, Assets, content_security_policy, embedded
from dashlight.catalog.etags import etag_of, is_known
from dashlight.catalog.live import LINE, Hub
from dashlight.catalog.reports import Budgets, Issue
from dashlight.catalog.stac.asked import check_names
from dashlight.catalog.stac.cursor import Cursors
from dashlight.catalog.summary import Summaries
from dashlight.catalog.tiles import MAX_ZOOM, Tile, Tiles
from dashlight.errors import HostError, InputError
from dashlight.model import BBox
from dashlight.store import pictures
from dashlight.store.database import Database
from dashlight.store.objects import Objects

TILE_TYPE = "application/vnd.mapbox-vector-tile"
GEOJSON_TYPE = "application/geo+json"
PictureId = Annotated[UUID, Path(description="The picture's id")]
Bbox = Annotated[str | None, Query(max_length=200, description="west,south,east,north")]
From = Annotated[str | None, Query(alias="from", max_length=40, description="First day, YYYY-MM-DD")]
To = Annotated[str | None, Query(max_length=40, description="Last day, YYYY-MM-DD")]
Etags = Annotated[str | None, Header()]
TILE_PATH = "/v1/tiles/{z}/{x}/{y}.mvt"
_LISTED_BY = ("bbox", "from", "to", "limit", "cursor", "policy", "heading")
_TILE_CODINGS = ("gzip", "br")
_TILE_THREADS = 16  # Drawing is computing, so more would only take turns; some wait for a database elsewhere.
_REVALIDATE = "no-cache"
_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "As the given ETag has it"}}
_GEOJSON_REPLIES: dict[int | str, dict[str, Any]] = {
    200: {"content": {GEOJSON_TYPE: {"schema": {"type": "object"}}}},
    **_NOT_MODIFIED,
}


class ReportRequest(BaseModel):
    """What is wrong with a picture."""

    model_config = ConfigDict(extra="forbid")
    issue: Issue
    comment: str = Field(default="", max_length=1_000)


class ReportReply(BaseModel):
    """What became of a report."""

    hidden: bool


@dataclass(frozen=True, slots=True)
class Catalog:
    """What the routes of readers need."""

    database: Database
    objects: Objects
    tiles: Tiles
    hub: Hub
    summaries: Summaries
    budgets: Budgets
    assets: Assets
    cursors: Cursors
    base_url: str
    instance: dict[str, Any]


def _json(value: Any, if_none_match: str | None, *, media_type: str = "application/json") -> Response:
    content = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    headers = {"ETag": etag_of(content), "Cache-Control": _REVALIDATE}
    if is_known(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


def accepted_encoding(header: str | None, *, offered: tuple[str, ...]) -> str:
    """Return the first of `offered` that an Accept-Encoding header allows, or `identity`."""
    allowed = set()
    for part in (header or "").split(","):
        coding, _, parameters = part.strip().partition(";")
        if parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            allowed.add(coding.strip().lower())
    return next((coding for coding in offered if coding in allowed or "*" in allowed), "identity")


def _asset(asset: Asset, request: Request) -> Response:
    coding = accepted_encoding(request.headers.get("accept-encoding"), offered=("gzip",))
    is_gzipped = coding == "gzip" and asset.gzipped is not None
    headers = {
        "ETag": f'"{asset.etag}-{"g" if is_gzipped else "i"}"',
        "Cache-Control": _REVALIDATE,
        "Vary": "Accept-Encoding",
    }
    if is_known(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if is_gzipped:
        headers["Content-Encoding"] = "gzip"
    content = asset.gzipped if is_gzipped else asset.content
    return Response(content, media_type=asset.media_type, headers=headers)


def make_router(catalog: Catalog) -> APIRouter:
    """Return the routes of readers."""
    router = APIRouter(tags=["readers"])
    _add_instance(router, catalog)
    _add_pictures(router, catalog)
    _add_bytes(router, catalog)
    _add_map(router, catalog)
    _add_pages(router, catalog)
    return router


def _add_instance(router: APIRouter, catalog: Catalog) -> None:
    @router.get("/v1/instance", responses=_NOT_MODIFIED)
    def instance(if_none_match: Etags = None) -> Response:
        """Tell what this instance is and what it holds."""
        found = catalog.summaries.summary()
        newest, oldest, bbox = found.newest_day, found.oldest_day, found.bbox
        value = {
            **catalog.instance,
            "pictures": found.pictures,
            "newest_day": None if newest is None else features.day_text(newest),
            "oldest_day": None if oldest is None else features.day_text(oldest),
            "bbox": None if bbox is None else [bbox.west, bbox.south, bbox.east, bbox.north],
        }
        return _json(value, if_none_match)

    @router.get("/v1/histogram", responses=_NOT_MODIFIED)
    def histogram(
        bbox: Bbox = None, bins: Annotated[int, Query(ge=1, le=1_000)] = 60, if_none_match: Etags = None
    ) -> Response:
        """Count pictures by day, for the date filter."""
        days = summary.histogram(catalog.database, bbox=features.parsed_bbox(bbox), bins=bins)
        return _json({"days": [[features.day_text(day), count] for day, count in days]}, if_none_match)

    del instance, histogram


def _add_pictures(router: APIRouter, catalog: Catalog) -> None:
    @router.get("/v1/pictures", response_class=Response, responses=_GEOJSON_REPLIES)
    def list_pictures(
        *,
        bbox: Bbox = None,
        first: From = None,
        to: To = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        cursor: Annotated[str | None, Query(max_length=100)] = None,
        policy: Annotated[
            str | None, Query(max_length=40, description="fleet, open, personal, or some of them")
        ] = None,
        heading: Annotated[
            float | None, Query(ge=0, lt=360, description="Looking this way, 45 degrees to either side")
        ] = None,
        request: Request,
    ) -> Response:
        """List pictures, newest first."""
        check_names((name for name, _ in request.query_params.multi_items()), _LISTED_BY)
        area = features.parsed_bbox(bbox)
        days = features.parsed_days(first, to) or (features.FIRST_DAY, features.LAST_DAY)
        after = features.parsed_cursor(cursor, catalog.cursors)
        wish = pictures.Wish(features.parsed_policies(policy), heading)
        with catalog.database.read() as connection:
            page = pictures.page_of_pictures(connection, bbox=area, days=days, limit=limit, after=after, wish=wish)
        value = features.collection(
            [features.picture_feature(stored, base=catalog.base_url) for stored in page.pictures],
            next_cursor=None if page.end is None else features.cursor_text(page.end, catalog.cursors),
        )
        return _json(value, request.headers.get("if-none-match"), media_type=GEOJSON_TYPE)

    @router.get("/v1/pictures/{picture_id}", response_class=Response, responses=_GEOJSON_REPLIES)
    def one_picture(picture_id: PictureId, if_none_match: Etags = None) -> Response:
        """Return one picture and its neighbours."""
        with catalog.database.read() as connection:
            stored = pictures.find_picture(connection, picture_id)
            before, after = pictures.neighbours(connection, stored)
        value = features.picture_feature(stored, base=catalog.base_url, before=before, after=after)
        return _json(value, if_none_match, media_type=GEOJSON_TYPE)

    @router.post("/v1/pictures/{picture_id}/report", status_code=202)
    def report(picture_id: PictureId, asked: Annotated[ReportRequest, Body()], request: Request) -> ReportReply:
        """Report a picture; `privacy` and `blur_missing` hide it at once, up to a share of the map in an hour."""
        sender, shown = request.client.host if request.client else "", catalog.summaries.summary().pictures
        told = reports.Report(picture_id, asked.issue, asked.comment, sender)
        return ReportReply(hidden=reports.file_report(catalog.database, catalog.budgets, told, shown=shown))

    del list_pictures, one_picture, report


JPEG_REPLIES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {}}},
    206: {"description": "The part that Range asks for"},
    410: {"description": "Erased or hidden"},
    416: {"description": "The part lies behind the end"},
    **_NOT_MODIFIED,
}


def send_picture(catalog: Catalog, picture_id: UUID, request: Request, *, is_thumbnail: bool) -> Response:
    """Return the reply with a picture's JPEG or its thumbnail's, or the part that is asked for."""
    with catalog.database.read() as connection:
        found = pictures.find_bytes(connection, picture_id, is_thumbnail=is_thumbnail)
    etag = f'"{picture_id.hex}{"t" if is_thumbnail else "p"}"'
    headers = {"ETag": etag, "Cache-Control": "public, max-age=60", "Accept-Ranges": "bytes"}
    if is_known(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    asked = request.headers.get("range")
    if asked is not None and request.headers.get("if-range", etag) != etag:
        asked = None
    part = features.parsed_range(asked, found.size_bytes)
    start, end = part or (0, found.size_bytes)
    content = catalog.objects.read(found.key, found.offset + start, end - start)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.size_bytes}"
    return Response(content, 206 if part else 200, media_type="image/jpeg", headers=headers)


def _add_bytes(router: APIRouter, catalog: Catalog) -> None:
    @router.get("/v1/pictures/{picture_id}/picture.jpg", response_class=Response, responses=JPEG_REPLIES)
    def picture(picture_id: PictureId, request: Request) -> Response:
        """Return the picture's JPEG."""
        return send_picture(catalog, picture_id, request, is_thumbnail=False)

    @router.get("/v1/pictures/{picture_id}/thumb.jpg", response_class=Response, responses=JPEG_REPLIES)
    def thumbnail(picture_id: PictureId, request: Request) -> Response:
        """Return the thumbnail's JPEG."""
        return send_picture(catalog, picture_id, request, is_thumbnail=True)

    del picture, thumbnail


def send_tile(tile: Tile, request: Request, *, empty_status: int = 204) -> Response:
    """Return the reply with a tile; an empty one has a status of its own."""
    headers = {"ETag": tile.etag, "Cache-Control": _REVALIDATE, "Vary": "Accept-Encoding"}
    if is_known(request.headers.get("if-none-match"), tile.etag):
        return Response(status_code=304, headers=headers)
    if tile.is_empty:
        return Response(status_code=empty_status, media_type=TILE_TYPE, headers=headers)
    if tile.encoding != "identity":
        headers["Content-Encoding"] = tile.encoding
    return Response(tile.content, media_type=TILE_TYPE, headers=headers)


class PlainTileRoute(BaseRoute):
    """Answers requests for a tile of all days: most of what a map asks for.

    It stands before the route that is described, checks no more than there is to check, and answers what is kept
    without a thread. Whatever is not plain, or wrong, is left to the route that is described.

    Args:
        path: Of the described route, with `{z}`, `{x}` and `{y}`.
        tiles: What is answered with.
        empty_status: Of a tile with nothing on it.
    """

    def __init__(self, path: str, tiles: Tiles, *, empty_status: int = 204) -> None:
        self.path = path  # Requests are counted by it.
        pattern = re.escape(path).replace(r"\{z\}", "([0-9]{1,2})")
        self._pattern = re.compile(pattern.replace(r"\{x\}", "([0-9]{1,5})").replace(r"\{y\}", "([0-9]{1,5})"))
        self._tiles = tiles
        self._empty_status = empty_status
        self._threads = ThreadPoolExecutor(_TILE_THREADS, thread_name_prefix="tiles")

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Leave it to the described route."""
        raise NoMatchFound(name, path_params)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether a request is plain, and which tile it asks for."""
        if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"]:
            return Match.NONE, {}
        found = self._pattern.fullmatch(scope["path"])
        if found is None:
            return Match.NONE, {}
        zoom, x, y = map(int, found.groups())
        if zoom > MAX_ZOOM or x >> zoom or y >> zoom:
            return Match.NONE, {}
        return Match.FULL, {"route": self, "endpoint": self, "path_params": {"z": zoom, "x": x, "y": y}}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the tile."""
        request = Request(scope)
        zoom, x, y = scope["path_params"].values()
        coding = accepted_encoding(request.headers.get("accept-encoding"), offered=_TILE_CODINGS)
        tile = self._tiles.kept(zoom, x, y, encoding=coding)
        if tile is None:
            loop = asyncio.get_running_loop()
            tile = await loop.run_in_executor(self._threads, partial(self._tiles.tile, zoom, x, y, encoding=coding))
        await send_tile(tile, request, empty_status=self._empty_status)(scope, receive, send)


class LiveReply(Response):
    """A stream of Server-Sent Events, which the hub writes to the server's line itself.

    Args:
        hub: Of this process.
        bbox: Which places concern the reader, or None for all.
        after: The cursor of the last event that the reader has, or None when it begins.
    """

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, *, bbox: BBox | None, after: int | None) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._serve = partial(hub.serve, bbox=bbox, after=after)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head, and then what happens until the reader goes or the server stops."""
        line = scope.get("extensions", {}).get(LINE)
        if line is None:
            raise HostError(
                f"this server offers no {LINE} in its extensions of ASGI",
                hint="run the application with `dashlight serve`",
                code="no-line",
            )
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await self._serve(receive, send, line)


def _add_map(router: APIRouter, catalog: Catalog) -> None:
    @router.get(
        TILE_PATH,
        response_class=Response,
        responses={200: {"content": {TILE_TYPE: {}}}, 204: {"description": "Nothing here"}, **_NOT_MODIFIED},
    )
    def tile(
        *,
        zoom: Annotated[int, Path(alias="z", ge=0, le=MAX_ZOOM)],
        x: Annotated[int, Path(ge=0, lt=1 << MAX_ZOOM)],
        y: Annotated[int, Path(ge=0, lt=1 << MAX_ZOOM)],
        request: Request,
        first: From = None,
        to: To = None,
    ) -> Response:
        """Return a vector tile."""
        coding = accepted_encoding(request.headers.get("accept-encoding"), offered=_TILE_CODINGS)
        return send_tile(catalog.tiles.tile(zoom, x, y, days=features.parsed_days(first, to), encoding=coding), request)

    @router.get(
        "/live",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    )
    async def live(bbox: Bbox = None, last_event_id: Annotated[str | None, Header(max_length=40)] = None) -> Response:
        """Stream what happens on the map as Server-Sent Events."""
        area = features.parsed_bbox(bbox)
        after = None
        if last_event_id:
            if not last_event_id.isascii() or not last_event_id.isdecimal() or len(last_event_id) > 18:
                raise InputError(f"Last-Event-ID {last_event_id!r} is not one of this server's", code="bad-cursor")
            after = int(last_event_id)
        catalog.hub.check_room()
        return LiveReply(catalog.hub, bbox=area, after=after)

    del tile, live


def _add_pages(router: APIRouter, catalog: Catalog) -> None:
    def page(name: str, request: Request) -> Response:
        asset = catalog.assets.find(name)
        response = _asset(asset, request)
        response.headers["Content-Security-Policy"] = content_security_policy(asset.content.decode())
        return response

    @router.get("/", include_in_schema=False)
    def index(request: Request) -> Response:
        return page("index.html", request)

    @router.get("/embed", include_in_schema=False)
    def embed(request: Request) -> Response:
        """Return the map for other people's pages; it is the only page that they may frame, and it changes nothing."""
        asset = embedded(catalog.assets.find("index.html"))
        response = _asset(asset, request)
        policy = content_security_policy(asset.content.decode(), frame_ancestors="*")
        response.headers["Content-Security-Policy"] = policy
        return response

    @router.get("/about", include_in_schema=False)
    def about(request: Request) -> Response:
        return page("about.html", request)

    @router.get("/assets/{name:path}", include_in_schema=False)
    def asset(name: str, request: Request) -> Response:
        response = _asset(catalog.assets.find(name), request)
        if name.endswith((".js", ".mjs")):
            response.headers["Content-Security-Policy"] = SCRIPT_POLICY
        return response

    del index, embed, about, asset
