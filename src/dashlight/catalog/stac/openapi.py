"""What OpenAPI says of the parameters, bodies and replies; the routes read them strictly by themselves."""

from __future__ import annotations

from typing import Any

from dashlight.catalog.stac.asked import CRS84, DEFAULT_ITEMS, DEFAULT_LIMIT, MOST_NAMES, PARAMETERS, SORTABLES
from dashlight.catalog.stac.cql2_text import MOST_CHARACTERS as MOST_FILTER
from dashlight.catalog.stac.cursor import MOST_CHARACTERS

_TEXT: dict[str, Any] = {"type": "string"}
_LIMIT: dict[str, Any] = {"type": "integer", "minimum": 1, "default": DEFAULT_LIMIT}
_CURSOR: dict[str, Any] = {"type": "string", "maxLength": MOST_CHARACTERS}
_LANGUAGES: dict[str, Any] = {"type": "string", "enum": ["cql2-text", "cql2-json"]}
_NAMES: dict[str, Any] = {"type": "array", "items": {"type": "string"}, "maxItems": MOST_NAMES}
_NUMBERS: dict[str, Any] = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6}
_GEOMETRY: dict[str, Any] = {"type": "object", "required": ["type"], "properties": {"type": {"type": "string"}}}
_FIELDS = {"type": "object", "properties": {"include": _NAMES, "exclude": _NAMES}, "additionalProperties": False}
_SORT = {
    "type": "object",
    "required": ["field"],
    "properties": {
        "field": {"type": "string", "enum": [*SORTABLES, *(f"properties.{name}" for name in SORTABLES)]},
        "direction": {"type": "string", "enum": ["asc", "desc"]},
    },
    "additionalProperties": False,
}
_IN_QUERY: dict[str, tuple[str, dict[str, Any]]] = {
    "bbox": ("west,south,east,north, or six numbers with altitudes, which are not looked at", _TEXT),
    "intersects": ("A GeoJSON geometry; not beside bbox", _TEXT),
    "datetime": ("A time (RFC 3339), or an interval whose one end may be open", _TEXT),
    "ids": ("Names of pictures, with commas between", _TEXT),
    "collections": ("Names of collections, with commas between", _TEXT),
    "limit": ("Pictures of one page; more than the server sends at once is taken as that many", _LIMIT),
    "cursor": ("Where the page before ended: from its link `next`", _CURSOR),
    "fields": ("Names to include, or with a minus to exclude, with commas between", _TEXT),
    "sortby": ("datetime, or -datetime", _TEXT),
    "filter": ("CQL2 over the queryables", {"type": "string", "maxLength": MOST_FILTER}),
    "filter-lang": ("How the filter is written", _LANGUAGES),
    "filter-crs": ("Of a filter's geometries", {"type": "string", "enum": [CRS84]}),
}
_IN_BODY: dict[str, dict[str, Any]] = {
    "bbox": _NUMBERS,
    "intersects": _GEOMETRY,
    "datetime": _TEXT,
    "ids": _NAMES,
    "collections": _NAMES,
    "limit": _LIMIT,
    "cursor": _CURSOR,
    "fields": _FIELDS,
    "sortby": {"type": "array", "items": _SORT, "maxItems": 1},
    "filter": {"oneOf": [{"type": "object"}, {"type": "boolean"}, {"type": "string", "maxLength": MOST_FILTER}]},
    "filter-lang": _LANGUAGES,
    "filter-crs": {"type": "string", "enum": [CRS84]},
}


def parameters(*names: str) -> dict[str, Any]:
    """Return the part of an operation that tells of query parameters."""
    return {
        "parameters": [
            {"name": name, "in": "query", "required": False, "description": text, "schema": schema}
            for name, (text, schema) in ((name, _IN_QUERY[name]) for name in names)
        ]
    }


SEARCH = parameters(*PARAMETERS)
ITEMS: dict[str, Any] = {
    "parameters": [
        {**each, "schema": {**_LIMIT, "default": DEFAULT_ITEMS}} if each["name"] == "limit" else each
        for each in SEARCH["parameters"]
    ]
}
PAGES = parameters("limit", "cursor")
SEARCH_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "properties": _IN_BODY, "additionalProperties": False},
            }
        },
    }
}


def replies(media_type: str) -> dict[int | str, dict[str, Any]]:
    """Return the part of an operation that tells of its replies."""
    problem = {"content": {"application/problem+json": {"schema": {"type": "object"}}}}
    return {
        200: {"content": {media_type: {"schema": {"type": "object"}}}},
        304: {"description": "As the given ETag has it"},
        400: {"description": "A parameter is wrong; the problem says which and why", **problem},
        404: {"description": "There is no such thing", **problem},
    }
