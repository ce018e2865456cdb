"""How long the times of pictures last: a moment, a week, a month. Milliseconds since 1970, UTC."""

from __future__ import annotations

from datetime import timedelta

from dashlight.model import DAY_MS, moment_of, ms_of


def earliest_begin_ms(first_ms: int, precision: str) -> int:
    """Return when the first time of a precision (`instant`, `week`, `month`) begins that has not ended before."""
    if precision == "week":
        day = first_ms // DAY_MS
        return (day - (day + 3) % 7) * DAY_MS  # 1970-01-01 was a Thursday.
    if precision == "month":
        return month_ms(first_ms)[0]
    return first_ms


def month_ms(at_ms: int) -> tuple[int, int]:
    """Return the half-open span of the month that holds a millisecond."""
    first = moment_of(at_ms).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    begin = ms_of(first)
    days = ((first + timedelta(days=31)).replace(day=1) - first).days if (first.year, first.month) != (9999, 12) else 31
    return begin, begin + days * DAY_MS


def end_ms(begin_ms: int, precision: str) -> int:
    """Return the last millisecond of a time of a precision that begins at `begin_ms`."""
    if precision == "week":
        return begin_ms + 7 * DAY_MS - 1
    if precision == "month":
        return month_ms(begin_ms)[1] - 1
    return begin_ms
