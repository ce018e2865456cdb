"""The HTTP of OGC API - Features; see docs/reference/ogc.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Request, Response

from dashlight.catalog.etags import etag_of, is_known
from dashlight.catalog.ogc import asked as asking
from dashlight.catalog.ogc import documents, openapi
from dashlight.catalog.ogc.documents import GEOJSON_TYPE, JSON_TYPE, OPENAPI_TYPE, SCHEMA_TYPE, Extent, link
from dashlight.catalog.ogc.geometry import touches
from dashlight.catalog.stac.asked import check_names
from dashlight.catalog.stac.cursor import Cursors
from dashlight.catalog.summary import Summaries
from dashlight.errors import NotFound
from dashlight.model import DAY_MS
from dashlight.store.database import Database
from dashlight.store.feature_tables import key_of, key_text
from dashlight.store.tables import FeatureQuery, FeatureTable, StoredFeature, count_features, page_of_features


@dataclass(frozen=True, slots=True)
class Ogc:
    """What the routes need.

    Attributes:
        database: The rows.
        tables: By name; each is a collection.
        summaries: Where and when there are pictures.
        cursors: Of this instance.
        name: Of this instance.
        version: Of the server.
        base_url: What links begin with, or empty for the address that the reader used.
    """

    database: Database
    tables: Mapping[str, FeatureTable]
    summaries: Summaries
    cursors: Cursors
    name: str
    version: str
    base_url: str

    def root(self, request: Request) -> str:
        """Return the address of the landing page."""
        return (self.base_url or str(request.base_url)).rstrip("/") + "/ogc"

    def table(self, name: str) -> FeatureTable:
        """Return the table of a collection.

        Raises:
            NotFound: When there is none of that name.
        """
        found = self.tables.get(name)
        if found is None:
            known = ", ".join(self.tables)
            raise NotFound(f"there is no collection {name[:80]!r}", hint=f"there are {known}", code="no-collection")
        return found

    def extent(self) -> Extent | None:
        """Return where and when there is anything, or None when there is nothing."""
        found = self.summaries.summary()
        if found.bbox is None or found.oldest_day is None or found.newest_day is None:
            return None
        box = found.bbox
        last_ms = (found.newest_day + 1) * DAY_MS - 1
        return Extent((box.west, box.south, box.east, box.north), found.oldest_day * DAY_MS, last_ms)


def make_router(ogc: Ogc) -> APIRouter:
    """Return the routes of OGC API - Features."""
    router = APIRouter(prefix="/ogc", tags=["ogc"])
    _add_documents(router, ogc)
    _add_items(router, ogc)
    return router


def _replies(media_type: str) -> dict[int | str, dict[str, Any]]:
    problem = {"content": {"application/problem+json": {"schema": {"type": "object"}}}}
    return {
        200: {"content": {media_type: {"schema": {"type": "object"}}}},
        304: {"description": "As the given ETag has it"},
        400: {"description": "A parameter is wrong; the problem says which and why", **problem},
        404: {"description": "There is no such thing", **problem},
    }


def _given(request: Request) -> dict[str, str]:
    given = request.query_params.multi_items()
    # Twice is refused here, and too many; which, by who reads them.
    check_names([name for name, _ in given], {name for name, _ in given})
    return dict(given)


def _reply(value: Any, request: Request, *, media_type: str = JSON_TYPE) -> Response:
    content = orjson.dumps(value)
    unstamped = orjson.dumps({**value, "timeStamp": ""}) if "timeStamp" in value else content
    headers = {"ETag": etag_of(unstamped), "Cache-Control": "no-cache"}
    if is_known(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


def _add_documents(router: APIRouter, ogc: Ogc) -> None:
    @router.get("", responses=_replies(JSON_TYPE), response_class=Response)
    def landing_page(request: Request) -> Response:
        """Tell what can be read here."""
        check_names(_given(request), ())
        return _reply(documents.landing_page(ogc.root(request), ogc.name), request)

    @router.get("/conformance", responses=_replies(JSON_TYPE), response_class=Response)
    def conformance(request: Request) -> Response:
        """Tell what the API conforms to."""
        check_names(_given(request), ())
        return _reply({"conformsTo": documents.CONFORMS_TO}, request)

    @router.get("/api", responses=_replies(OPENAPI_TYPE), response_class=Response)
    def description(request: Request) -> Response:
        """Describe the API as OpenAPI 3.0."""
        check_names(_given(request), ())
        value = openapi.description(ogc.tables.values(), ogc.root(request), name=ogc.name, version=ogc.version)
        return _reply(value, request, media_type=OPENAPI_TYPE)

    @router.get("/collections", responses=_replies(JSON_TYPE), response_class=Response)
    def list_collections(request: Request) -> Response:
        """List the collections."""
        check_names(_given(request), ())
        return _reply(documents.collections_page(ogc.tables.values(), ogc.root(request), ogc.extent()), request)

    @router.get("/collections/{collection_id}", responses=_replies(JSON_TYPE), response_class=Response)
    def one_collection(collection_id: str, request: Request) -> Response:
        """Describe one collection."""
        check_names(_given(request), ())
        return _reply(documents.collection(ogc.table(collection_id), ogc.root(request), ogc.extent()), request)

    @router.get("/collections/{collection_id}/queryables", responses=_replies(SCHEMA_TYPE), response_class=Response)
    def queryables(collection_id: str, request: Request) -> Response:
        """Tell what a collection's features can be chosen by."""
        check_names(_given(request), ())
        value = documents.queryables(ogc.table(collection_id), ogc.root(request))
        return _reply(value, request, media_type=SCHEMA_TYPE)

    del landing_page, conformance, description, list_collections, one_collection, queryables


