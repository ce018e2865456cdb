"""CQL2 (OGC 21-065r2) into conditions: its text is read into its JSON, and its JSON is checked against `PROPERTIES`.

Conformance classes: basic-cql2, cql2-text, cql2-json; `between` and `in` beside. A literal on the left of a comparison
is turned round; two properties, arithmetic, functions and spatial operators are refused by name.
"""

from __future__ import annotations

import math
import re
from datetime import date
from typing import Any
from uuid import UUID

from dashlight.catalog.stac.cql2_text import json_of_text
from dashlight.catalog.stac.moments import parsed_moment
from dashlight.errors import InputError
from dashlight.model import DAY_MS
from dashlight.store.collections import parsed_collection
from dashlight.store.conditions import (
    PROPERTIES,
    Combination,
    Comparison,
    Condition,
    IsNull,
    Not,
    Operator,
    Value,
    ValueKind,
)

MOST_NODES = 200
MOST_DEPTH = 20
_TURNED: dict[Operator, Operator] = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_COMPARISONS: dict[str, Operator] = {str(operator): operator for operator in _TURNED}
_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)


def condition_of_text(text: str) -> Condition:
    """Return the condition of a CQL2 text.

    Raises:
        InputError: When it is not one, or asks for what pictures do not have.
    """
    return condition_of_json(json_of_text(text))


def condition_of_json(value: Any) -> Condition:
    """Return the condition of CQL2 JSON.

    Raises:
        InputError: As `condition_of_text`.
    """
    return _Reader().condition(value, 0)


def _wrong(message: str, hint: str = "") -> InputError:
    return InputError(f"filter: {message}", hint=hint, code="bad-filter")


class _Reader:
    """Reads one expression; counts its parts."""

    def __init__(self) -> None:
        self._nodes = 0

    def condition(self, value: Any, depth: int) -> Condition:
        self._nodes += 1
        if depth > MOST_DEPTH or self._nodes > MOST_NODES:
            raise _wrong(f"it is nested deeper than {MOST_DEPTH} or has more than {MOST_NODES} parts")
        if isinstance(value, bool):
            return Combination("and" if value else "or", ())
        if not isinstance(value, dict) or not isinstance(value.get("op"), str) or set(value) != {"op", "args"}:
            raise _wrong(f"{value!r:.80} is not an object of op and args")
        operator, args = value["op"].lower(), value["args"]
        if not isinstance(args, list):
            raise _wrong(f"the args of {operator!r} are not an array")
        if operator in ("and", "or"):
            if len(args) < 2:
                raise _wrong(f"{operator!r} has {len(args)} args, not 2 or more")
            return Combination(operator, tuple(self.condition(part, depth + 1) for part in args))
        if operator == "not":
            return Not(self.condition(_exactly(args, 1, operator)[0], depth + 1))
        return self._predicate(operator, args)

    def _predicate(self, operator: str, args: list[Any]) -> Condition:
        if (compared := _COMPARISONS.get(operator)) is not None:
            return _comparison(compared, *_exactly(args, 2, operator))
        if operator == "isnull":
            return IsNull(_property(_exactly(args, 1, operator)[0]))
        if operator == "between":
            what, least, most = _exactly(args, 3, operator)
            return Combination("and", (_comparison(">=", what, least), _comparison("<=", what, most)))
        if operator == "in":
            return self._one_of(*_exactly(args, 2, operator))
        raise _wrong(
            f"the operator {operator[:40]!r} is not supported",
            hint="and, or, not, =, <>, <, <=, >, >=, isNull, between, in; for places use bbox or intersects",
        )

    def _one_of(self, what: Any, values: Any) -> Condition:
        if not isinstance(values, list) or not values:
            raise _wrong("`in` needs an array of at least one value")
        # A name of a collection is looked up by several columns: it counts twice.
        self._nodes += len(values) * (2 if what == {"property": "collection"} else 1)
        if self._nodes > MOST_NODES:
            raise _wrong(f"it has more than {MOST_NODES} parts")
        return Combination("or", tuple(_comparison("=", what, one) for one in values))


def _exactly(args: list[Any], count: int, operator: str) -> list[Any]:
    if len(args) != count:
        raise _wrong(f"{operator!r} has {len(args)} args, not {count}")
    return args


def _is_property(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"property"}


def _property(value: Any) -> str:
    if not _is_property(value) or not isinstance(value["property"], str):
        raise _wrong(f"{value!r:.80} is not a property")
    name = value["property"].removeprefix("properties.")
    if name not in PROPERTIES:
        raise _wrong(f"there is no property {name[:60]!r}", hint="one of " + ", ".join(PROPERTIES))
    return name


def _comparison(operator: Operator, left: Any, right: Any) -> Condition:
    if _is_property(right):
        if _is_property(left):
            raise _wrong("two properties cannot be compared with each other")
        operator, left, right = _TURNED[operator], right, left
    name = _property(left)
    kind = PROPERTIES[name][0]
    if kind in (ValueKind.ID, ValueKind.COLLECTION) and operator not in ("=", "<>"):
        raise _wrong(f"{name} can be compared by = and <> only, not by {operator}")
    if kind is ValueKind.TIME and isinstance(right, dict) and set(right) == {"date"}:
        return _day_comparison(name, operator, right["date"])
    return Comparison(name, operator, _value(name, kind, right))


def _value(name: str, kind: ValueKind, value: Any) -> Value:
    if kind is ValueKind.NUMBER:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise _wrong(f"{name} is a number, and {value!r:.60} is not")
        return float(value)
    if kind is ValueKind.TIME:
        text = value["timestamp"] if isinstance(value, dict) and set(value) == {"timestamp"} else value
        if not isinstance(text, str):
            raise _wrong(f"{name} is a time, and {value!r:.60} is not", hint="TIMESTAMP('2026-11-23T10:00:00Z')")
        return parsed_moment(text, f"filter: {name}") / 1000
    if not isinstance(value, str):
        raise _wrong(f"{name} is a text, and {value!r:.60} is not")
    if "\0" in value:
        raise _wrong(f"{name} is compared with a text that holds a zero character")
    return value if kind is ValueKind.TEXT else _name(kind, value)


def _name(kind: ValueKind, value: str) -> Value:
    if kind is ValueKind.COLLECTION:
        key = parsed_collection(value)
        return key.bytes if isinstance(key, UUID) else key
    try:
        return UUID(value).bytes
    except ValueError:
        return b""  # No picture's.


def _day_comparison(name: str, operator: Operator, value: Any) -> Condition:
    try:
        day = (date.fromisoformat(value) - date(1970, 1, 1)).days if _DAY.match(value) else None
    except (TypeError, ValueError) as exc:
        raise _wrong(f"{value!r:.60} is not a day such as 2026-11-23") from exc
    if day is None:
        raise _wrong(f"{value!r:.60} is not a day such as 2026-11-23")
    start, end = day * DAY_MS, (day + 1) * DAY_MS
    within = Combination("and", (Comparison(name, ">=", start), Comparison(name, "<", end)))
    match operator:
        case "=":
            return within
        case "<>":
            return Not(within)
        case "<" | ">=":
            return Comparison(name, operator, start)
        case "<=":
            return Comparison(name, "<", end)
        case ">":
            return Comparison(name, ">=", end)
