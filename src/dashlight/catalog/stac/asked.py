"""What is asked of `/search` and of `/collections/{id}/items`.

The parameters of a GET become those of a POST, and these are checked, each by name. Nothing is corrected silently but a
`limit` over the bound, which the specification asks for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from dashlight.catalog.boxes import numbers_of_box
from dashlight.catalog.stac.bounded_json import parsed_json
from dashlight.catalog.stac.cql2 import condition_of_json, condition_of_text
from dashlight.catalog.stac.cursor import MOST_CHARACTERS, Cursors
from dashlight.catalog.stac.moments import parsed_interval
from dashlight.catalog.stac.selection import Selection
from dashlight.catalog.stac.shapes import box_area, shape_area
from dashlight.errors import InputError
from dashlight.store.areas import Area
from dashlight.store.collections import CellMonth, parsed_collection
from dashlight.store.conditions import Condition, parts_of
from dashlight.store.pictures import PageEnd
from dashlight.store.search import Query

DEFAULT_LIMIT, DEFAULT_ITEMS, MOST_AT_ONCE = 10, 100, 1_000
MOST_NAMES = 1_000
MOST_COLLECTIONS = 100
MOST_COST = 2_000  # Collections times parts of the filter: each collection is looked up under all of the filter.
MOST_PARAMETERS = 50
SORTABLES = ("datetime",)
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
PARAMETERS = (
    *("bbox", "intersects", "datetime", "ids", "collections", "limit", "cursor", "fields", "sortby"),
    *("filter", "filter-lang", "filter-crs"),
)
_WHOLE = re.compile(r"[+-]?\d{1,12}\Z", re.ASCII)
_CURSOR = re.compile(r"(-?\d{1,15})\.(-?\d{1,19})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that is understood.

    Attributes:
        body: As the body of a POST has it.
        query: Which pictures.
        limit: At most so many.
        after: Where the page before ended.
        selection: Which fields of each.
    """

    body: dict[str, Any]
    query: Query
    limit: int
    after: PageEnd | None
    selection: Selection

    @property
    def identity(self) -> dict[str, Any]:
        """What a cursor is bound to: all but the size and looks of a page."""
        return {name: value for name, value in self.body.items() if name not in ("limit", "cursor", "fields")}


def check_names(given: Iterable[str], known: Collection[str]) -> None:
    """Refuse parameters that are not known, those given twice, and more than `MOST_PARAMETERS`.

    Raises:
        InputError: Naming the first.
    """
    counts, allowed = Counter(iter(given)), set(known)  # Of a mapping, its names.
    if counts.total() > MOST_PARAMETERS:
        raise InputError(f"{counts.total()} parameters are over {MOST_PARAMETERS}", code="bad-parameter")
    for name, count in counts.items():
        if name not in allowed:
            raise InputError(
                f"there is no parameter {name[:60]!r}", hint="one of " + ", ".join(known), code="bad-parameter"
            )
        if count > 1:
            raise InputError(f"{name} is given {count} times", code="bad-parameter")


def body_of_get(given: dict[str, str]) -> dict[str, Any]:
    """Return the parameters of a GET as the body of the POST that asks the same.

    Raises:
        InputError: When one cannot be read.
    """
    readers = {
        "bbox": numbers_of_box,
        "intersects": lambda text: _json("intersects", text),
        "ids": lambda text: _names("ids", text),
        "collections": lambda text: _names("collections", text),
        "limit": _whole,
        "sortby": _sortby,
        "fields": _fields,
    }
    body = {name: readers[name](text) if name in readers else text for name, text in given.items()}
    if "filter" in body:
        body.setdefault("filter-lang", "cql2-text")
        if body["filter-lang"] == "cql2-json":
            body["filter"] = _json("filter", body["filter"])
    return body


def _json(name: str, text: str) -> Any:
    try:
        return parsed_json(text)
    except orjson.JSONDecodeError as exc:
        raise InputError(f"{name}: not JSON: {exc}", code="bad-json") from exc


def _names(name: str, text: str) -> list[str]:
    names = text.split(",")
    if not all(names):
        raise InputError(f"{name}: {text[:60]!r} has an empty name", code=f"bad-{name}")
    return names


def _whole(text: str) -> int:
    if not _WHOLE.match(text):
        raise InputError(f"limit: {text[:40]!r} is not a whole number", code="bad-limit")
    return int(text)


def _sortby(text: str) -> list[dict[str, str]]:
    rules = []
    for part in text.split(","):
        # A plus that was not escaped arrives as a space.
        direction = "desc" if part.startswith("-") else "asc"
        rules.append({"field": part[1:] if part[:1] in ("+", "-", " ") else part, "direction": direction})
    return rules


def _fields(text: str) -> dict[str, list[str]]:
    parts = [part for part in text.split(",") if part]
    return {
        "include": [part.lstrip("+ ") for part in parts if not part.startswith("-")],
        "exclude": [part[1:] for part in parts if part.startswith("-")],
    }