def _add_items(router: APIRouter, ogc: Ogc) -> None:
    @router.get(
        "/collections/{collection_id}/items",
        responses=_replies(GEOJSON_TYPE),
        response_class=Response,
        openapi_extra={"parameters": openapi.of_every_collection()},
    )
    def items(collection_id: str, request: Request) -> Response:
        """Return a page of a collection's features."""
        table, given = ogc.table(collection_id), _given(request)
        asked = asking.asked_of(given, table, ogc.cursors)
        with ogc.database.read() as connection:
            page = page_of_features(
                connection, table, asked.query, limit=asked.limit, after=asked.after, touches=touches
            )
            matched = None if asked.query.is_narrowing else count_features(connection, table)
        here = f"{ogc.root(request)}/collections/{table.name}"
        links = [link("self", _address(f"{here}/items", given), GEOJSON_TYPE), link("collection", here)]
        if page.end is not None:
            cursor = asking.cursor_of(given, table, key_text(page.end), ogc.cursors)
            links.append(link("next", _address(f"{here}/items", {**given, "cursor": cursor}), GEOJSON_TYPE))
        features = [documents.feature(one, table) for one in page.features]
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        value = documents.feature_page(features, links, matched=matched, at=at)
        return _reply(value, request, media_type=GEOJSON_TYPE)

    @router.get(
        "/collections/{collection_id}/items/{feature_id}", responses=_replies(GEOJSON_TYPE), response_class=Response
    )
    def one_item(collection_id: str, feature_id: str, request: Request) -> Response:
        """Return one feature."""
        check_names(_given(request), ())
        table = ogc.table(collection_id)
        key = key_of(table, feature_id)
        found: tuple[StoredFeature, ...] = ()
        if key is not None:
            with ogc.database.read() as connection:
                query = FeatureQuery(key=key)
                found = page_of_features(connection, table, query, limit=1, touches=touches).features
        if not found:
            raise NotFound(f"there is no feature {feature_id[:80]!r} in {table.name}", code="no-feature")
        here = f"{ogc.root(request)}/collections/{table.name}"
        value = documents.feature(found[0], table)
        value["links"] = [link("self", f"{here}/items/{feature_id}", GEOJSON_TYPE), link("collection", here)]
        return _reply(value, request, media_type=GEOJSON_TYPE)

    del items, one_item


def _address(path: str, given: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(given)}" if given else path
