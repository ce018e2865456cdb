"""The plan of a drive: what of it may be told, and which rule hides the rest."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from dashlight.model import Fix, LonLat, Policy, Track
from dashlight.publication.ends import Stop, stops_of, trim_m, trimmed_count
from dashlight.publication.places import Drive, apprenticeship
from dashlight.publication.rules import HiddenPlace, Rules

_BEYOND_S = 2.0  # Pictures this near to the first or last fix still have its verdict.


class HiddenBy(StrEnum):
    """The rule that hid something."""

    HIDDEN_PLACE = "hidden-place"
    DRIVE_END = "drive-end"
    STOP = "stop"
    APPRENTICESHIP = "apprenticeship"
    NO_POSITION = "no-position"
    DENSITY = "density"
    CHANCE = "chance"


SENTENCES: dict[HiddenBy, str] = {
    HiddenBy.HIDDEN_PLACE: "It lies in one of your hidden places.",
    HiddenBy.DRIVE_END: "It lies on the first or last stretch of a drive.",
    HiddenBy.STOP: "The vehicle stood here for more than five minutes.",
    HiddenBy.APPRENTICESHIP: "Nothing is told until your habitual places are known.",
    HiddenBy.NO_POSITION: "There is no position for this time.",
    HiddenBy.DENSITY: "This street already has a picture of yours this week.",
    HiddenBy.CHANCE: "Only a random half of the streets is told each week.",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether something may be told.

    Attributes:
        hidden_by: The rule that hides it, or None when it may be told.
    """

    hidden_by: HiddenBy | None = None

    @property
    def sentence(self) -> str:
        """The rule in words for the contributor; empty when nothing is hidden."""
        return "" if self.hidden_by is None else SENTENCES[self.hidden_by]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a drive that may be told.

    Attributes:
        started_at: Its first fix.
        ended_at: Its last fix.
    """

    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What of one drive may be told.

    Attributes:
        policy: Under which.
        places: The hidden places that were regarded.
        pieces: What may be told, in order of time.
    """

    policy: Policy
    places: tuple[HiddenPlace, ...]
    pieces: tuple[Piece, ...]
    _times: tuple[datetime, ...] = field(repr=False)  # of the fixes
    _hidden_by: tuple[HiddenBy | None, ...] = field(repr=False)  # one a fix
    _stops: tuple[Stop, ...] = field(repr=False)

    def allows(self, at: datetime, position: LonLat) -> Verdict:
        """Return whether a picture of that time and place may be told; between two fixes both must be."""
        if not self._times:
            return Verdict(HiddenBy.NO_POSITION)
        beyond = timedelta(seconds=_BEYOND_S)
        if not self._times[0] - beyond <= at <= self._times[-1] + beyond:
            return Verdict(HiddenBy.NO_POSITION)
        if any(p.hides(position) for p in self.places):
            return Verdict(HiddenBy.HIDDEN_PLACE)
        if any(s.started_at < at < s.ended_at for s in self._stops):
            return Verdict(HiddenBy.STOP)
        after = bisect_right(self._times, at)
        # On a fix, that fix decides; between two, the fix before and the fix after.
        if self._times[max(after - 1, 0)] == at:
            around = self._hidden_by[after - 1 : after]
        else:
            around = self._hidden_by[max(after - 1, 0) : after + 1]
        return Verdict(next((h for h in around if h is not None), None))

    def piece_at(self, at: datetime) -> Piece | None:
        """Return the piece that a picture of that time belongs to, or None when it may not be told."""
        beyond = timedelta(seconds=_BEYOND_S)
        near = [p for p in self.pieces if p.started_at - beyond <= at <= p.ended_at + beyond]
        inside = [p for p in near if p.started_at <= at <= p.ended_at]
        return next(iter(inside or near), None)


def plan(
    track: Track,
    rules: Rules,
    *,
    places: Iterable[HiddenPlace],
    history: Sequence[Drive],
    secret: bytes,
) -> Plan:
    """Return what of a drive may be told.

    Args:
        track: The whole drive: clips that continue each other are one.
        rules: Of the policy chosen at enrolment.
        places: All hidden places known by now; plan again what still waits when one is added.
        history: All drives known by now, this one too.
        secret: The contributor's, at least 16 bytes.

    Raises:
        PrivacyError: When the secret is too short.
    """
    hidden_places = tuple(places)
    stops = stops_of(track, stop_s=rules.stop_s)
    hidden_by = _ends_hidden(track.fixes, stops, rules, hidden_places, secret)
    if not apprenticeship(history, rules).is_over:
        hidden_by = [HiddenBy.APPRENTICESHIP] * len(track.fixes)
    pieces = _pieces(track.fixes, hidden_by, stops)
    return Plan(rules.policy, hidden_places, pieces, tuple(f.at for f in track.fixes), tuple(hidden_by), stops)


def _ends_hidden(
    fixes: Sequence[Fix], stops: Sequence[Stop], rules: Rules, places: Sequence[HiddenPlace], secret: bytes
) -> list[HiddenBy | None]:
    hidden_by: list[HiddenBy | None] = [None] * len(fixes)
    for first, last in _legs(fixes, stops):
        leg = fixes[first:last]
        head = trimmed_count(leg, trim_m(leg[0].position, rules, places, secret))
        tail = trimmed_count(leg[::-1], trim_m(leg[-1].position, rules, places, secret))
        for number in [*range(first, first + head), *range(last - tail, last)]:
            hidden_by[number] = HiddenBy.DRIVE_END
    for number, fix in enumerate(fixes):
        if any(s.started_at < fix.at < s.ended_at for s in stops):
            hidden_by[number] = HiddenBy.STOP
        if any(p.hides(fix.position) for p in places):
            hidden_by[number] = HiddenBy.HIDDEN_PLACE
    return hidden_by


def _legs(fixes: Sequence[Fix], stops: Sequence[Stop]) -> list[tuple[int, int]]:
    times = [f.at for f in fixes]
    bounds = [0]
    for stop in stops:
        bounds += [bisect_right(times, stop.started_at), bisect_right(times, stop.ended_at) - 1]
    bounds.append(len(fixes))
    return [(a, b) for a, b in zip(bounds[::2], bounds[1::2], strict=True) if a < b]


def _pieces(
    fixes: Sequence[Fix],
    hidden_by: Sequence[HiddenBy | None],
    stops: Sequence[Stop],
) -> tuple[Piece, ...]:
    starts = [s.ended_at for s in stops]
    pieces: list[Piece] = []
    run: list[datetime] = []

    def close() -> None:
        if run:
            pieces.append(Piece(run[0], run[-1]))
            run.clear()

    for fix, rule in zip(fixes, hidden_by, strict=True):
        if rule is not None or (run and bisect_right(starts, run[-1]) != bisect_right(starts, fix.at)):
            close()
        if rule is None:
            run.append(fix.at)
    close()
    return tuple(pieces)