def asked_of(body: dict[str, Any], cursors: Cursors, *, collection: UUID | CellMonth | None = None) -> Asked:
    """Return the question of a POST's body.

    Args:
        body: Of a POST, or what `body_of_get` made of a GET.
        cursors: Opens the cursor.
        collection: Of which alone the pictures are; part of what a cursor is bound to.

    Raises:
        InputError: When a member is wrong, saying which and why.
    """
    query = Query(
        area=_area(body),
        captured_ms=_captured(body.get("datetime")),
        ids=_ids(body.get("ids")),
        collections=_collections(body.get("collections"), only=collection),
        condition=_condition(body),
        # A sequence is read as it was driven; everything else, the newest first.
        is_oldest_first=_is_oldest_first(body.get("sortby"), default=isinstance(collection, UUID)),
    )
    _check_cost(query)
    default = DEFAULT_LIMIT if collection is None else DEFAULT_ITEMS  # Whoever reads a sequence reads all of it.
    asked = Asked(body, query, _limit(body.get("limit"), default), None, Selection.of(body.get("fields")))
    cursor = body.get("cursor")
    if cursor is None:
        return asked
    if not isinstance(cursor, str) or len(cursor) > MOST_CHARACTERS:
        raise InputError("cursor is not one of this server's", code="bad-cursor")
    match = _CURSOR.match(cursors.open(cursor, query=bound_to(asked, collection)))
    if match is None:
        raise InputError(f"cursor {cursor[:40]!r} is not one of this server's", code="bad-cursor")
    after = PageEnd(int(match[1]), int(match[2]))
    return Asked(body, query, asked.limit, after, asked.selection)


def _check_cost(query: Query) -> None:
    cost = len(query.collections or ()) * (0 if query.condition is None else parts_of(query.condition))
    if cost > MOST_COST:
        raise InputError(
            f"the collections times the parts of the filter are {cost}, over {MOST_COST}",
            hint="ask for fewer collections at once, or with a shorter filter",
            code="bad-filter",
        )


def bound_to(asked: Asked, collection: UUID | CellMonth | None) -> dict[str, Any]:
    """Return what a cursor of this question can be used with."""
    return {"query": asked.identity, "collection": _key_text(collection)}


def _key_text(key: UUID | CellMonth | None) -> str | None:
    return key.name if isinstance(key, CellMonth) else None if key is None else str(key)


def cursor_of(asked: Asked, end: PageEnd, cursors: Cursors, *, collection: UUID | CellMonth | None = None) -> str:
    """Return the cursor of the page that begins at `end`."""
    return cursors.seal(f"{end.captured_ms}.{end.number}", query=bound_to(asked, collection))


def _area(body: dict[str, Any]) -> Area | None:
    bbox, geometry = body.get("bbox"), body.get("intersects")
    if bbox is not None and geometry is not None:
        raise InputError("bbox and intersects exclude each other", hint="give one of them", code="bad-bbox")
    if geometry is not None:
        return shape_area(geometry)
    return None if bbox is None else box_area(bbox)


def _captured(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InputError(f"datetime: {value!r:.60} is not a text", code="bad-datetime")
    return parsed_interval(value)


def _texts(name: str, value: Any, most: int = MOST_NAMES) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InputError(f"{name}: {value!r:.60} is not an array of texts", code=f"bad-{name}")
    if len(value) > most:
        raise InputError(f"{name}: {len(value)} names are over {most}", code=f"bad-{name}")
    return value or None


def _ids(value: Any) -> tuple[UUID, ...] | None:
    texts = _texts("ids", value)
    return None if texts is None else tuple(name for name in map(parsed_id, texts) if name is not None)


def parsed_id(text: str) -> UUID | None:
    """Return the id that a text spells as the items do, or None: no picture has another."""
    try:
        name = UUID(text)
    except ValueError:
        return None
    return name if str(name) == text else None


def _collections(value: Any, *, only: UUID | CellMonth | None) -> tuple[UUID | CellMonth, ...] | None:
    texts = _texts("collections", value, MOST_COLLECTIONS)
    if texts is None:
        return None if only is None else (only,)
    keys = tuple(key for key in map(parsed_collection, texts) if key is not None)
    return keys if only is None else tuple(key for key in keys if key == only)


def _condition(body: dict[str, Any]) -> Condition | None:
    language, crs = body.get("filter-lang", "cql2-json"), body.get("filter-crs", CRS84)
    if language not in ("cql2-json", "cql2-text"):
        raise InputError(f"filter-lang: {language!r:.40} is neither cql2-text nor cql2-json", code="bad-filter")
    if crs != CRS84:
        raise InputError(f"filter-crs: {crs!r:.80} is not {CRS84}", code="bad-filter")
    value = body.get("filter")
    if value is None:
        return None
    if language == "cql2-json":
        return condition_of_json(value)
    if not isinstance(value, str):
        raise InputError(f"filter: {value!r:.60} is not a text, as cql2-text is", code="bad-filter")
    return condition_of_text(value)


def limit_of(text: str | None, default: int, most: int) -> int:
    """Return the bounded size of a page of a GET.

    Raises:
        InputError: When it is not a whole number of 1 or more.
    """
    return default if text is None else min(_limit(_whole(text)), most)


def _limit(value: Any, default: int = DEFAULT_LIMIT) -> int:
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"limit: {value!r:.40} is not a whole number of 1 or more", code="bad-limit")
    return min(value, MOST_AT_ONCE)


def _is_oldest_first(value: Any, *, default: bool) -> bool:
    if value is None or value == []:
        return default
    if not isinstance(value, list) or not all(isinstance(rule, dict) for rule in value):
        raise InputError(f"sortby: {value!r:.60} is not an array of field and direction", code="bad-sortby")
    for rule in value:
        field, direction = rule.get("field"), rule.get("direction", "asc")
        if not isinstance(field, str) or field.removeprefix("properties.") not in SORTABLES:
            raise InputError(
                f"sortby: items cannot be sorted by {field!r:.60}",
                hint="by " + ", ".join(SORTABLES) + "; /api/sortables lists them",
                code="bad-sortby",
            )
        if direction not in ("asc", "desc") or set(rule) - {"field", "direction"}:
            raise InputError(f"sortby: {direction!r:.40} is neither asc nor desc", code="bad-sortby")
    if len(value) > 1:
        raise InputError(f"sortby: {len(value)} fields, where one is sorted by", code="bad-sortby")
    return bool(value[0].get("direction", "asc") == "asc")
