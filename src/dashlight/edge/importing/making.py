"""What every policy does alike with a recording: pictures taken and redacted, sealed, the recording recorded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

from dashlight.edge.home import fingerprint
from dashlight.edge.home.ledger import RecordingRow, RecordingState
from dashlight.edge.importing.piece import Piece
from dashlight.edge.importing.pipeline import Taken, redacted
from dashlight.edge.importing.result import Imported, ImportOptions, Progress
from dashlight.edge.importing.stretches import Spans
from dashlight.edge.recordings import selected_frames
from dashlight.edge.select import wanted_places
from dashlight.edge.spool import ReadyPicture, SpoolFull, rounded
from dashlight.edge.station import Station
from dashlight.edge.track import Motion
from dashlight.errors import DashlightError, HostError, Rejected
from dashlight.model import CapturedAt, LonLat, PictureClaim, RedactedPicture
from dashlight.publication import Violation
from dashlight.vision.detectors import Detectors


class PictureMaker:
    """Makes pictures of recordings and seals them, for one import at a time.

    Args:
        station: The edge.
        detectors: Find faces and plates.
        options: Distances, sizes, threads.
        progress: Is told what happens.
        stop: When set, no more pictures are made.
        wait_for_room: Called when the spool is full; waits, and returns whether it is worth another try.
        now: Unix seconds.
    """

    def __init__(
        self,
        station: Station,
        detectors: Detectors,
        *,
        options: ImportOptions,
        progress: Progress,
        stop: threading.Event,
        wait_for_room: Callable[[], bool] = lambda: False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.station = station
        self.options = options
        self.stop = stop
        self.done = Imported()
        self._detectors = detectors
        self._progress = progress
        self._wait_for_room = wait_for_room
        self._now = now
        self._is_damaged = False  # of the recording at hand

    def reject(self, rejected: Rejected) -> None:
        """Count and tell what was left out."""
        self.done.rejected.append(rejected)
        self._progress.rejected(rejected)

    def save(self, row: RecordingRow) -> None:
        """Store what is known of a recording by now."""
        self.station.ledger.save_recording(row, now=self._now())

    def pictures(
        self,
        piece: Piece,
        allows: Callable[[datetime, LonLat], bool],
        spans: Sequence[tuple[int, int]],
        *,
        exact_size: tuple[int, int] | None = None,
    ) -> Iterator[tuple[Taken, RedactedPicture]]:
        """Yield the pictures of a recording, redacted, in order of time; what of it cannot be read is rejected.

        Args:
            piece: The recording.
            allows: Whether a picture of that time and place may be told.
            spans: Milliseconds, both ends included, of which there are pictures already.
            exact_size: Width and height that every picture has, or None for what the options say.
        """
        start = piece.located.alignment.video_start
        covered = Spans(spans)

        def allowed(at: datetime, position: LonLat) -> bool:
            return not covered.has(offset_ms((at - start).total_seconds())) and allows(at, position)

        wanted = sum(
            1
            for place in wanted_places(Motion(piece.located.track), every_m=self.options.every_m)
            if 0.0 <= (place.at - start).total_seconds() <= (piece.recording.duration_s or 1e9)
            and allowed(place.at, place.position)
        )
        self._progress.begun(piece.recording, piece.located, wanted)
        size = exact_size or (self.options.max_size, self.options.max_size * 9 // 16)
        frames = selected_frames(
            piece.recording,
            piece.located,
            every_m=self.options.every_m,
            max_size=(max(size), max(size)) if exact_size else size,
            allowed=allowed,
            on_damage=self._on_damage,
        )
        self._is_damaged = False
        try:
            for taken, picture in redacted(
                frames, self._detectors, workers=self.options.workers, stop=self.stop, exact_size=exact_size
            ):
                self.done.redactions += len(picture.redactions)
                self._progress.picture(picture)
                yield taken, picture
        except DashlightError as exc:
            self._is_damaged = True
            self.reject(Rejected(piece.recording.path, exc.message, exc.code, exc.hint))

    def _on_damage(self, rejected: Rejected) -> None:
        self._is_damaged = True
        self.reject(rejected)

    def room_or_wait(self) -> None:
        """Wait until another bundle fits into the spool.

        Raises:
            SpoolFull: When waiting does not help.
        """
        self._with_room(self.station.spool.check_room)

    def seal(
        self,
        held: Sequence[ReadyPicture],
        sequence: UUID | None,
        *,
        not_before: float = 0.0,
        slots: Sequence[str] = (),
    ) -> int:
        """Seal a bundle, and return how many pictures are in it; what the policy does not take is rejected.

        Args:
            held: May be empty.
            sequence: Of the bundle.
            not_before: Unix seconds; it is not sent earlier.
            slots: Of the density rule, that the pictures fill.

        Raises:
            SpoolFull: When there is no room and waiting did not help.
            HostError: When this machine fails.
        """
        if not held:
            return 0
        sealed = 0
        violations: tuple[Violation, ...] = ()

        def write() -> None:
            nonlocal sealed, violations
            sealed, violations = self.station.sealer.seal(held, sequence=sequence, not_before=not_before, slots=slots)

        self._with_room(write)
        for violation in violations:
            row = self.station.ledger.recording(held[0].recording)
            path = Path(row.path if row else "?")
            self.reject(Rejected(path, f"a picture breaks the policy: {violation.message}", f"policy-{violation.code}"))
        if sealed:
            self.done.bundles += 1
            self.done.pictures += sealed
            self._progress.sealed(sealed)
        return sealed

    def _with_room(self, act: Callable[[], None]) -> None:
        while True:
            try:
                act()
            except SpoolFull:
                if not self._wait_for_room():
                    raise
            else:
                return

    def finish(self, piece: Piece, pictures: int, open_sequence: UUID | None) -> None:
        """Record that a recording is done, unless it was broken off.

        Args:
            piece: The recording.
            pictures: How many of it are in bundles.
            open_sequence: The sequence that goes on at its end.
        """
        if self.stop.is_set():
            return  # It stays open; the next run goes on behind what is in bundles.
        if self._is_damaged and not _is_still_there(piece):
            return  # The camera was unplugged; the file is not at fault.
        self.save(piece.row(RecordingState.DONE, open_sequence=open_sequence))
        self.done.recordings += 1
        self.done.driven_s += piece.recording.duration_s
        self._progress.ended(piece.recording, pictures)


def ready(taken: Taken, picture: RedactedPicture, recording: str, captured: CapturedAt) -> ReadyPicture:
    """Return a picture and what is told of it, captured when `captured` says."""
    claim = PictureClaim(taken.position, captured, taken.heading_deg, taken.accuracy_m)
    return ReadyPicture(picture, rounded(claim), recording, offset_ms(taken.offset_s), taken.at_s)


def offset_ms(offset_s: float) -> int:
    """Return where in a recording something is, as pictures are named on this machine."""
    return round(offset_s * 1000)


def _is_still_there(piece: Piece) -> bool:
    try:
        return fingerprint(piece.recording.path) == piece.fingerprint
    except HostError:
        return False
