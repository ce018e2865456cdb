"""Thousands of rows as one value of the database: a row costs Python more than it costs SQLite or PostgreSQL.

In SQLite `group_concat` joins numbers as text and bytes as they are; in PostgreSQL `string_agg` joins bytes, and
numbers as theirs. The order of rows is not promised, the columns are of the same rows in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from dashlight.store import bulk

Ints = npt.NDArray[np.int64]


def joined_bytes(connection: sa.Connection, column: str, rows: str, parameters: Sequence[int]) -> bytes:
    """Return the bytes of one column of all rows, one after the other.

    Args:
        connection: To read with.
        column: Whose type is BLOB or BYTEA.
        rows: A query that has the column, with `?` for parameters.
        parameters: Of the query.
    """
    (found,) = _one_row(connection, _bytes_sql(column, rows, is_postgresql=bulk.is_postgresql(connection)), parameters)
    return found or b""


def joined_numbers(connection: sa.Connection, columns: tuple[str, ...], rows: str, parameters: Sequence[int]) -> Ints:
    """Return whole numbers, none of them NULL, as `(K, N) int64` for K columns and N rows.

    Args:
        connection: To read with.
        columns: Which.
        rows: A query that has them, with `?` for parameters.
        parameters: Of the query.
    """
    is_postgresql = bulk.is_postgresql(connection)
    found = _one_row(connection, _numbers_sql(columns, rows, is_postgresql=is_postgresql), parameters)
    if found[0] is None:
        return np.empty((len(columns), 0), np.int64)
    if is_postgresql:
        return np.frombuffer(found[0], ">i8").reshape(-1, len(columns)).T.astype(np.int64)
    return np.stack([np.fromstring(text, np.int64, sep=",") for text in found])


def _one_row(connection: sa.Connection, sql: str, parameters: Sequence[int]) -> tuple[Any, ...]:
    """Return the row of an aggregate; `Database.read` has begun the transaction, so that all are of one moment."""
    if bulk.is_postgresql(connection):
        with bulk.driver(connection).cursor(binary=True) as pg_cursor:
            row = pg_cursor.execute(sql.encode(), parameters).fetchone()
        return row or ()
    cursor = connection.connection.cursor()
    cursor.execute(sql, parameters)
    (row,) = cursor.fetchall()
    cursor.close()
    return tuple(row)


@cache
def _bytes_sql(column: str, rows: str, *, is_postgresql: bool) -> str:
    if is_postgresql:
        return f"SELECT string_agg({column}, ''::bytea) FROM ({rows}) found".replace("?", "%s")  # noqa: S608  # Words of ours, here and below.
    return f"SELECT CAST(group_concat({column}, '') AS BLOB) FROM ({rows})"  # noqa: S608


@cache
def _numbers_sql(columns: tuple[str, ...], rows: str, *, is_postgresql: bool) -> str:
    if is_postgresql:
        row = " || ".join(f"int8send({column}::bigint)" for column in columns)
        return f"SELECT string_agg({row}, ''::bytea) FROM ({rows}) found".replace("?", "%s")  # noqa: S608
    return f"SELECT {', '.join(f'group_concat({column})' for column in columns)} FROM ({rows})"  # noqa: S608
