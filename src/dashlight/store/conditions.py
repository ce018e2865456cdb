"""Conditions on pictures as values, and the SQL that they become; what they may name is `PROPERTIES`.

The subset of CQL2 (OGC 21-065r2) that `basic-cql2` asks for, over the properties that pictures have. An unknown value
is neither equal nor unequal to anything, as in SQL and in CQL2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from dashlight.store import schema
from dashlight.store.collections import CellMonth
from dashlight.store.places import h3_range
from dashlight.store.schema import Precision

_p, _t = schema.picture.c, schema.terms.c


class ValueKind(StrEnum):
    """What values a property has."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"  # Milliseconds since 1970.
    ID = "id"  # 16 bytes.
    COLLECTION = "collection"  # A sequence's 16 bytes, a `CellMonth`, or None for a name that no collection has.


PROPERTIES: dict[str, tuple[ValueKind, sa.ColumnElement[Any] | None]] = {
    "id": (ValueKind.ID, _p.id),
    "collection": (ValueKind.COLLECTION, None),
    "datetime": (ValueKind.TIME, _p.captured_ms),
    "view:azimuth": (ValueKind.NUMBER, _p.heading_ddeg / sa.literal(10.0)),
    "license": (ValueKind.TEXT, _t.license),
    "dashlight:policy": (ValueKind.TEXT, _t.policy),
    "dashlight:attribution": (ValueKind.TEXT, sa.func.nullif(_t.attribution, "")),
    "dashlight:accuracy_m": (ValueKind.NUMBER, _p.accuracy_dm / sa.literal(10.0)),
    "dashlight:rank": (ValueKind.NUMBER, _p.rank),
    "dashlight:width": (ValueKind.NUMBER, _p.width),
    "dashlight:height": (ValueKind.NUMBER, _p.height),
    "dashlight:captured_precision": (
        ValueKind.TEXT,
        sa.case({int(precision): precision.name.lower() for precision in Precision}, value=_p.captured_precision),
    ),
}
Operator = Literal["=", "<>", "<", "<=", ">", ">="]
Value = str | float | int | bytes | CellMonth | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A property compared with a value; the value is of the property's kind already."""

    name: str
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class IsNull:
    """Whether a property is not known."""

    name: str


@dataclass(frozen=True, slots=True)
class Combination:
    """All or any of some conditions."""

    operator: Literal["and", "or"]
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    part: Condition


Condition = Comparison | IsNull | Combination | Not


def sql_of(condition: Condition) -> sa.ColumnElement[bool]:
    """Return the condition for a SELECT that joins picture and terms."""
    match condition:
        case Combination(operator, parts):
            all_of = [sql_of(part) for part in parts]
            return sa.and_(sa.true(), *all_of) if operator == "and" else sa.or_(sa.false(), *all_of)
        case Not(part):
            return ~sql_of(part)
        case Comparison("collection", operator, value):
            inside = collection_sql(value)
            return inside if operator == "=" else ~inside
        case _:
            return _leaf_sql(condition)


def _leaf_sql(condition: Comparison | IsNull) -> sa.ColumnElement[bool]:
    match condition:
        case Comparison(name, operator, value):
            return _compared(name, operator, value)
        case IsNull(name):
            return sa.false() if name == "collection" else _column(name).is_(None)


_COMPARED: dict[Operator, Callable[[Any, Any], sa.ColumnElement[bool]]] = {
    "=": eq,
    "<>": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


def _column(name: str) -> sa.ColumnElement[Any]:
    column = PROPERTIES[name][1]
    if column is None:
        raise ValueError(name)
    return column


class _ByCharacter(FunctionElement[str]):
    """A text that is compared character by character, as SQLite does; PostgreSQL has its database's own order."""

    inherit_cache = True
    type = sa.Text()


@compiles(_ByCharacter)
def _as_it_is(element: _ByCharacter, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(_ByCharacter, "postgresql")
def _collated(element: _ByCharacter, compiler: SQLCompiler, **options: Any) -> str:
    return f'({compiler.process(element.clauses, **options)}) COLLATE "C"'


def _compared(name: str, operator: Operator, value: Value) -> sa.ColumnElement[bool]:
    column = _column(name)
    if PROPERTIES[name][0] is ValueKind.TEXT and operator not in ("=", "<>"):
        column = _ByCharacter(column)
    return _COMPARED[operator](column, value)


def collection_sql(key: Value) -> sa.ColumnElement[bool]:
    """Return whether a picture is of a collection: of a sequence's id, of a cell and month, or of none for None."""
    match key:
        case bytes():
            sequence = schema.sequence
            number = sa.select(sequence.c.number).where(sequence.c.id == key).scalar_subquery()
            return sa.and_(_p.sequence.is_not(None), sa.func.coalesce(_p.sequence == number, sa.false()))
        case CellMonth():
            return cell_month_sql(*cell_month_bounds(key).values())
        case _:
            return sa.false()


CELL_MONTH_BOUNDS = ("first_cell", "last_cell", "start_ms", "end_ms", "policy")  # In the order of `cell_month_sql`.


def cell_month_bounds(key: CellMonth) -> dict[str, int | str]:
    """Return what `cell_month_sql` compares with, by `CELL_MONTH_BOUNDS`."""
    values = (*h3_range(key.cell), *key.span_ms, str(key.policy))
    return dict(zip(CELL_MONTH_BOUNDS, values, strict=True))


def cell_month_sql(first: Any, last: Any, start_ms: Any, end_ms: Any, policy: Any) -> sa.ColumnElement[bool]:
    """Return whether a picture is of a cell and month: of values, or of parameters that are bound later."""
    # Not by the index of times, in which a month is most of the table; the cell is the small part.
    captured = _p.captured_ms + 0
    return sa.and_(
        _p.sequence.is_(None),
        _p.h3_r15.between(first, last),
        captured >= start_ms,
        captured < end_ms,
        _t.policy == policy,
    )


def parts_of(condition: Condition) -> int:
    """Return how many parts a condition has."""
    match condition:
        case Combination(_, parts):
            return 1 + sum(map(parts_of, parts))
        case Not(part):
            return 1 + parts_of(part)
        case _:
            return 1
