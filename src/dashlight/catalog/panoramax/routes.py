"""The HTTP that Panoramax clients read beside STAC's; see docs/reference/panoramax.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Body, Path, Query, Request, Response
from pydantic import BaseModel, Field

from dashlight.catalog.etags import etag_of, is_known
from dashlight.catalog.panoramax import landing, reports
from dashlight.catalog.panoramax.landing import TILE_TYPE, Account
from dashlight.catalog.reports import Issue, Report, file_report
from dashlight.catalog.routes import (
    JPEG_REPLIES,
    Catalog,
    PictureId,
    PlainTileRoute,
    accepted_encoding,
    send_picture,
    send_tile,
)
from dashlight.catalog.stac.items import JSON_TYPE, Site
from dashlight.catalog.tiles import MAX_ZOOM, Tiles
from dashlight.errors import NotFound
from dashlight.store import collections, search

_PREFIX, _TILE_PATH = "/api", "/map/{z}/{x}/{y}.mvt"
_JSON: dict[int | str, dict[str, Any]] = {
    200: {"content": {JSON_TYPE: {"schema": {"type": "object"}}}},
    304: {"description": "As the given ETag has it"},
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "86400",
}
_NONE_HERE: dict[int | str, dict[str, Any]] = {404: {"description": "There is none"}}


@dataclass(frozen=True, slots=True)
class Panoramax:
    """What the routes need.

    Attributes:
        catalog: Of this instance.
        tiles: As Panoramax clients know them.
        account: The one that they see.
        license_id: Of pictures, where they do not say otherwise.
        contact: Of the operator, or empty.
        version: Of the server.
    """

    catalog: Catalog
    tiles: Tiles
    account: Account
    license_id: str
    contact: str
    version: str

    def site(self, request: Request) -> Site:
        """Return where this reader reads."""
        return Site((self.catalog.base_url or str(request.base_url)).rstrip("/"), self.account.name)


class ReportRequest(BaseModel):
    """What is wrong, as Panoramax clients say it; what they say beside this is not read."""

    issue: str = Field(max_length=100)
    picture_id: str | None = Field(default=None, max_length=100)
    sequence_id: str | None = Field(default=None, max_length=100)
    reporter_comments: str | None = Field(default=None, max_length=900)
    reporter_email: str | None = Field(default=None, max_length=500, description="Not kept: nobody is written to")


class ReportReply(BaseModel):
    """What became of a report."""

    status: Literal["waiting"] = "waiting"
    issue: Issue
    picture_id: str
    hidden: bool


def make_router(panoramax: Panoramax) -> APIRouter:
    """Return the routes of Panoramax's reading half that are not STAC's too."""
    router = APIRouter(prefix=_PREFIX, tags=["panoramax"])
    _add_instance(router, panoramax)
    _add_map(router, panoramax)
    _add_pictures(router, panoramax)
    _add_reports(router, panoramax)
    return router


def plain_tiles(panoramax: Panoramax) -> PlainTileRoute:
    """Return what answers plain requests for tiles."""
    return PlainTileRoute(_PREFIX + _TILE_PATH, panoramax.tiles, empty_status=200)


def _reply(value: Any, request: Request) -> Response:
    content = orjson.dumps(value)
    headers = {"ETag": etag_of(content), "Cache-Control": "no-cache"}
    if is_known(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=JSON_TYPE, headers=headers)


def _add_instance(router: APIRouter, panoramax: Panoramax) -> None:
    @router.get("/configuration", responses=_JSON, response_class=Response)
    def configuration(request: Request) -> Response:
        """Tell how this instance is set up."""
        name, version = panoramax.account.name, panoramax.version
        value = landing.configuration(name, license_id=panoramax.license_id, contact=panoramax.contact, version=version)
        return _reply(value, request)

    @router.get("/live", responses=_JSON, response_class=Response)
    def live(request: Request) -> Response:
        """Say that the server answers."""
        return _reply({"status": "ok"}, request)

    @router.get("/users/search", responses=_JSON, response_class=Response)
    def search_users(q: Annotated[str, Query(min_length=1, max_length=200)], request: Request) -> Response:
        """Look for an account by its name; the instance is the only one."""
        return _reply(landing.accounts_found(panoramax.account, q, panoramax.site(request)), request)

    @router.get("/users/{account_id}", responses={**_JSON, **_NONE_HERE}, response_class=Response)
    def one_user(account_id: Annotated[str, Path(max_length=100)], request: Request) -> Response:
        """Return an account; the instance is the only one."""
        if account_id != str(panoramax.account.id):
            raise NotFound(f"there is no account {account_id[:80]!r}", code="no-account")
        return _reply(landing.account_of(panoramax.account, panoramax.site(request)), request)

    del configuration, live, search_users, one_user


def _add_map(router: APIRouter, panoramax: Panoramax) -> None:
    @router.get("/map/style.json", responses=_JSON, response_class=Response)
    def style(request: Request) -> Response:
        """Return a MapLibre style of the tiles."""
        return _reply(landing.style(panoramax.site(request)), request)

    @router.get(
        _TILE_PATH,
        response_class=Response,
        responses={200: {"content": {TILE_TYPE: {}}}, 304: {"description": "As the given ETag has it"}},
    )
    def tile(
        *,
        zoom: Annotated[int, Path(alias="z", ge=0, le=MAX_ZOOM)],
        x: Annotated[int, Path(ge=0, lt=1 << MAX_ZOOM)],
        y: Annotated[int, Path(ge=0, lt=1 << MAX_ZOOM)],
        request: Request,
    ) -> Response:
        """Return a vector tile of grid, sequences and pictures; an empty one has no bytes."""
        coding = accepted_encoding(request.headers.get("accept-encoding"), offered=("gzip", "br"))
        return send_tile(panoramax.tiles.tile(zoom, x, y, days=None, encoding=coding), request, empty_status=200)

    del style, tile


def _add_pictures(router: APIRouter, panoramax: Panoramax) -> None:
    @router.get("/pictures/{picture_id}/hd.jpg", response_class=Response, responses=JPEG_REPLIES)
    def full(picture_id: PictureId, request: Request) -> Response:
        """Return the picture's JPEG."""
        return send_picture(panoramax.catalog, picture_id, request, is_thumbnail=False)

    @router.get("/pictures/{picture_id}/sd.jpg", response_class=Response, responses=JPEG_REPLIES)
    def standard(picture_id: PictureId, request: Request) -> Response:
        """Return the picture's JPEG; there is one size beside the thumbnail."""
        return send_picture(panoramax.catalog, picture_id, request, is_thumbnail=False)

    @router.get("/pictures/{picture_id}/thumb.jpg", response_class=Response, responses=JPEG_REPLIES)
    def thumbnail(picture_id: PictureId, request: Request) -> Response:
        """Return the thumbnail's JPEG."""
        return send_picture(panoramax.catalog, picture_id, request, is_thumbnail=True)

    @router.get(
        "/collections/{collection_id}/thumb.jpg", response_class=Response, responses={**JPEG_REPLIES, **_NONE_HERE}
    )
    def preview(collection_id: Annotated[str, Path(max_length=100)], request: Request) -> Response:
        """Return the thumbnail of a collection's first picture."""
        with panoramax.catalog.database.read() as connection:
            found = collections.find_collection(connection, collection_id)
            query = search.Query(collections=(found.key,), is_oldest_first=True)
            first = search.find_pictures(connection, query, limit=1).pictures
        if not first:
            raise NotFound(f"there is no collection {collection_id[:80]!r}", code="no-collection")
        return send_picture(panoramax.catalog, first[0].picture.id, request, is_thumbnail=True)

    del full, standard, thumbnail, preview


def _add_reports(router: APIRouter, panoramax: Panoramax) -> None:
    @router.post("/reports", responses={**_NONE_HERE, 410: {"description": "Erased or hidden"}})
    def report(asked: Annotated[ReportRequest, Body()], request: Request) -> ReportReply:
        """Report a picture, or a sequence by its first one; within the same bounds as `/v1/pictures/{id}/report`."""
        catalog, issue = panoramax.catalog, reports.issue_of(asked.issue)
        with catalog.database.read() as connection:
            subject = reports.subject_of(
                connection,
                picture_id=asked.picture_id,
                sequence_id=asked.sequence_id,
                comment=asked.reporter_comments or "",
            )
        sender, shown = request.client.host if request.client else "", catalog.summaries.summary().pictures
        told = Report(subject.picture, issue, subject.comment, sender)
        hidden = file_report(catalog.database, catalog.budgets, told, shown=shown)
        return ReportReply(issue=issue, picture_id=str(subject.picture), hidden=hidden)

    @router.options("/reports", include_in_schema=False)
    def preflight() -> Response:
        return Response(status_code=204, headers=_PREFLIGHT)

    del report, preflight
