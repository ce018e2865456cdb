"""A recording on its way through an import."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from dashlight.edge.home.ledger import RecordingRow, RecordingState
from dashlight.edge.recordings import Located, Recording


@dataclass(frozen=True, slots=True)
class Piece:
    """A recording on its way.

    Attributes:
        recording: What is known of its file.
        located: Where it was recorded.
        fingerprint: Its name in the ledger.
        drive: Fingerprint of the first recording of its drive.
        is_done: Whether an earlier import finished it.
    """

    recording: Recording
    located: Located
    fingerprint: str
    drive: str
    is_done: bool

    def row(self, state: RecordingState, *, open_sequence: UUID | None = None) -> RecordingRow:
        """Return its row in the ledger; `open_sequence` is what a recording that continues it goes on with."""
        start = self.located.alignment.video_start
        return RecordingRow(
            self.fingerprint,
            str(self.recording.path.resolve()),
            state,
            day=start.date().isoformat(),
            drive=self.drive,
            started_at=start.timestamp(),
            ended_at=start.timestamp() + self.recording.duration_s,
            clock=self.located.alignment.note,
            camera=str(self.recording.camera_position),
            open_sequence=None if open_sequence is None else str(open_sequence),
        )
