"""Days and milliseconds since 1970 in UTC, which is how times are kept; aware moments and their texts from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS = 86_400_000
_MS = timedelta(milliseconds=1)


def day_of(moment: datetime) -> int:
    """Return the day of an aware moment, since 1970-01-01 in UTC."""
    return (moment - EPOCH).days


def ms_of(moment: datetime) -> int:
    """Return the milliseconds since 1970 of an aware moment; finer digits are cut off."""
    return (moment - EPOCH) // _MS


def moment_of(ms: int) -> datetime:
    """Return the moment of milliseconds since 1970, in UTC; of a year from 1 to 9999."""
    return EPOCH + ms * _MS


def moment_text(ms: int) -> str:
    """Return milliseconds since 1970 as RFC 3339 writes them.

    >>> moment_text(1_795_428_000_000)
    '2026-11-23T10:00:00.000Z'
    """
    return moment_of(ms).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
