"""Stretches of a drive: which sequence a picture belongs to, which windows are wanted, what is published already."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from dashlight.edge.disclosure import Disclosure
from dashlight.edge.select import NotTaken
from dashlight.model import Fix, LonLat, Track
from dashlight.publication import Plan


class SequenceRuns:
    """Which sequence a time belongs to; a gap longer than a stop begins a new one."""

    def __init__(self, disclosure: Disclosure, plan: Plan, drive: str, continued: UUID | None) -> None:
        self._disclosure = disclosure
        self._plan = plan
        self._drive = drive
        self._continued = continued
        self._last: tuple[datetime, datetime, UUID] | None = None  # piece's start, last picture, sequence

    def sequence_at(self, at_s: float) -> UUID | None:
        """Return the sequence of a picture; ask in order of time. None when the picture may not be told."""
        at = instant(at_s)
        piece = self._plan.piece_at(at)
        if piece is None:
            return None
        last, gap_s = self._last, self._disclosure.rules.stop_s
        if last is not None and last[0] == piece.started_at and (at - last[1]).total_seconds() <= gap_s:
            sequence = last[2]
        elif last is None and self._continued is not None and piece == self._plan.pieces[0]:
            sequence = self._continued
        elif last is None or last[0] != piece.started_at:
            sequence = self._disclosure.sequence_id(self._drive, piece.started_at.isoformat())
        else:
            sequence = self._disclosure.sequence_id(self._drive, f"{piece.started_at.isoformat()}/{at.isoformat()}")
        self._last = (piece.started_at, at, sequence)
        return sequence

    def open_at_end(self) -> UUID | None:
        """Return the sequence that is still open where the track ends."""
        if self._last is None or not self._plan.pieces or self._last[0] != self._plan.pieces[-1].started_at:
            return None
        return self._last[2]


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
