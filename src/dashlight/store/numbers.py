"""Row numbers of `personal` pictures, which tell nothing of the batch in which a picture came.

Those of `fleet` and `open` pictures rise with their coming. Lists put equal times in the order of row numbers, and the
times of `personal` pictures are weeks and months, so that rising numbers would line them up by the day of their batch.
Theirs are therefore drawn: negative, so that the two never meet, and of 64 days of told time near each other, so that
a batch changes few pages of a table. What a number says is in the picture's own time already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from secrets import randbits

import sqlalchemy as sa

from dashlight.errors import Conflict
from dashlight.model import DAY_MS
from dashlight.store.schema import picture

LEAST = -(1 << 62)
BEFORE_ALL = LEAST - 1  # Less than every number; where a page ends before the first picture of a moment.
RANDOM_BITS = 52
_SPAN_BITS = 6  # 64 days; there are 1,024 spans, from 1970 to 2149, and what lies outside is counted with the ends.
_LAST_DAY = (1 << 16) - 1
_ATTEMPTS = 20  # Two of ten million pictures of one span meet once in a hundred times; twenty times running, never.
_CHUNK = 500


def personal_number(captured_ms: int, drawn: int) -> int:
    """Return the number of a picture of a told time, for `RANDOM_BITS` random bits."""
    day = min(max(captured_ms // DAY_MS, 0), _LAST_DAY)
    return LEAST + (day >> _SPAN_BITS << RANDOM_BITS) + drawn


def draw_numbers(
    connection: sa.Connection, captured_ms: Sequence[int], *, draw: Callable[[int], int] = randbits
) -> list[int]:
    """Return a number for a new `personal` picture of each time; no picture has one of them, and no two are the same.

    Args:
        connection: Of a write, so that nobody else draws meanwhile.
        captured_ms: As it is told, since 1970.
        draw: Returns so many random bits.

    Raises:
        Conflict: When chance does not come up with free numbers, which is a fault of its source.
    """
    found: dict[int, int] = {}  # Number to index.
    missing = list(range(len(captured_ms)))
    for _ in range(_ATTEMPTS):
        drawn: dict[int, int] = {}
        for index in missing:
            drawn.setdefault(personal_number(captured_ms[index], draw(RANDOM_BITS)), index)
        for number in found.keys() & drawn.keys() | _taken(connection, list(drawn)):
            del drawn[number]
        found |= drawn
        missing = sorted(set(missing) - set(drawn.values()))
        if not missing:
            return sorted(found, key=found.__getitem__)
    raise Conflict(
        f"no free numbers for {len(missing)} of {len(captured_ms)} pictures after {_ATTEMPTS} draws",
        hint="the machine's source of random numbers repeats itself",
    )


def _taken(connection: sa.Connection, numbers: Sequence[int]) -> set[int]:
    column = picture.c.number
    taken: set[int] = set()
    for first in range(0, len(numbers), _CHUNK):
        statement = sa.select(column).where(column.in_(numbers[first : first + _CHUNK]))
        taken.update(connection.execute(statement).scalars())
    return taken
