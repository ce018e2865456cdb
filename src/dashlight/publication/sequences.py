"""Which pictures of a drive make a sequence, under the policies that tell an order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from dashlight.publication.telling import Piece, Plan


class SequenceRuns:
    """Which sequence each picture of a drive belongs to.

    A piece of the plan is one sequence, unless its pictures leave a gap longer than a stop: then the rest gets an
    identifier of its own.

    Args:
        plan: Of the drive.
        gap_s: The longest gap within a sequence.
        identifier: Returns the identifier of a stretch of the drive; the same for the same text, and telling nothing.
        continued: The sequence that the drive's first piece goes on with, if any.
    """

    def __init__(
        self, plan: Plan, *, gap_s: float, identifier: Callable[[str], UUID], continued: UUID | None = None
    ) -> None:
        self._plan = plan
        self._gap_s = gap_s
        self._identifier = identifier
        self._continued = continued
        self._last: tuple[Piece, datetime, UUID] | None = None

    def sequence_at(self, at: datetime) -> UUID | None:
        """Return the sequence of a picture; ask in order of time. None when the picture may not be told."""
        piece = self._plan.piece_at(at)
        if piece is None:
            return None
        sequence = self._sequence(piece, at)
        self._last = (piece, at, sequence)
        return sequence

    def open_at_end(self) -> UUID | None:
        """Return the sequence that is still open where the drive ends."""
        if self._last is None or not self._plan.pieces or self._last[0] != self._plan.pieces[-1]:
            return None
        return self._last[2]

    def _sequence(self, piece: Piece, at: datetime) -> UUID:
        started = piece.started_at.isoformat()
        if self._last is None or self._last[0] != piece:
            if self._last is None and self._continued is not None and piece == self._plan.pieces[0]:
                return self._continued
            return self._identifier(started)
        _, last_at, sequence = self._last
        return (
            sequence
            if (at - last_at).total_seconds() <= self._gap_s
            else self._identifier(f"{started}/{at.isoformat()}")
        )
