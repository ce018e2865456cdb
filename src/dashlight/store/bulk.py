"""Many rows at once, each database in its fastest way: COPY and arrays for PostgreSQL, prepared statements for SQLite.

Beside the two makers of the database, `is_postgresql` alone finds out which of them a connection is to. `samples`,
`joined`, `chart` and `exporting` ask it too, where the two want another statement or driver.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa

if TYPE_CHECKING:
    import psycopg

Row = Mapping[str, Any]
MARK_PARTITION_SHIFT = 36  # Of `qk`: one partition a tile of zoom 6.
PICTURE_PARTITION_SHIFT = 26  # Of `number`.
PERSONAL_PARTITION_SHIFT = 55  # Of a negative `number`: one partition for 512 days of told time (`store.numbers`).
_PERSONAL_PARTS = 1 << 62 - PERSONAL_PARTITION_SHIFT
_LAST_NUMBER = sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'picture'")  # Of erased pictures too.
_ARRAYS = {sa.BigInteger: "bigint[]", sa.LargeBinary: "bytea[]", sa.Text: "text[]"}
_WITHOUT_COUNTER = frozenset({"terms", "sequence"})  # In SQLite: their numbers are told nowhere else.
_NUMBERED = frozenset({"decision", "erasure", "object", "picture", "report", "statement"}) | _WITHOUT_COUNTER
_PARTITIONED = {"mark": "qk", "picture": "number"}


def is_postgresql(connection: sa.Connection) -> bool:
    """Return whether a connection is to PostgreSQL."""
    return connection.dialect.name == "postgresql"


def driver(connection: sa.Connection) -> psycopg.Connection[tuple[Any, ...]]:
    """Return psycopg's connection below a connection to PostgreSQL."""
    return cast("psycopg.Connection[tuple[Any, ...]]", connection.connection.dbapi_connection)


def next_numbers(connection: sa.Connection, count: int) -> list[int]:
    """Return numbers for new `fleet` and `open` pictures, rising; none was given before, not even to an erased one."""
    if is_postgresql(connection):
        drawn = sa.text("SELECT nextval('picture_number') FROM generate_series(1, :count)")
        return [int(number) for number in connection.execute(drawn, {"count": count}).scalars()]
    first = int(connection.execute(_LAST_NUMBER).scalar() or 0) + 1
    return list(range(first, first + count))


def insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert rows that all have the same columns and that are new."""
    if not rows:
        return
    columns = list(rows[0])
    names = ", ".join(f'"{name}"' for name in columns)
    if not is_postgresql(connection):
        _execute_many(connection, f'INSERT INTO "{table.name}" ({names})', columns, rows)
        return
    if table.name in _PARTITIONED:
        _add_partitions(connection, table.name, rows)
    with driver(connection).cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row([row[name] for name in columns])


@dataclass(frozen=True)
class Upsert:
    """Rows that are added, or merged into those that are there.

    Attributes:
        table: Into which.
        key: Columns of its primary key.
        merge: What follows `DO UPDATE SET`, in words that both databases know.
    """

    table: sa.Table
    key: tuple[str, ...]
    merge: str

    @cached_property
    def _all_at_once(self) -> str:
        names = ", ".join(column.name for column in self.table.columns)
        arrays = ", ".join(f"%s::{_ARRAYS[type(column.type)]}" for column in self.table.columns)
        return f"INSERT INTO {self.table.name} ({names}) SELECT * FROM unnest({arrays}) {self._on_conflict}"  # noqa: S608  # likewise

    @property
    def _on_conflict(self) -> str:
        return f"ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {self.merge}"

    def run(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Add or merge rows that have every column of the table, no two of them with the same key."""
        if not rows:
            return
        if not is_postgresql(connection):
            columns = [column.name for column in self.table.columns]
            into = f"INSERT INTO {self.table.name} ({', '.join(columns)})"
            _execute_many(connection, into, columns, rows, self._on_conflict)
            return
        # In the order of the key: what lies together in the index is written together.
        rows = sorted(rows, key=lambda row: [row[name] for name in self.key])
        arrays = [[row[column.name] for row in rows] for column in self.table.columns]
        with driver(connection).cursor() as cursor:
            cursor.execute(self._all_at_once, arrays)


def _execute_many(
    connection: sa.Connection, insert_into: str, columns: Sequence[str], rows: Sequence[Row], on_conflict: str = ""
) -> None:
    """Run a statement for each row straight by SQLite's driver, whose own types the columns have."""
    given = ", ".join("?" for _ in columns)
    values = [tuple([row[name] for name in columns]) for row in rows]
    connection.exec_driver_sql(f"{insert_into} VALUES ({given}) {on_conflict}", values)


def _add_partitions(connection: sa.Connection, table: str, rows: Sequence[Row]) -> None:
    """Make the partitions that rows fall into and that are not there.

    The writer is alone (`Database`), so nobody makes the same one. A table is attached rather than made in its place,
    because that keeps no reader waiting.
    """
    column = _PARTITIONED[table]
    for name, first, end in sorted({partition_of(table, row[column]) for row in rows}):
        if connection.execute(sa.text("SELECT to_regclass(:name)"), {"name": name}).scalar() is not None:
            continue
        connection.exec_driver_sql(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
        connection.exec_driver_sql(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({end})")


def partition_of(table: str, key: int) -> tuple[str, int, int]:
    """Return the name of the partition of `mark` or `picture` that holds a key, its first key and its end."""
    shift = MARK_PARTITION_SHIFT if table == "mark" else PICTURE_PARTITION_SHIFT
    name = table
    if key < 0:
        shift, name = PERSONAL_PARTITION_SHIFT, f"{table}_personal"
    part = key >> shift
    return f"{name}_{part + (_PERSONAL_PARTS if key < 0 else 0)}", part << shift, (part + 1) << shift


def counters(connection: sa.Connection) -> dict[str, int]:
    """Return the last number that each table has given, to rows that were erased too."""
    if not is_postgresql(connection):
        rows = connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence")
        given = {str(name): int(seq) for name, seq in rows}
        for table in _NUMBERED - given.keys():
            last = connection.exec_driver_sql(f"SELECT max(number) FROM {table}").scalar()  # noqa: S608  # A name of ours.
            given[table] = int(last or 0)
        return {table: given[table] for table in _NUMBERED}
    given = {}
    for table in _NUMBERED:
        row = connection.exec_driver_sql(f"SELECT last_value, is_called FROM {_sequence_of(connection, table)}").one()  # noqa: S608
        given[table] = int(row[0]) if row[1] else 0
    return given


def set_counters(connection: sa.Connection, given: Mapping[str, int]) -> None:
    """Let each table go on behind the last number that it has given."""
    for table, number in given.items():
        if is_postgresql(connection):
            call = sa.text("SELECT setval(CAST(:name AS regclass), :number, :is_called)")
            name = _sequence_of(connection, table)
            connection.execute(call, {"name": name, "number": max(1, number), "is_called": number > 0})
        else:
            connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
            if table not in _WITHOUT_COUNTER:
                connection.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, number))


def _sequence_of(connection: sa.Connection, table: str) -> str:
    if table == "picture":
        return "picture_number"
    found = connection.execute(sa.text("SELECT pg_get_serial_sequence(:name, 'number')"), {"name": table}).scalar_one()
    return str(found)
