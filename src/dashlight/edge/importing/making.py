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
from dashlight.edge.importing.result import POLICY_CHECK, Imported, ImportOptions, Outcome, Progress
from dashlight.edge.importing.stretches import Spans
from dashlight.edge.recordings import candidates_of, selected_frames
from dashlight.edge.select import NotTaken, Tally
from dashlight.edge.spool import ReadyPicture, Sealed, SpoolFull, rounded
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
        self._told_to_wait: set[str] = set()  # Fingerprints.
        self._tallies: dict[str, Tally] = {}  # By fingerprint, until the recording is finished.

    def reject(self, rejected: Rejected) -> None:
        """Count and tell what was left out."""
        self.done.rejected.append(rejected)
        self._progress.rejected(rejected)

    def let_wait(self, piece: Piece) -> None:
        """Store that the policy lets nothing be told of a recording yet; tell so the first time."""
        self.done.waiting += 1
        self.save(piece.row(RecordingState.WAITING))
        if piece.fingerprint not in self._told_to_wait:
            self._told_to_wait.add(piece.fingerprint)
            self._progress.waits(piece.recording, piece.located)

    def save(self, row: RecordingRow) -> None:
        """Store what is known of a recording by now."""
        self.station.ledger.save_recording(row, now=self._now())

    def pictures(
        self,
        piece: Piece,
        hidden_by: Callable[[datetime, LonLat], str | None],
        spans: Sequence[tuple[int, int]],
        *,
        exact_size: tuple[int, int] | None = None,
    ) -> Iterator[tuple[Taken, RedactedPicture]]:
        """Yield the pictures of a recording, redacted, in order of time; what of it cannot be read is rejected.

        Args:
            piece: The recording.
            hidden_by: Why a picture of that time and place may not be told; None when it may.
            spans: Milliseconds, both ends included, of which there are pictures already.
            exact_size: Width and height that every picture has, or None for what the options say.
        """
        start = piece.located.alignment.video_start
        covered = Spans(spans)

        def left_out_for(at: datetime, position: LonLat) -> str | None:
            if covered.has(offset_ms((at - start).total_seconds())):
                return NotTaken.KNOWN
            return hidden_by(at, position)

        tally = self.tally(piece)
        every_m = self.options.every_m
        wanted = sum(
            not place.is_standing and left_out_for(place.at, place.position) is None
            for place in candidates_of(piece.recording, piece.located, Motion(piece.located.track), every_m=every_m)
        )
        self._progress.begun(piece.recording, piece.located, wanted)
        size = exact_size or (self.options.max_size, self.options.max_size * 9 // 16)
        frames = selected_frames(
            piece.recording,
            piece.located,
            every_m=every_m,
            max_size=(max(size), max(size)) if exact_size else size,
            left_out_for=left_out_for,
            tally=tally,
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

    def tally(self, piece: Piece) -> Tally:
        """Return what counts the candidates of a recording until it is finished."""
        return self._tallies.setdefault(piece.fingerprint, Tally())

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
    ) -> None:
        """Seal a bundle, and count which pictures are in it and which are not; what breaks the policy is rejected.

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
            return
        sealed = Sealed((), ())

        def write() -> None:
            nonlocal sealed
            sealed = self.station.sealer.seal(held, sequence=sequence, not_before=not_before, slots=slots)

        self._with_room(write)
        for picture in sealed.pictures:
            self._tallies[picture.recording].pictures += 1
        for each in sealed.left_out:
            self._leave_out(each.picture, each.violation)
        if sealed.pictures:
            self.done.bundles += 1
            self.done.pictures += len(sealed.pictures)
            self._progress.sealed(len(sealed.pictures))

    def _leave_out(self, picture: ReadyPicture, violation: Violation | None) -> None:
        reason = NotTaken.TAKEN_BACK if violation is None else f"{POLICY_CHECK}{violation.code}"
        self._tallies[picture.recording].leave_out(reason)
        if violation is not None:
            row = self.station.ledger.recording(picture.recording)
            path = Path(row.path if row else "?")
            self.reject(Rejected(path, f"a picture breaks the policy: {violation.message}", reason))

    def _with_room(self, act: Callable[[], None]) -> None:
        while True:
            try:
                act()
            except SpoolFull:
                if not self._wait_for_room():
                    raise
            else:
                return

    def finish(self, piece: Piece, open_sequence: UUID | None) -> None:
        """Tell what became of a recording, and record that it is done unless it was broken off.

        Args:
            piece: The recording.
            open_sequence: The sequence that goes on at its end.
        """
        tally = self._tallies.pop(piece.fingerprint, None) or Tally()
        tally.leave_out_rest(NotTaken.STOPPED if self.stop.is_set() else NotTaken.NO_FRAME)
        self.tell(piece, tally)
        if self.stop.is_set():
            return  # It stays open; the next run goes on behind what is in bundles.
        if self._is_damaged and not _is_still_there(piece):
            return  # The camera was unplugged; the file is not at fault.
        self.save(piece.row(RecordingState.DONE, open_sequence=open_sequence))
        self.done.recordings += 1
        self.done.driven_s += piece.recording.duration_s
        self._progress.ended(piece.recording, tally.pictures)

    def tell(self, piece: Piece, tally: Tally) -> None:
        """Add what became of a recording's candidates to the result."""
        left_out = {reason: count for reason, count in tally.left_out.most_common() if count}
        self.done.outcomes.append(Outcome(piece.recording.path, tally.candidates, tally.pictures, left_out))


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
