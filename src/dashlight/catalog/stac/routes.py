"""The HTTP of the STAC API; see docs/reference/stac.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Request, Response
from stac_fastapi.types.stac import Collection, Item, LandingPage
from starlette.concurrency import run_in_threadpool

from dashlight.catalog.etags import etag_of, is_known
from dashlight.catalog.stac import asked as asking
from dashlight.catalog.stac import landing, openapi
from dashlight.catalog.stac.asked import Asked
from dashlight.catalog.stac.bounded_json import parsed_json
from dashlight.catalog.stac.collections import SCHEMA_TYPE, collection_of, collection_page
from dashlight.catalog.stac.cursor import Cursors
from dashlight.catalog.stac.items import GEOJSON_TYPE, JSON_TYPE, Site, item_collection, item_of
from dashlight.errors import InputError, NotFound
from dashlight.store import collections, pictures, search
from dashlight.store.database import Database
from dashlight.store.found import Found, find_one

MOST_COLLECTIONS = 1_000
_DEFAULT_COLLECTIONS = 100
_MOST_COUNTED = 10_000
_ALL_COLLECTIONS = {"of": "collections"}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, If-None-Match",
    "Access-Control-Max-Age": "86400",
}


@dataclass(frozen=True, slots=True)
class Stac:
    """What the routes need.

    Attributes:
        database: The rows.
        cursors: Of this instance.
        name: Of this instance.
        license_id: Of pictures, where they do not say otherwise.
        base_url: What links begin with, or empty for the address that the reader used.
        landing_page: Makes the landing page, when it tells of more than STAC.
        collection_of: Makes a Collection, likewise.
        item_of: Makes an Item, likewise.
    """

    database: Database
    cursors: Cursors
    name: str
    license_id: str
    base_url: str
    landing_page: Callable[[Site, str], LandingPage] = landing.landing_page
    collection_of: Callable[[collections.StoredCollection, Site], Collection] = collection_of
    item_of: Callable[[Found, Site], Item] = item_of

    def site(self, request: Request) -> Site:
        """Return where this reader reads."""
        return Site((self.base_url or str(request.base_url)).rstrip("/"), self.name)


def make_router(stac: Stac) -> APIRouter:
    """Return the routes of the STAC API."""
    router = APIRouter(prefix="/api", tags=["stac"])
    _add_landing(router, stac)
    _add_collections(router, stac)
    _add_items(router, stac)
    _add_search(router, stac)
    return router


def _reply(value: Any, request: Request, *, media_type: str = JSON_TYPE) -> Response:
    content = orjson.dumps(value)
    if request.method == "POST":
        return Response(content, media_type=media_type, headers={"Cache-Control": "no-store"})
    headers = {"ETag": etag_of(content), "Cache-Control": "no-cache"}
    if is_known(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


def _given(request: Request, *known: str) -> dict[str, str]:
    given = request.query_params.multi_items()
    asking.check_names((name for name, _ in given), known)
    return dict(given)


def _add_landing(router: APIRouter, stac: Stac) -> None:
    @router.get("", responses=openapi.replies(JSON_TYPE), response_class=Response)
    def landing_page(request: Request) -> Response:
        """Tell what can be read here."""
        _given(request)
        return _reply(stac.landing_page(stac.site(request), stac.license_id), request)

    @router.get("/conformance", responses=openapi.replies(JSON_TYPE), response_class=Response)
    def conformance(request: Request) -> Response:
        """Tell what the API conforms to."""
        _given(request)
        return _reply(landing.conformance(), request)

    @router.get("/queryables", responses=openapi.replies(SCHEMA_TYPE), response_class=Response)
    def queryables(request: Request) -> Response:
        """Tell what a filter may name."""
        _given(request)
        address = f"{stac.site(request).root}/queryables"
        return _reply(landing.queryables(address), request, media_type=SCHEMA_TYPE)

    @router.get("/sortables", responses=openapi.replies(SCHEMA_TYPE), response_class=Response)
    def sortables(request: Request) -> Response:
        """Tell what pictures can be sorted by."""
        _given(request)
        address = f"{stac.site(request).root}/sortables"
        return _reply(landing.sortables(address), request, media_type=SCHEMA_TYPE)

    @router.get("/openapi.json", include_in_schema=False)
    def description(request: Request) -> Response:
        return _reply(request.app.openapi(), request, media_type=landing.OPENAPI_TYPE)

    @router.options("/search", include_in_schema=False)
    def preflight() -> Response:
        return Response(status_code=204, headers=_PREFLIGHT)

    del landing_page, conformance, queryables, sortables, description, preflight


def _add_collections(router: APIRouter, stac: Stac) -> None:
    @router.get(
        "/collections", responses=openapi.replies(JSON_TYPE), response_class=Response, openapi_extra=openapi.PAGES
    )
    def list_collections(request: Request) -> Response:
        """List sequences, and cells with months, in the order of their names."""
        given = _given(request, "limit", "cursor")
        site, limit = stac.site(request), asking.limit_of(given.get("limit"), _DEFAULT_COLLECTIONS, MOST_COLLECTIONS)
        after = stac.cursors.open(given["cursor"], query=_ALL_COLLECTIONS) if "cursor" in given else ""
        with stac.database.read() as connection:
            found, end = collections.page_of_collections(connection, limit=limit, after=after)
            matched = collections.count_collections(connection, most=_MOST_COUNTED)
        here = f"{site.root}/collections"
        links = [
            *_links(site, _address(here, given), JSON_TYPE),
            {"rel": "parent", "type": JSON_TYPE, "href": site.root},
        ]
        if end is not None:
            following = given | {"cursor": stac.cursors.seal(end, query=_ALL_COLLECTIONS)}
            links.append({"rel": "next", "type": JSON_TYPE, "href": _address(here, following)})
        told = [stac.collection_of(one, site) for one in found]
        return _reply(collection_page(told, links, matched=matched), request)

    @router.get("/collections/{collection_id}", responses=openapi.replies(JSON_TYPE), response_class=Response)
    def one_collection(collection_id: str, request: Request) -> Response:
        """Return one collection."""
        _given(request)
        with stac.database.read() as connection:
            found = collections.find_collection(connection, collection_id)
        return _reply(stac.collection_of(found, stac.site(request)), request)

    @router.get(
        "/collections/{collection_id}/queryables", responses=openapi.replies(SCHEMA_TYPE), response_class=Response
    )
    def queryables(collection_id: str, request: Request) -> Response:
        """Tell what a filter of a collection's items may name."""
        _given(request)
        with stac.database.read() as connection:
            found = collections.find_collection(connection, collection_id)
        address = f"{stac.site(request).collection(found.id)}/queryables"
        return _reply(landing.queryables(address), request, media_type=SCHEMA_TYPE)

    del list_collections, one_collection, queryables


