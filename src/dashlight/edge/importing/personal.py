"""`personal`: single pictures of a whole drive, thinned out and sealed far from each other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dashlight.edge.importing.making import PictureMaker, ready
from dashlight.edge.importing.piece import Piece
from dashlight.edge.importing.stretches import Windows, instant
from dashlight.edge.recordings import candidates_of
from dashlight.edge.select import NotTaken
from dashlight.edge.spool import ReadyPicture
from dashlight.edge.track import Motion
from dashlight.model import Track
from dashlight.publication import (
    PERSONAL_SIZE,
    Candidate,
    PersonalRules,
    Plan,
    bundles_of,
    coarse_time,
    density_key,
    send_after,
    thinned,
)

MAX_HELD_PICTURES = 500  # Of a personal drive in memory, about 75 MB; more are sealed in a second round.


def import_personal(maker: PictureMaker, pieces: Sequence[Piece], plan: Plan, track: Track) -> None:
    """Import what of a drive may be told, thinned out, as pictures that nothing joins.

    Args:
        maker: Makes and seals the pictures.
        pieces: Of one drive, in order of time.
        plan: Of that drive.
        track: Of that drive.

    Raises:
        SpoolFull: When there is no room and waiting did not help.
        HostError: When this machine fails.
    """
    rules = maker.station.disclosure.rules
    assert isinstance(rules, PersonalRules)  # noqa: S101  # for the type checker; the policy says so
    chosen = _chosen_windows(maker, pieces, plan, rules)
    held: list[ReadyPicture] = []
    begun: list[Piece] = []
    ended_at = track.fixes[-1].at
    for piece in pieces:
        if piece.is_done:
            continue
        maker.room_or_wait()
        begun.append(piece)
        windows = chosen[piece.fingerprint]
        spans = maker.station.ledger.published_spans_ms(piece.fingerprint)
        exact = [span for offset in spans for span in ((offset[0], offset[0]), (offset[1], offset[1]))]
        for taken, picture in maker.pictures(piece, windows.hidden_by, exact, exact_size=PERSONAL_SIZE):
            told = coarse_time(instant(taken.at_s), 0)
            held.append(ready(taken, picture, piece.fingerprint, told))
        if maker.stop.is_set():
            for stopped in begun:  # Nothing of them was recorded; the next run makes the same choices.
                maker.finish(stopped, None)
            return
        if len(held) >= MAX_HELD_PICTURES:
            _seal_apart(maker, held, begun, ended_at, rules)
            held, begun = [], []
    _seal_apart(maker, held, begun, ended_at, rules)


def _chosen_windows(
    maker: PictureMaker, pieces: Sequence[Piece], plan: Plan, rules: PersonalRules
) -> dict[str, Windows]:
    """Return, by fingerprint, of which stretches of a recording pictures are told."""
    told: list[Candidate] = []
    windows: dict[str, list[tuple[datetime, datetime, str | None]]] = {piece.fingerprint: [] for piece in pieces}
    places: list[tuple[str, int]] = []  # Of those told: whose, and which of its windows.
    for piece in pieces:
        motion = Motion(piece.located.track)
        mine = windows[piece.fingerprint]
        for place in candidates_of(piece.recording, piece.located, motion, every_m=maker.options.every_m):
            course_deg = motion.heading_at(place.at)
            reason: str | None = plan.allows(place.at, place.position).hidden_by
            if place.is_standing:
                reason = NotTaken.STANDING
            elif course_deg is None:
                reason = reason or NotTaken.NO_HEADING
            elif reason is None:
                told.append(Candidate(place.position, piece.recording.looks_deg(course_deg), place.at))
                places.append((piece.fingerprint, len(mine)))
            mine.append((place.earliest, place.latest, reason))
    verdicts = thinned(told, rules, maker.station.seed, taken=maker.station.ledger.slots())
    for verdict, (name, number) in zip(verdicts, places, strict=True):
        earliest, latest, _ = windows[name][number]
        windows[name][number] = (earliest, latest, verdict.hidden_by)
    return {name: Windows(mine, plan) for name, mine in windows.items()}


def _seal_apart(
    maker: PictureMaker, held: Sequence[ReadyPicture], begun: Sequence[Piece], ended_at: datetime, rules: PersonalRules
) -> None:
    for group in bundles_of([p.claim.position for p in held], maker.station.seed):
        members = [held[n] for n in group]
        about = "/".join(f"{p.recording}:{p.offset_ms}" for p in members)
        not_before = send_after(ended_at, rules, maker.station.seed, about=about).timestamp()
        slots = [density_key(Candidate(p.claim.position, p.claim.heading_deg, instant(p.at_s))) for p in members]
        maker.seal(members, None, not_before=not_before, slots=slots)
    for piece in begun:
        maker.finish(piece, None)
