"""The HTTP of single pictures' pages, `/p/{id}`: they preview, print and work without JavaScript."""

from __future__ import annotations

import json
from functools import cached_property
from string import Template
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response

from dashlight.catalog.etags import etag_of, is_known
from dashlight.catalog.pages.gazetteer import Gazetteer, load_gazetteer
from dashlight.catalog.pages.picture_page import PAGE_POLICY, PicturePages, PictureView
from dashlight.catalog.routes import Catalog
from dashlight.errors import Gone, NotFound
from dashlight.model import preferred_language
from dashlight.store import pictures


class _Shelf:
    """What pages are made of, read when the first is asked for."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @cached_property
    def pages(self) -> PicturePages:
        assets = self._catalog.assets
        return PicturePages(
            template=Template(assets.find("picture.html").content.decode()),
            words=json.loads(assets.find("strings/picture.json").content),
            places={"es": json.loads(assets.find("strings/places.es.json").content)},
            instance=str(self._catalog.instance["name"]),
        )

    @cached_property
    def gazetteer(self) -> Gazetteer:
        return load_gazetteer(self._catalog.assets)


def make_router(catalog: Catalog) -> APIRouter:
    """Return the routes of pictures' pages."""
    router = APIRouter(tags=["readers"])
    shelf = _Shelf(catalog)

    @router.get("/p/{name}", include_in_schema=False)
    def picture_page(
        name: str,
        request: Request,
        lang: Annotated[str | None, Query(max_length=10)] = None,
        accept_language: Annotated[str | None, Header()] = None,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Show one picture and what is told of it; 410 in words when it is not public any more."""
        language = preferred_language(lang, accept_language, shelf.pages.words)
        origin = catalog.base_url or str(request.base_url).rstrip("/")
        try:
            page, status = _page_of(catalog, shelf, _uuid(name), language, origin), 200
        except NotFound as exc:
            status = 410 if isinstance(exc, Gone) else 404
            page = shelf.pages.missing(language, is_gone=status == 410, path=request.url.path)
        content = page.encode()
        headers = {
            "ETag": etag_of(content),
            "Cache-Control": "no-cache" if status == 200 else "no-store",
            "Content-Language": language,
            "Content-Security-Policy": PAGE_POLICY,
            "Vary": "Accept-Language",
        }
        if status == 200 and is_known(if_none_match, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(content, status, media_type="text/html", headers=headers)

    del picture_page
    return router


def _uuid(name: str) -> UUID:
    try:
        return UUID(name)
    except ValueError as exc:
        raise NotFound(f"there is no picture {name[:60]!r}", code="no-picture") from exc


def _page_of(catalog: Catalog, shelf: _Shelf, picture_id: UUID, language: str, origin: str) -> str:
    with catalog.database.read() as connection:
        stored = pictures.find_picture(connection, picture_id)
        before, after = pictures.neighbours(connection, stored)
    place = shelf.gazetteer.name_near(stored.position)
    return shelf.pages.picture(PictureView(stored, before, after, place, origin), language)
