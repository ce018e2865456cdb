"""OpenAPI 3.0 of `/ogc`, as the conformance class `oas30` asks for it; made from the descriptions of the tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dashlight.catalog.ogc.asked import DEFAULT_LIMIT
from dashlight.catalog.ogc.documents import CRS84, GEOJSON_TYPE, JSON_TYPE, KINDS, SCHEMA_TYPE
from dashlight.catalog.stac.cursor import MOST_CHARACTERS
from dashlight.store.tables import FeatureTable, Kind

_TIMES = "A time (RFC 3339), or an interval whose one end may be open"


def description(tables: Iterable[FeatureTable], root: str, *, name: str, version: str) -> dict[str, Any]:
    """Return the document; `root` is the address of the landing page."""
    paths: dict[str, Any] = {
        "/": _get("getLandingPage", "Landing page"),
        "/conformance": _get("getConformance", "What the API conforms to"),
        "/collections": _get("getCollections", "The collections"),
    }
    for table in tables:
        here, title = f"/collections/{table.name}", table.name.capitalize()
        paths[here] = _get(f"describe{title}", f"The collection {table.name}")
        paths[f"{here}/queryables"] = _get(
            f"query{title}", f"What {table.name} can be chosen by", media_type=SCHEMA_TYPE
        )
        paths[f"{here}/items"] = _get(
            f"get{title}", table.description, media_type=GEOJSON_TYPE, parameters=parameters(table)
        )
        paths[f"{here}/items/{{featureId}}"] = _get(
            f"getOneOf{title}", f"One of {table.name}", media_type=GEOJSON_TYPE, parameters=[_feature_id()]
        )
    return {
        "openapi": "3.0.3",
        "info": {"title": name, "version": version, "description": "OGC API - Features"},
        "servers": [{"url": root}],
        "paths": paths,
    }


def parameters(table: FeatureTable) -> list[dict[str, Any]]:
    """Return the parameters of a collection's items."""
    own = []
    for each in table.properties:
        schema = {**KINDS[each.kind], **({"maxLength": 1_000} if each.kind is Kind.TEXT else {})}
        own.append(_in_query(each.name, each.title, schema))
    return [*of_every_collection(table.most_at_once), *own]


def of_every_collection(most: int | None = None) -> list[dict[str, Any]]:
    """Return the parameters that the items of every collection have.

    Args:
        most: Features of one page, or None when that depends on the collection.
    """
    limit: dict[str, Any] = {"type": "integer", "minimum": 1}
    if most is not None:
        limit |= {"maximum": most, "default": min(DEFAULT_LIMIT, most)}
    numbers = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6}
    box = _in_query("bbox", "west,south,east,north; six numbers with altitudes, which are not looked at", numbers)
    return [
        box | {"style": "form", "explode": False},
        _in_query("bbox-crs", "Of the box", {"type": "string", "enum": [CRS84]}),
        _in_query("datetime", _TIMES, {"type": "string"}),
        _in_query("limit", "Features of one page; more is taken as the most", limit),
        _in_query("cursor", "From the link `next`", {"type": "string", "maxLength": MOST_CHARACTERS}),
    ]


def _in_query(name: str, words: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": words, "schema": schema}


def _feature_id() -> dict[str, Any]:
    return {"name": "featureId", "in": "path", "required": True, "schema": {"type": "string"}}


def _get(
    operation: str, words: str, *, media_type: str = JSON_TYPE, parameters: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    problem = {"content": {"application/problem+json": {"schema": {"type": "object"}}}}
    return {
        "get": {
            "operationId": operation,
            "summary": words,
            "parameters": parameters or [],
            "responses": {
                "200": {"description": words, "content": {media_type: {"schema": {"type": "object"}}}},
                "400": {"description": "A parameter is wrong; the problem says which and why", **problem},
                "404": {"description": "There is no such thing", **problem},
            },
        }
    }
