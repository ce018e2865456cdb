"""From recordings to the spool: what is new, what may be told of it, redacted, sealed, recorded.

A drive at a time, because the policy looks at whole drives. Nothing here talks to the server.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from dashlight.edge.home import fingerprint
from dashlight.edge.home.ledger import RecordingRow, RecordingState
from dashlight.edge.importing.in_order import import_in_order
from dashlight.edge.importing.making import PictureMaker
from dashlight.edge.importing.personal import import_personal
from dashlight.edge.importing.piece import Piece
from dashlight.edge.importing.result import Imported, ImportOptions, Progress
from dashlight.edge.importing.stretches import merged_track
from dashlight.edge.recordings import (
    CameraPosition,
    Drive,
    Recording,
    Settling,
    candidates_of,
    drives,
    find_recordings,
    locate,
)
from dashlight.edge.select import NotTaken, Tally
from dashlight.edge.station import Station
from dashlight.edge.track import Motion
from dashlight.errors import HostError, Rejected
from dashlight.model import Policy
from dashlight.publication import HiddenBy, Plan
from dashlight.vision.detectors import Detectors


class Importer:
    """Imports recordings; use it under the home's lock, from one thread.

    Args:
        station: The edge.
        detectors: Find faces and plates.
        options: Distances, sizes, threads.
        progress: Is told what happens.
        stop: When set, what was redacted is sealed and the import ends.
        wait_for_room: Called when the spool is full; waits, and returns whether it is worth another try.
        now: Unix seconds.
        found: Is told the recordings that are looked at from now on, in their order.
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
        found: Callable[[Sequence[Path]], None] = lambda _: None,
    ) -> None:
        self._ledger = station.ledger
        self._disclosure = station.disclosure
        self._options = options
        self._stop = stop
        self._now = now
        self._found = found
        self._maker = PictureMaker(
            station,
            detectors,
            options=options,
            progress=progress,
            stop=stop,
            wait_for_room=wait_for_room,
            now=now,
        )
        self._tried: dict[str, float | None] = {}  # Left over after another look: when the file had changed.
        self._kept: set[str] = set()  # Looked at under a policy that may tell more than the one they came in under.
        self._named_files: frozenset[Path] = frozenset()  # One by one, by the owner.
        self.done = self._maker.done

    def import_paths(self, paths: Iterable[Path]) -> Imported:
        """Import what is under `paths`, and what waited for the policy and may be told now.

        Bad files are values in the result.

        Raises:
            SpoolFull: When there is no room and waiting did not help; what was sealed before is safe.
            HostError: When this machine fails.
        """
        found: list[Recording] = []
        paths = list(paths)
        self._named_files = frozenset(path.resolve() for path in paths if path.is_file())
        for each in find_recordings(paths):
            if isinstance(each, Rejected):
                self.reject(each)
            else:
                found.append(each)
        if not found and not self.done.rejected:
            for path in paths:
                self.reject(
                    Rejected(
                        path,
                        "there is no recording in this folder",
                        "no-recordings",
                        "Name the camera's folder; videos end in .mp4, .mov, .m4v or .ts.",
                    )
                )
        self.import_recordings(found)
        self.import_waiting(paths, seen={r.path.resolve() for r in found})
        return self.done

    def import_recordings(self, found: Sequence[Recording]) -> None:
        """Import recordings, those of one drive together."""
        sources = []
        for recording in found:
            if recording.is_source:
                sources.append(recording)
            else:
                why = "recorded while parking" if recording.is_parking else "looks into the vehicle"
                self.reject(Rejected(recording.path, f"{why}: no pictures of the street", "not-a-street"))
        ordered = list(drives(sources))
        self._found([recording.path for drive in ordered for recording in drive.recordings])
        for drive in ordered:
            if self._stop.is_set():
                return
            self._import_drive(drive)

    def import_waiting(
        self, folders: Iterable[Path] = (), *, seen: Collection[Path] = (), settle_s: float = 0.0
    ) -> None:
        """Import what an earlier look left: what waited for the policy, and in `folders` what was withdrawn.

        Drives are taken whole, their finished recordings too, because the policy looks at whole drives. What another
        look left as it was is looked at again only when its file has changed.

        Args:
            folders: As the owner named them; what was broken off elsewhere is not taken up.
            seen: Resolved paths that were looked at just now.
            settle_s: A file that changed later than this many seconds ago is left for the next look.

        Raises:
            SpoolFull: When there is no room and waiting did not help.
            HostError: When this machine fails.
        """
        below = [folder.resolve() for folder in folders]
        left = [row for row in self._left_over(below) if Path(row.path) not in seen]
        if not left:
            return
        self.done.taken_up += len(left)
        drives_left = {row.drive or row.fingerprint for row in left}
        rows = {
            Path(row.path): row
            for row in self._ledger.recordings()
            if (row.drive or row.fingerprint) in drives_left and _modified_s(row.path) is not None
        }
        settling = Settling(now_s=self._now(), quiet_s=settle_s) if settle_s else None
        found = list(find_recordings(rows, settling=settling, below=below))
        self.import_recordings(
            [
                replace(each, camera_position=CameraPosition(rows[each.path].camera or each.camera_position))
                for each in found
                if isinstance(each, Recording)
            ]
        )
        looked_at = {Path(each.path) for each in found}
        for row in left:
            if Path(row.path) in looked_at:
                self._tried[row.fingerprint] = _modified_s(row.path)

    def _left_over(self, below: Sequence[Path]) -> list[RecordingRow]:
        states = {RecordingState.OPEN}
        if self._disclosure.apprenticeship().is_over:
            states.add(RecordingState.WAITING)
        rows = self._ledger.recordings(*states)
        kept = self._ledger.unfinished_under_another(self._disclosure.policy)
        rows = [row for row in rows if row.fingerprint not in kept]
        left = {row.fingerprint for row in rows}
        self._tried = {name: at for name, at in self._tried.items() if name in left}  # Done since, it may return.
        return [
            row
            for row in rows
            if (row.state is RecordingState.WAITING or any(Path(row.path).is_relative_to(each) for each in below))
            and (modified_s := _modified_s(row.path)) is not None
            and self._tried.get(row.fingerprint) != modified_s
        ]

    def reject(self, rejected: Rejected) -> None:
        """Count and tell what was left out."""
        self._maker.reject(rejected)

    def _import_drive(self, drive: Drive) -> None:
        named = [(recording, name) for recording in drive.recordings if (name := self._named(recording)) is not None]
        named = self._without_kept(named)
        known = {name for _, name in named if self._is_known(name)}
        self.done.known += len(known)
        self.done.forgotten += len(self._forgotten(known))
        if all(name in known for _, name in named):
            return
        pieces = [
            piece
            for recording, name in named
            if (piece := self._located(recording, name, drive=self._drive_name(named), is_done=name in known))
            is not None
        ]
        if all(piece.is_done for piece in pieces):
            return
        track = merged_track([piece.located.track for piece in pieces])
        self._disclosure.learn(track)
        plan = self._disclosure.plan(track)
        if not plan.pieces and not self._disclosure.apprenticeship().is_over:
            self._let_wait(pieces, plan)
        elif self._disclosure.policy is Policy.PERSONAL:
            import_personal(self._maker, pieces, plan, track)
        else:
            import_in_order(self._maker, pieces, plan)

    def _without_kept(self, named: Sequence[tuple[Recording, str]]) -> list[tuple[Recording, str]]:
        """Leave out what came in under a more careful policy, unless its owner named the very file."""
        policy = self._disclosure.policy
        kept = self._ledger.unfinished_under_another(policy)
        taken: list[tuple[Recording, str]] = []
        for recording, name in named:
            if name in kept and recording.path.resolve() not in self._named_files:
                self._kept.add(name)
                self.done.kept = len(self._kept)
                continue
            if name in kept:
                self.done.converted += 1
                self._ledger.keep_policy(name, policy, is_new_choice=True)
            taken.append((recording, name))
        return taken

    def _named(self, recording: Recording) -> str | None:
        try:
            return fingerprint(recording.path)
        except HostError as exc:
            self.reject(Rejected(recording.path, exc.message, exc.code, exc.hint))
            return None

    def _drive_name(self, named: Sequence[tuple[Recording, str]]) -> str:
        """Return the name of the drive that the first recording is of; an earlier import may have begun it."""
        row = self._ledger.recording(named[0][1])
        return row.drive if row is not None and row.drive is not None else named[0][1]

    def _forgotten(self, names: Iterable[str]) -> list[str]:
        rows = (self._ledger.recording(name) for name in names)
        return [row.fingerprint for row in rows if row is not None and row.state is RecordingState.FORGOTTEN]

    def _is_known(self, name: str) -> bool:
        row = self._ledger.recording(name)
        return row is not None and row.state in (RecordingState.DONE, RecordingState.FORGOTTEN)

    def _located(self, recording: Recording, name: str, *, drive: str, is_done: bool) -> Piece | None:
        now = datetime.fromtimestamp(self._now(), UTC)
        located = locate(recording, now=now, timezone=self._options.timezone)
        if isinstance(located, Rejected):
            if not is_done:
                self.reject(located)
                path = str(recording.path.resolve())
                self._maker.save(
                    RecordingRow(name, path, RecordingState.REJECTED, reason=located.reason, code=located.code)
                )
            return None
        piece = Piece(recording, located, name, drive, is_done)
        if not is_done:
            self._ledger.keep_policy(name, self._disclosure.policy)
            self._maker.save(piece.row(RecordingState.OPEN))
        return piece

    def _let_wait(self, pieces: Sequence[Piece], plan: Plan) -> None:
        for piece in pieces:
            if piece.is_done:
                continue
            self._maker.let_wait(piece)
            tally = Tally()
            motion = Motion(piece.located.track)
            for place in candidates_of(piece.recording, piece.located, motion, every_m=self._options.every_m):
                tally.candidates += 1
                hidden_by = plan.allows(place.at, place.position).hidden_by or HiddenBy.APPRENTICESHIP
                tally.leave_out(NotTaken.STANDING if place.is_standing else hidden_by)
            self._maker.tell(piece, tally)


def _modified_s(path: str) -> float | None:
    try:
        return Path(path).stat().st_mtime
    except OSError:  # Not there, or not to be read now.
        return None
