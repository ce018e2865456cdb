"""Stretches of a drive: which windows are wanted, and what is published already."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from dashlight.edge.select import NotTaken
from dashlight.model import Fix, LonLat, Track
from dashlight.publication import Plan


class Windows:
    """The stretches of time around the candidates of a recording, and why nothing of a stretch is taken.

    Args:
        windows: First and last moment of each, in order of time, and the reason; None where a frame is wanted.
        plan: Has a say on each frame too.
    """

    def __init__(self, windows: Sequence[tuple[datetime, datetime, str | None]], plan: Plan) -> None:
        self._windows = windows
        self._starts = [first for first, _, _ in windows]
        self._plan = plan

    def hidden_by(self, at: datetime, position: LonLat) -> str | None:
        """Return why no frame may be taken there; None when one may."""
        after = bisect_right(self._starts, at)
        around = [reason for first, last, reason in self._windows[max(0, after - 2) : after] if first <= at <= last]
        if not around:
            return NotTaken.NO_FRAME  # The nearest frame is another place's.
        return self._plan.allows(at, position).hidden_by if None in around else around[0]


class Spans:
    """Stretches of a recording in milliseconds, both ends included."""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        apart: list[tuple[int, int]] = []
        for first, last in sorted(spans):
            if apart and first <= apart[-1][1]:
                apart[-1] = (apart[-1][0], max(apart[-1][1], last))
            else:
                apart.append((first, last))
        self._starts = [first for first, _ in apart]
        self._ends = [last for _, last in apart]

    def has(self, offset_ms: int) -> bool:
        """Return whether a moment lies in one of them."""
        index = bisect_right(self._starts, offset_ms) - 1
        return index >= 0 and offset_ms <= self._ends[index]


def merged_track(tracks: Iterable[Track]) -> Track:
    """Return one track of the fixes of all, the first of each time."""
    fixes: dict[datetime, Fix] = {}
    for track in tracks:
        for fix in track.fixes:
            fixes.setdefault(fix.at, fix)
    return Track(tuple(fixes[at] for at in sorted(fixes)))


def instant(at_s: float) -> datetime:
    """Return aware UTC of Unix seconds, to the millisecond that a picture tells."""
    return datetime.fromtimestamp(round(at_s, 3), UTC)