def _add_items(router: APIRouter, stac: Stac) -> None:
    @router.get(
        "/collections/{collection_id}/items",
        responses=openapi.replies(GEOJSON_TYPE),
        response_class=Response,
        openapi_extra=openapi.ITEMS,
    )
    def list_items(collection_id: str, request: Request) -> Response:
        """List the pictures of a collection."""
        given = _given(request, *asking.PARAMETERS)
        key = collections.parsed_collection(collection_id)
        site, body = stac.site(request), asking.body_of_get(given)
        asked = asking.asked_of(body, stac.cursors, collection=key)
        with stac.database.read(most_s=search.MOST_S) as connection:
            found = collections.find_collection(connection, collection_id)
            results = search.find_pictures(connection, asked.query, limit=asked.limit, after=asked.after)
        here = f"{site.collection(found.id)}/items"
        links = _links(site, _address(here, given), GEOJSON_TYPE)
        parent = site.collection(found.id)
        links += [{"rel": rel, "type": JSON_TYPE, "href": parent} for rel in ("parent", "collection")]
        if results.end is not None:
            cursor = asking.cursor_of(asked, results.end, stac.cursors, collection=key)
            links.append(_next_of_get(here, given, cursor))
        return _reply(_page(results, links, asked, stac, site), request, media_type=GEOJSON_TYPE)

    @router.get(
        "/collections/{collection_id}/items/{item_id}",
        responses={**openapi.replies(GEOJSON_TYPE), 410: {"description": "Erased or hidden"}},
        response_class=Response,
    )
    def one_item(collection_id: str, item_id: str, request: Request) -> Response:
        """Return one picture."""
        _given(request)
        name = asking.parsed_id(item_id)
        if name is None:
            raise NotFound(f"there is no picture {item_id[:80]!r}", code="no-picture")
        with stac.database.read() as connection:
            found = find_one(connection, pictures.find_picture(connection, name).number)
        if found.collection != collection_id:
            raise NotFound(f"the picture {name} is not of the collection {collection_id[:80]!r}", code="no-picture")
        return _reply(stac.item_of(found, stac.site(request)), request, media_type=GEOJSON_TYPE)

    del list_items, one_item


