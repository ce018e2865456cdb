"""Every so many pictures of each sequence in a part of the world: what its line is drawn from, far away.

Indexes of their own hold them (migration 0008), so that the cost follows what is drawn and not the number of pictures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from dashlight.store import schema

Step = Literal[16, 128]
_PARTS = 64  # Into which a range is cut when it holds too many: some of each part are better than all of one corner.
_CHUNK = 500
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
    rows: list[tuple[int, ...]] = []
    for first, end in wanted:
        rows += _spread(connection, first, end, step=step, most=max(1, most * (end - first) // whole))
    table = np.array(rows, np.int64).reshape(-1, 6)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    numbers, sequence = np.unique(table[:, 0], return_inverse=True)
    _, rank, lon_e6, lat_e6, captured_ms, heading_ddeg = table.T
    ids = _ids(connection, numbers)
    return Samples(sequence.astype(np.int64), rank, lon_e6, lat_e6, captured_ms, heading_ddeg, ids)


def _spread(connection: sa.Connection, first: int, end: int, *, step: Step, most: int) -> list[tuple[int, ...]]:
    """Return all samples of a range, or some of each part of it when they are more than `most`."""
    found = _rows(connection, first, end, step=step, most=most + 1)
    if len(found) <= most:
        return found
    parts = min(_PARTS, most)
    width = -(-(end - first) // parts)
    return [
        row
        for start in range(first, end, width)
        for row in _rows(connection, start, min(end, start + width), step=step, most=most // parts)
    ]


@cache
def _sql(step: Step) -> sa.TextClause:
    mask = step - 1
    return sa.text(
        "SELECT sequence, rank, lon_e6, lat_e6, captured_ms, heading_ddeg FROM picture "  # noqa: S608  # A number of ours.
        f"WHERE qk >= :first AND qk < :end AND (rank & {mask}) = 0 AND state = 0 LIMIT :most"
    )


def _rows(connection: sa.Connection, first: int, end: int, *, step: Step, most: int) -> list[tuple[int, ...]]:
    found = connection.execute(_sql(step), {"first": first, "end": end, "most": most})
    return [tuple(row) for row in found]


def _ids(connection: sa.Connection, numbers: Ints) -> npt.NDArray[np.uint8]:
    table = schema.sequence.c
    found: dict[int, bytes] = {}
    wanted = numbers.tolist()
    for first in range(0, len(wanted), _CHUNK):
        statement = sa.select(table.number, table.id).where(table.number.in_(wanted[first : first + _CHUNK]))
        found |= {row.number: row.id for row in connection.execute(statement)}
    return np.frombuffer(b"".join(found[number] for number in wanted), np.uint8).reshape(-1, 16)
