"""`fleet` and `open`: pictures in order, as sequences."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from dashlight.edge.home.ledger import RecordingState
from dashlight.edge.importing.making import PictureMaker, ready
from dashlight.edge.importing.piece import Piece
from dashlight.edge.importing.result import ImportOptions
from dashlight.edge.importing.stretches import instant
from dashlight.edge.recordings import CONTINUES_WITHIN_S
from dashlight.edge.spool import MAX_ARCHIVE_BYTES, ReadyPicture
from dashlight.edge.station import Station
from dashlight.publication import HiddenBy, Plan, SequenceRuns


def import_in_order(maker: PictureMaker, pieces: Sequence[Piece], plan: Plan) -> None:
    """Import what of a drive may be told, in order, sequences kept.

    Args:
        maker: Makes and seals the pictures.
        pieces: Of one drive, in order of time.
        plan: Of that drive.

    Raises:
        SpoolFull: When there is no room and waiting did not help.
        HostError: When this machine fails.
    """
    disclosure, drive = maker.station.disclosure, pieces[0].fingerprint
    runs = SequenceRuns(
        plan,
        gap_s=disclosure.rules.stop_s,
        identifier=lambda about: disclosure.sequence_id(drive, about),
        continued=_continued(maker.station, pieces[0], plan),
    )
    for piece in pieces:
        if piece.is_done:
            continue
        maker.room_or_wait()
        held: list[ReadyPicture] = []
        open_sequence: UUID | None = None
        spans = maker.station.ledger.published_spans_ms(piece.fingerprint)
        for taken, picture in maker.pictures(piece, lambda at, where: plan.allows(at, where).hidden_by, spans):
            sequence = runs.sequence_at(instant(taken.at_s))
            if sequence is None:  # Allowed on both sides, and between two pieces: a stop parts them.
                maker.tally(piece).leave_out(HiddenBy.STOP)
                continue
            if held and (sequence != open_sequence or _is_enough(held, maker.options)):
                maker.seal(held, open_sequence)
                held = []
            open_sequence = sequence
            held.append(ready(taken, picture, piece.fingerprint, instant(taken.at_s)))
        maker.seal(held, open_sequence)
        maker.finish(piece, runs.open_at_end())
        if maker.stop.is_set():
            return


def _continued(station: Station, first: Piece, plan: Plan) -> UUID | None:
    """Return the sequence that goes on in the first piece, when an earlier import broke off at a file's end."""
    if not plan.pieces:
        return None
    start = first.located.alignment.video_start
    if abs((plan.pieces[0].started_at - start).total_seconds()) > CONTINUES_WITHIN_S:
        return None
    for row in station.ledger.recordings(RecordingState.DONE):
        is_same = row.camera == str(first.recording.camera_position) and row.fingerprint != first.fingerprint
        is_joined = row.ended_at is not None and abs(row.ended_at - start.timestamp()) <= CONTINUES_WITHIN_S
        if is_same and is_joined and row.open_sequence is not None:
            return UUID(row.open_sequence)
    return None


def _is_enough(held: Sequence[ReadyPicture], options: ImportOptions) -> bool:
    return len(held) >= options.bundle_pictures or sum(p.size_bytes for p in held) >= MAX_ARCHIVE_BYTES
