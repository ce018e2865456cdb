"""Every so many pictures of each sequence in a part of the world: what its line is drawn from, far away.

Indexes of their own hold them (migration 0008), so that the cost follows what is drawn and not the number of pictures.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from dashlight.store import bulk
from dashlight.store.joined import joined_numbers

Step = Literal[16, 128]
_PARTS = 64  # Into which a range is cut when it holds too many: some of each part are better than all of one corner.
_FEWEST_PARTS, _PART = 8, 16  # Each part is a question of its own.
_IDS = sa.text("SELECT number, id FROM sequence WHERE number IN (SELECT value FROM json_each(:numbers))")
_IDS_PG = sa.text("SELECT number, id FROM sequence WHERE number = ANY(CAST(:numbers AS BIGINT[]))")
_COLUMNS = ("sequence", "rank", "lon_e6", "lat_e6", "captured_ms", "heading_ddeg")
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Samples:
    """Pictures by sequence, and of one sequence by rank.

    Attributes:
        sequence: `(N,) int64`, index into `ids`.
        rank: `(N,) int64`.
        lon_e6: `(N,) int64`.
        lat_e6: `(N,) int64`.
        captured_ms: `(N,) int64`.
        heading_ddeg: `(N,) int64`.
        ids: `(M, 16) uint8`, of the sequences.
    """

    sequence: Ints
    rank: Ints
    lon_e6: Ints
    lat_e6: Ints
    captured_ms: Ints
    heading_ddeg: Ints
    ids: npt.NDArray[np.uint8]


def samples_in(connection: sa.Connection, ranges: Iterable[tuple[int, int]], *, step: Step, most: int) -> Samples:
    """Return the published pictures of ranges of keys whose rank is a multiple of `step`.

    Args:
        connection: To read with.
        ranges: Half-open ranges of keys.
        step: Which indexes there are.
        most: About how many together; where there are more, some from everywhere.
    """
    wanted = list(ranges)
    whole = sum(end - first for first, end in wanted)
    table = np.concatenate(
        [
            found
            for first, end in wanted
            for found in _spread(connection, first, end, step=step, most=max(1, most * (end - first) // whole))
        ],
        axis=1,
    )
    table = table[:, np.lexsort((table[1], table[0]))]
    numbers, sequence = np.unique(table[0], return_inverse=True)
    _, rank, lon_e6, lat_e6, captured_ms, heading_ddeg = table
    ids = _ids(connection, numbers)
    return Samples(sequence.astype(np.int64), rank, lon_e6, lat_e6, captured_ms, heading_ddeg, ids)


def _spread(connection: sa.Connection, first: int, end: int, *, step: Step, most: int) -> list[Ints]:
    """Return all samples of a range, or some of each part of it when they are more than `most`: `(6, N)` each."""
    rows, further = _rows_sql(step), _further_sql(step)
    if not joined_numbers(connection, ("qk",), further, (first, end, most)).size:
        return [joined_numbers(connection, _COLUMNS, rows, (first, end, most))]
    parts = min(most, max(_FEWEST_PARTS, min(_PARTS, most // _PART)))
    width = -(-(end - first) // parts)
    return [
        joined_numbers(connection, _COLUMNS, rows, (start, min(end, start + width), most // parts))
        for start in range(first, end, width)
    ]


@cache
def _rows_sql(step: Step) -> str:
    return f"SELECT {', '.join(_COLUMNS)} {_from(step)} LIMIT ?"


@cache
def _further_sql(step: Step) -> str:
    """Return the query for the sample behind the first `?` of a range."""
    return f"SELECT qk {_from(step)} LIMIT 1 OFFSET ?"


def _from(step: Step) -> str:
    return f"FROM picture WHERE qk >= ? AND qk < ? AND (rank & {step - 1}) = 0 AND state = 0"


def _ids(connection: sa.Connection, numbers: Ints) -> npt.NDArray[np.uint8]:
    wanted = numbers.tolist()
    is_postgresql = bulk.is_postgresql(connection)
    given = wanted if is_postgresql else json.dumps(wanted)
    found = connection.execute(_IDS_PG if is_postgresql else _IDS, {"numbers": given})
    ids: dict[int, bytes] = {row.number: row.id for row in found}
    return np.frombuffer(b"".join([ids[number] for number in wanted]), np.uint8).reshape(-1, 16)
