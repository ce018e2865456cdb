"""From recordings to the spool: what is new, what may be told of it, redacted, sealed, recorded.

A drive at a time, because the policy looks at whole drives. Nothing here talks to the server.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Protocol
from uuid import UUID

from dashlight.edge.fingerprint import fingerprint
from dashlight.edge.ledger import RecordingRow, RecordingState
from dashlight.edge.pipeline import Taken, redacted
from dashlight.edge.recordings import (
    CameraPosition,
    Drive,
    Located,
    Recording,
    Settling,
    drives,
    find_recordings,
    locate,
    selected_frames,
)
from dashlight.edge.sealing import MAX_ARCHIVE_BYTES, ReadyPicture, rounded
from dashlight.edge.select import wanted_places
from dashlight.edge.spool import SpoolFull
from dashlight.edge.station import Station
from dashlight.edge.stretches import SequenceRuns, Spans, Windows, instant, merged_track
from dashlight.edge.track import Motion
from dashlight.errors import DashlightError, HostError, Rejected
from dashlight.model import CapturedAt, LonLat, PictureClaim, Policy, RedactedPicture, Track
from dashlight.publication import (
    PERSONAL_SIZE,
    Candidate,
    PersonalRules,
    Plan,
    Violation,
    bundles_of,
    coarse_time,
    density_key,
    send_after,
    thinned,
)
from dashlight.vision.detectors import Detectors

CONTINUES_S = 5.0  # As `recordings.drives` sees it.
MAX_HELD_PICTURES = 500  # Of a personal drive in memory, about 75 MB; more are sealed in a second round.


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How recordings become pictures; see `config.EdgeSettings`."""

    every_m: float = 5.0
    max_size: int = 1280
    bundle_pictures: int = 100
    workers: int = 2
    timezone: tzinfo | None = None


@dataclass(slots=True)
class Imported:
    """What an import did."""

    recordings: int = 0
    pictures: int = 0
    bundles: int = 0
    redactions: int = 0
    known: int = 0  # Recordings that had been imported before.
    waiting: int = 0  # Recordings of which the policy lets nothing be told yet.
    kept: int = 0  # Recordings that came in under a more careful policy, and stay so.
    converted: int = 0  # Of those: named one by one again, and so told under the policy of now.
    taken_up: int = 0  # Recordings that an earlier import left, and nobody named in this one.
    driven_s: float = 0.0
    rejected: list[Rejected] = field(default_factory=list)