def _add_search(router: APIRouter, stac: Stac) -> None:
    @router.get(
        "/search", responses=openapi.replies(GEOJSON_TYPE), response_class=Response, openapi_extra=openapi.SEARCH
    )
    def search_by_get(request: Request) -> Response:
        """Search pictures."""
        given = _given(request, *asking.PARAMETERS)
        site, here = stac.site(request), f"{stac.site(request).root}/search"
        asked = asking.asked_of(asking.body_of_get(given), stac.cursors)
        results = _found(stac, asked)
        links = _links(site, _address(here, given), GEOJSON_TYPE)
        if results.end is not None:
            links.append(_next_of_get(here, given, asking.cursor_of(asked, results.end, stac.cursors)))
        return _reply(_page(results, links, asked, stac, site), request, media_type=GEOJSON_TYPE)

    @router.post(
        "/search", responses=openapi.replies(GEOJSON_TYPE), response_class=Response, openapi_extra=openapi.SEARCH_BODY
    )
    async def search_by_post(request: Request) -> Response:
        """Search pictures; the parameters are the members of a JSON object."""
        _given(request)
        content = await request.body()
        return await run_in_threadpool(answer, content, request)

    def answer(content: bytes, request: Request) -> Response:
        body = _object(content)
        asking.check_names(body, asking.PARAMETERS)
        site, here = stac.site(request), f"{stac.site(request).root}/search"
        asked = asking.asked_of(body, stac.cursors)
        results = _found(stac, asked)
        links = _links(site, here, GEOJSON_TYPE)
        if results.end is not None:
            following = body | {"cursor": asking.cursor_of(asked, results.end, stac.cursors)}
            links.append(
                {"rel": "next", "type": GEOJSON_TYPE, "href": here, "method": "POST", "body": following, "merge": False}
            )
        return _reply(_page(results, links, asked, stac, site), request, media_type=GEOJSON_TYPE)

    del search_by_get, search_by_post


def _object(content: bytes) -> dict[str, Any]:
    try:
        body = parsed_json(content)
    except orjson.JSONDecodeError as exc:
        raise InputError(f"the body is not JSON: {exc}", code="bad-json") from exc
    if not isinstance(body, dict):
        raise InputError(f"the body is not a JSON object: {body!r:.60}", code="bad-json")
    return {name: value for name, value in body.items() if value is not None}


def _found(stac: Stac, asked: Asked) -> search.Results:
    with stac.database.read(most_s=search.MOST_S) as connection:
        return search.find_pictures(connection, asked.query, limit=asked.limit, after=asked.after)


def _page(results: search.Results, links: list[dict[str, Any]], asked: Asked, stac: Stac, site: Site) -> Any:
    features = [asked.selection.of_item(dict(stac.item_of(found, site))) for found in results.pictures]
    return item_collection(features, links, matched=results.matched)


def _links(site: Site, here: str, media_type: str) -> list[dict[str, Any]]:
    return [
        {"rel": "self", "type": media_type, "href": here},
        {"rel": "root", "type": JSON_TYPE, "href": site.root},
    ]


def _address(path: str, given: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(given)}" if given else path


def _next_of_get(path: str, given: dict[str, str], cursor: str) -> dict[str, Any]:
    href = _address(path, given | {"cursor": cursor})
    return {"rel": "next", "type": GEOJSON_TYPE, "href": href, "method": "GET"}
