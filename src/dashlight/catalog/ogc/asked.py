"""What is asked of `/ogc/collections/{id}/items`: every parameter is read strictly, by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dashlight.catalog.stac.asked import body_of_get, check_names, limit_of
from dashlight.catalog.stac.cursor import Cursors
from dashlight.catalog.stac.moments import parsed_interval, parsed_moment
from dashlight.catalog.stac.shapes import box_area
from dashlight.errors import InputError
from dashlight.store.feature_tables import key_of
from dashlight.store.tables import FeatureQuery, FeatureTable, Kind

DEFAULT_LIMIT = 100
PARAMETERS = ("bbox", "bbox-crs", "datetime", "limit", "cursor")
_CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_NUMBER = re.compile(r"[+-]?(?:\d{1,12}(?:\.\d{0,12})?|\.\d{1,12})(?:[eE][+-]?\d{1,2})?\Z", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,15}\Z", re.ASCII)
_MOST_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that is understood.

    Attributes:
        query: Which features.
        limit: At most so many.
        after: The last key of the page before, or None.
    """

    query: FeatureQuery
    limit: int
    after: str | bytes | None


def asked_of(given: Mapping[str, str], table: FeatureTable, cursors: Cursors) -> Asked:
    """Return the question of a request's parameters.

    Raises:
        InputError: When one is wrong, saying which and why.
    """
    properties = {each.name: each.kind for each in table.properties}
    check_names(given, [*PARAMETERS, *properties])
    if given.get("bbox-crs", _CRS84) != _CRS84:
        raise InputError(f"bbox-crs: {given['bbox-crs'][:80]!r} is not {_CRS84}", code="bad-bbox")
    bbox = body_of_get({"bbox": given["bbox"]})["bbox"] if "bbox" in given else None
    query = FeatureQuery(
        bbox=None if bbox is None else box_area(bbox).bbox,
        within_ms=parsed_interval(given["datetime"]) if "datetime" in given else None,
        equal={name: _value(name, given[name], kind) for name, kind in properties.items() if name in given},
    )
    limit = limit_of(given.get("limit"), min(DEFAULT_LIMIT, table.most_at_once), table.most_at_once)
    after = None
    if "cursor" in given:
        after = key_of(table, cursors.open(given["cursor"], query=_bound_to(given, table)))
    return Asked(query, limit, after)


def cursor_of(given: Mapping[str, str], table: FeatureTable, end: str, cursors: Cursors) -> str:
    """Return the cursor of the page after the feature `end`."""
    return cursors.seal(end, query=_bound_to(given, table))


def _bound_to(given: Mapping[str, str], table: FeatureTable) -> dict[str, Any]:
    asked = {name: text for name, text in given.items() if name not in ("limit", "cursor")}
    return {"of": "ogc", "table": table.name, "asked": asked}


def _value(name: str, text: str, kind: Kind) -> Any:
    if len(text) > _MOST_CHARACTERS:
        raise InputError(f"{name}: {len(text)} characters are over {_MOST_CHARACTERS}", code="bad-property")
    if "\0" in text:
        raise InputError(f"{name}: {text[:60]!r} holds a zero character", code="bad-property")
    match kind:
        case Kind.TEXT:
            return text
        case Kind.NUMBER if _NUMBER.match(text):
            return float(text)
        case Kind.WHOLE if _WHOLE.match(text):
            return int(text)
        case Kind.MOMENT:
            return parsed_moment(text, name) // 1000
        case Kind.UUID:
            return _uuid(name, text)
        case Kind.NUMBER | Kind.WHOLE:
            raise InputError(f"{name}: {text[:60]!r} is not a {kind} number", code="bad-property")


def _uuid(name: str, text: str) -> bytes:
    try:
        return UUID(text).bytes
    except ValueError as exc:
        raise InputError(f"{name}: {text[:60]!r} is not a UUID", code="bad-property") from exc