class Progress(Protocol):
    """Is told what happens; called from one thread."""

    def begun(self, recording: Recording, located: Located, wanted: int) -> None:
        """A recording begins, of which about so many pictures are wanted."""

    def picture(self, picture: RedactedPicture) -> None:
        """A picture was redacted."""

    def sealed(self, pictures: int) -> None:
        """A bundle of so many pictures is in the spool."""

    def ended(self, recording: Recording, pictures: int) -> None:
        """A recording is done."""

    def rejected(self, rejected: Rejected) -> None:
        """Something was left out."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A recording on its way."""

    recording: Recording
    located: Located
    fingerprint: str
    drive: str
    is_done: bool


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
        self._ledger = station.ledger
        self._spool = station.spool
        self._disclosure = station.disclosure
        self._sealer = station.sealer
        self._seed = station.seed
        self._detectors = detectors
        self._options = options
        self._progress = progress
        self._stop = stop
        self._wait_for_room = wait_for_room
        self._now = now
        self._is_damaged = False  # of the recording at hand
        self._tried: dict[str, float | None] = {}  # Left over after another look: when the file had changed.
        self._named_files: frozenset[Path] = frozenset()  # One by one, by the owner.
        self.done = Imported()

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
        for drive in drives(sources):
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
        self.done.rejected.append(rejected)
        self._progress.rejected(rejected)

    def _import_drive(self, drive: Drive) -> None:
        named = [(recording, name) for recording in drive.recordings if (name := self._named(recording)) is not None]
        named = self._without_kept(named)
        known = {name for _, name in named if self._is_known(name)}
        self.done.known += len(known)
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
            self._let_wait(pieces)
        elif self._disclosure.policy is Policy.PERSONAL:
            self._import_personal(pieces, plan, track)
        else:
            self._import_in_order(pieces, plan)

    def _without_kept(self, named: Sequence[tuple[Recording, str]]) -> list[tuple[Recording, str]]:
        """Leave out what came in under a more careful policy, unless its owner named the very file."""
        policy = self._disclosure.policy
        kept = self._ledger.unfinished_under_another(policy)
        taken: list[tuple[Recording, str]] = []
        for recording, name in named:
            if name in kept and recording.path.resolve() not in self._named_files:
                self.done.kept += 1
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

    def _is_known(self, name: str) -> bool:
        row = self._ledger.recording(name)
        return row is not None and row.state in (RecordingState.DONE, RecordingState.FORGOTTEN)

    def _located(self, recording: Recording, name: str, *, drive: str, is_done: bool) -> _Piece | None:
        now = datetime.fromtimestamp(self._now(), UTC)
        located = locate(recording, now=now, timezone=self._options.timezone)
        if isinstance(located, Rejected):
            if not is_done:
                self.reject(located)
                path = str(recording.path.resolve())
                self._save(RecordingRow(name, path, RecordingState.REJECTED, reason=located.reason, code=located.code))
            return None
        piece = _Piece(recording, located, name, drive, is_done)
        if not is_done:
            self._ledger.keep_policy(name, self._disclosure.policy)
            self._save(self._row(piece, RecordingState.OPEN))
        return piece

    def _row(self, piece: _Piece, state: RecordingState) -> RecordingRow:
        start = piece.located.alignment.video_start
        return RecordingRow(
            piece.fingerprint,
            str(piece.recording.path.resolve()),
            state,
            day=start.date().isoformat(),
            drive=piece.drive,
            started_at=start.timestamp(),
            ended_at=start.timestamp() + piece.recording.duration_s,
            clock=piece.located.alignment.note,
            camera=str(piece.recording.camera_position),
        )

    def _save(self, row: RecordingRow) -> None:
        self._ledger.save_recording(row, now=self._now())

    def _let_wait(self, pieces: Sequence[_Piece]) -> None:
        for piece in pieces:
            if not piece.is_done:
                self.done.waiting += 1
                self._save(self._row(piece, RecordingState.WAITING))

    # `fleet` and `open`: sequences in order.

    def _import_in_order(self, pieces: Sequence[_Piece], plan: Plan) -> None:
        runs = SequenceRuns(self._disclosure, plan, pieces[0].fingerprint, self._continued(pieces[0], plan))
        for piece in pieces:
            if piece.is_done:
                continue
            self._room_or_wait()
            pictures = 0
            held: list[ReadyPicture] = []
            open_sequence: UUID | None = None
            spans = self._ledger.published_spans_ms(piece.fingerprint)
            for taken, picture in self._pictures(piece, lambda at, where: plan.allows(at, where).is_allowed, spans):
                sequence = runs.sequence_at(taken.at_s)
                if sequence is None:
                    continue
                if held and (sequence != open_sequence or self._is_enough(held)):
                    pictures += self._seal(held, open_sequence)
                    held = []
                open_sequence = sequence
                held.append(_ready(taken, picture, piece.fingerprint, instant(taken.at_s)))
            pictures += self._seal(held, open_sequence)
            self._finish(piece, pictures, runs.open_at_end())
            if self._stop.is_set():
                return

    def _continued(self, first: _Piece, plan: Plan) -> UUID | None:
        """Return the sequence that goes on in the first piece, when an earlier import broke off at a file's end."""
        if not plan.pieces:
            return None
        start = first.located.alignment.video_start
        if abs((plan.pieces[0].started_at - start).total_seconds()) > CONTINUES_S:
            return None
        for row in self._ledger.recordings(RecordingState.DONE):
            is_same = row.camera == str(first.recording.camera_position) and row.fingerprint != first.fingerprint
            is_joined = row.ended_at is not None and abs(row.ended_at - start.timestamp()) <= CONTINUES_S
            if is_same and is_joined and row.open_sequence is not None:
                return UUID(row.open_sequence)
        return None

    def _is_enough(self, held: Sequence[ReadyPicture]) -> bool:
        return len(held) >= self._options.bundle_pictures or sum(p.size_bytes for p in held) >= MAX_ARCHIVE_BYTES

    # `personal`: single pictures of a whole drive.

    def _import_personal(self, pieces: Sequence[_Piece], plan: Plan, track: Track) -> None:
        rules = self._disclosure.rules
        assert isinstance(rules, PersonalRules)  # noqa: S101  # for the type checker; the policy says so
        chosen = self._chosen_windows(pieces, plan, rules)
        held: list[ReadyPicture] = []
        begun: list[_Piece] = []
        ended_at = track.fixes[-1].at
        for piece in pieces:
            if piece.is_done:
                continue
            self._room_or_wait()
            begun.append(piece)
            windows = chosen[piece.fingerprint]
            spans = self._ledger.published_spans_ms(piece.fingerprint)
            exact = [span for offset in spans for span in ((offset[0], offset[0]), (offset[1], offset[1]))]
            for taken, picture in self._pictures(piece, windows.has, exact, exact_size=PERSONAL_SIZE):
                told = coarse_time(instant(taken.at_s), 0)
                held.append(_ready(taken, picture, piece.fingerprint, told))
            if self._stop.is_set():
                return  # Nothing of it was recorded; the next run makes the same choices.
            if len(held) >= MAX_HELD_PICTURES:
                self._seal_apart(held, begun, ended_at, rules)
                held, begun = [], []
        self._seal_apart(held, begun, ended_at, rules)

    def _chosen_windows(self, pieces: Sequence[_Piece], plan: Plan, rules: PersonalRules) -> dict[str, Windows]:
        candidates: list[Candidate] = []
        spans: list[tuple[str, datetime, datetime]] = []
        for piece in pieces:
            motion = Motion(piece.located.track)
            for place in wanted_places(motion, every_m=self._options.every_m):
                course_deg = motion.heading_at(place.at)
                if course_deg is not None and plan.allows(place.at, place.position).is_allowed:
                    heading_deg = piece.recording.looks_deg(course_deg)
                    candidates.append(Candidate(place.position, heading_deg, place.at))
                    spans.append((piece.fingerprint, place.earliest, place.latest))
        verdicts = thinned(candidates, rules, self._seed, taken=self._ledger.slots())
        chosen: dict[str, list[tuple[datetime, datetime]]] = {piece.fingerprint: [] for piece in pieces}
        for verdict, (name, earliest, latest) in zip(verdicts, spans, strict=True):
            if verdict.is_allowed:
                chosen[name].append((earliest, latest))
        return {name: Windows(windows, plan) for name, windows in chosen.items()}

    def _seal_apart(
        self, held: Sequence[ReadyPicture], begun: Sequence[_Piece], ended_at: datetime, rules: PersonalRules
    ) -> None:
        pictures: dict[str, int] = {}
        for group in bundles_of([p.claim.position for p in held], self._seed):
            members = [held[n] for n in group]
            about = "/".join(f"{p.recording}:{p.offset_ms}" for p in members)
            not_before = send_after(ended_at, rules, self._seed, about=about).timestamp()
            slots = [density_key(Candidate(p.claim.position, p.claim.heading_deg, instant(p.at_s))) for p in members]
            self._seal(members, None, not_before=not_before, slots=slots)
            for member in members:
                pictures[member.recording] = pictures.get(member.recording, 0) + 1
        for piece in begun:
            self._finish(piece, pictures.get(piece.fingerprint, 0), None)

    # Both.

    def _pictures(
        self,
        piece: _Piece,
        allows: Callable[[datetime, LonLat], bool],
        spans: Sequence[tuple[int, int]],
        *,
        exact_size: tuple[int, int] | None = None,
    ) -> Iterator[tuple[Taken, RedactedPicture]]:
        start = piece.located.alignment.video_start
        covered = Spans(spans)

        def allowed(at: datetime, position: LonLat) -> bool:
            return not covered.has(_offset_ms((at - start).total_seconds())) and allows(at, position)

        wanted = sum(
            1
            for place in wanted_places(Motion(piece.located.track), every_m=self._options.every_m)
            if 0.0 <= (place.at - start).total_seconds() <= (piece.recording.duration_s or 1e9)
            and allowed(place.at, place.position)
        )
        self._progress.begun(piece.recording, piece.located, wanted)
        size = exact_size or (self._options.max_size, self._options.max_size * 9 // 16)
        frames = selected_frames(
            piece.recording,
            piece.located,
            every_m=self._options.every_m,
            max_size=(max(size), max(size)) if exact_size else size,
            allowed=allowed,
            on_damage=self._on_damage,
        )
        self._is_damaged = False
        try:
            for taken, picture in redacted(
                frames, self._detectors, workers=self._options.workers, stop=self._stop, exact_size=exact_size
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

    def _room_or_wait(self) -> None:
        self._with_room(self._spool.check_room)

    def _seal(
        self,
        held: Sequence[ReadyPicture],
        sequence: UUID | None,
        *,
        not_before: float = 0.0,
        slots: Sequence[str] = (),
    ) -> int:
        if not held:
            return 0
        sealed = 0
        violations: tuple[Violation, ...] = ()

        def seal() -> None:
            nonlocal sealed, violations
            sealed, violations = self._sealer.seal(held, sequence=sequence, not_before=not_before, slots=slots)

        self._with_room(seal)
        for violation in violations:
            row = self._ledger.recording(held[0].recording)
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

    def _finish(self, piece: _Piece, pictures: int, open_sequence: UUID | None) -> None:
        if self._stop.is_set():
            return  # It stays open; the next run goes on behind what is in bundles.
        if self._is_damaged and not _is_still_there(piece):
            return  # The camera was unplugged; the file is not at fault.
        row = replace(
            self._row(piece, RecordingState.DONE), open_sequence=str(open_sequence) if open_sequence else None
        )
        self._save(row)
        self.done.recordings += 1
        self.done.driven_s += piece.recording.duration_s
        self._progress.ended(piece.recording, pictures)


def _ready(taken: Taken, picture: RedactedPicture, recording: str, captured: CapturedAt) -> ReadyPicture:
    claim = PictureClaim(taken.position, captured, taken.heading_deg, taken.accuracy_m)
    return ReadyPicture(picture, rounded(claim), recording, _offset_ms(taken.offset_s), taken.at_s)


def _offset_ms(offset_s: float) -> int:
    return round(offset_s * 1000)


def _modified_s(path: str) -> float | None:
    try:
        return Path(path).stat().st_mtime
    except OSError:  # Not there, or not to be read now.
        return None


def _is_still_there(piece: _Piece) -> bool:
    try:
        return fingerprint(piece.recording.path) == piece.fingerprint
    except HostError:
        return False
