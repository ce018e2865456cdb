"""Times of questions and answers: RFC 3339, open and closed intervals, and milliseconds since 1970."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from dashlight.errors import InputError
from dashlight.model import EPOCH

_MICROSECOND = timedelta(microseconds=1)
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?(?:[Zz]|([+-])(\d\d):(\d\d))\Z", re.ASCII
)
_OPEN = ("", "..")
EARLIEST_MS, LATEST_MS = -62_135_596_800_000, 253_402_300_799_999  # Of the years 1 to 9999.


def parsed_moment(text: str, name: str) -> int:
    """Return the microseconds since 1970 of an RFC 3339 time; finer digits are cut off.

    A leap second is the end of the one before.

    Raises:
        InputError: When it is not one; `name` says of which parameter.
    """
    match = _MOMENT.match(text)
    if match is None:
        raise _wrong(text, name)
    day, hour, minute, second, fraction, sign, offset_hours, offset_minutes = match.groups()
    is_leap = second == "60"
    try:
        at = datetime.fromisoformat(f"{day}T{hour}:{minute}:{'59' if is_leap else second}+00:00")
    except ValueError as exc:
        raise _wrong(text, name) from exc
    micros = 999_999 if is_leap else int(((fraction or "") + "000000")[:6])
    if sign is not None:
        if int(offset_hours) > 23 or int(offset_minutes) > 59:
            raise _wrong(text, name)
        offset = (int(offset_hours) * 60 + int(offset_minutes)) * 60_000_000
        micros += -offset if sign == "+" else offset
    return (at - EPOCH) // _MICROSECOND + micros


def _wrong(text: str, name: str) -> InputError:
    return InputError(
        f"{name}: {text[:60]!r} is not a time as RFC 3339 writes it",
        hint="2026-11-23T10:00:00Z, or an interval 2026-11-23T10:00:00Z/.. whose one end may be open",
        code="bad-datetime",
    )


def parsed_interval(text: str) -> tuple[int, int]:
    """Return first and last millisecond of the `datetime` parameter, inclusive.

    Raises:
        InputError: When it is neither a time nor an interval with at least one end, or ends before it begins.
    """
    first, slash, last = text.partition("/")
    if not slash:
        at = parsed_moment(text, "datetime")
        return _bounded(-(-at // 1000)), _bounded(at // 1000)
    if first in _OPEN and last in _OPEN:
        raise InputError(f"datetime: {text[:60]!r} is open at both ends", hint="leave it out", code="bad-datetime")
    start = EARLIEST_MS if first in _OPEN else -(-parsed_moment(first, "datetime") // 1000)
    end = LATEST_MS if last in _OPEN else parsed_moment(last, "datetime") // 1000
    if start > end:
        raise InputError(f"datetime: {text[:100]!r} ends before it begins", code="bad-datetime")
    return _bounded(start), _bounded(end)


def _bounded(ms: int) -> int:
    """Return the nearest millisecond of the years 1 to 9999: offsets and leap seconds reach beyond them."""
    return min(max(EARLIEST_MS, ms), LATEST_MS)
