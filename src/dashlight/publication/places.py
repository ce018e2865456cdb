"""Which places a contributor's own drives give away, and the hidden places that follow.

A place counts by *visits*: the end of one drive and the start of the next at the same spot are one visit, and so is
a stop within a drive. For `personal` and `open` the second visit hides a place, for `fleet` the second long rest:
a terminus is no secret, a depot and the street where a driver sleeps are. What a place was learnt from never leaves
the machine; only `HiddenPlace`, whose centre was moved, goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dashlight.model import LonLat, Track, distance_m
from dashlight.publication.chance import moved
from dashlight.publication.ends import stops_of
from dashlight.publication.rules import (
    CENTRE_OFFSET_M,
    SAME_PLACE_M,
    STOP_S,
    FleetRules,
    HiddenPlace,
    PersonalRules,
    Rules,
)

_SAME_PLACE_DEG = SAME_PLACE_M / 111_000.0  # A degree of latitude is longer.
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # A camera whose clock was never set says 1970 or 1980.


@dataclass(frozen=True, slots=True)
class Visit:
    """Being at one place between two drives, or for a while within one.

    Attributes:
        position: Where.
        arrived_at: When the drive there ended; None when it is not known (a first start).
        left_at: When the next began; None when there is none yet.
    """

    position: LonLat
    arrived_at: datetime | None
    left_at: datetime | None

    @property
    def stayed_s(self) -> float:
        """Seconds, as far as known."""
        if self.arrived_at is None or self.left_at is None:
            return 0.0
        return (self.left_at - self.arrived_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Drive:
    """What is remembered of a drive for the policy's sake; the edge keeps one for each drive, for ever.

    Attributes:
        ends: Its start, its stops and its end, in order; the start has no arrival and the end no departure.
    """

    ends: tuple[Visit, ...]

    @property
    def started_at(self) -> datetime:
        """When it began."""
        return self.ends[0].left_at or _EARLIEST

    @property
    def ended_at(self) -> datetime:
        """When it ended."""
        return self.ends[-1].arrived_at or _EARLIEST


@dataclass(frozen=True, slots=True)
class LearntPlace:
    """A place of the contributor's, and what hides it.

    Attributes:
        anchor: The place itself; secret.
        hidden: The hidden place, with its centre moved once and kept.
    """

    anchor: LonLat
    hidden: HiddenPlace


@dataclass(frozen=True, slots=True)
class Apprenticeship:
    """How far the drives known are from telling which places are habitual.

    Attributes:
        days: Days from the first drive known to the end of the last.
        drives: How many are known.
        is_over: Whether anything may be told.
    """

    days: float
    drives: int
    is_over: bool


def drive_of(track: Track, *, stop_s: float = STOP_S) -> Drive | None:
    """Return what is remembered of a drive, or None when the track is empty."""
    if not track.fixes:
        return None
    first, last = track.fixes[0], track.fixes[-1]
    stops = (Visit(s.position, s.started_at, s.ended_at) for s in stops_of(track, stop_s=stop_s))
    return Drive((Visit(first.position, None, first.at), *stops, Visit(last.position, last.at, None)))


def visits_of(history: Iterable[Drive]) -> tuple[Visit, ...]:
    """Return every visit in order of time; clips that go on where the last one ended make none."""
    visits: list[Visit] = []
    for drive in sorted(history, key=lambda d: d.started_at):
        for end in drive.ends:
            before = visits[-1] if visits else None
            if before is None or not _is_same_visit(before, end):
                visits.append(end)
                continue
            is_parked = before.left_at is None and end.arrived_at is None
            visits[-1] = Visit(before.position, before.arrived_at, end.left_at)
            if is_parked and before.arrived_at is not None and visits[-1].stayed_s <= STOP_S:
                visits.pop()
    return tuple(visits)


def _is_same_place(a: LonLat, b: LonLat) -> bool:
    # Most places of a contributor's years differ in latitude alone; that is quicker to see.
    return abs(a.lat - b.lat) <= _SAME_PLACE_DEG and distance_m(a, b) < SAME_PLACE_M


def _is_same_visit(before: Visit, after: Visit) -> bool:
    if not _is_same_place(before.position, after.position):
        return False
    left_at, arrived_at = before.left_at, after.arrived_at
    if left_at is None and arrived_at is None:
        return True  # parked between two drives, however long
    if left_at is None or arrived_at is None:
        return False
    return (arrived_at - left_at).total_seconds() <= STOP_S  # only shunted about


def hide(anchor: LonLat, secret: bytes, *, radius_m: float = PersonalRules().hidden_radius_m) -> HiddenPlace:
    """Return the hidden place of a place that the owner named or that was learnt.

    The centre is the place moved by an offset uniform over the area of an 800 m disc, which follows from the secret
    and the place: chosen once and kept.
    """
    return HiddenPlace(moved(anchor, CENTRE_OFFSET_M, secret, "hidden-place"), radius_m)


def learnt_places(
    history: Iterable[Drive], rules: Rules, secret: bytes, *, known: Sequence[LearntPlace] = ()
) -> tuple[LearntPlace, ...]:
    """Return the places to hide: those `known`, unchanged, and after them those that the drives now show.

    Keep the result and pass it as `known` the next time: a place that once was hidden stays so, with the same
    centre, even when older drives are added later.
    """
    places = list(known)
    once: list[LonLat] = []
    for visit in visits_of(history):
        if isinstance(rules, FleetRules) and visit.stayed_s < rules.rest_s:
            continue
        if any(_is_same_place(p.anchor, visit.position) for p in places):
            continue
        earlier = next((p for p in once if _is_same_place(p, visit.position)), None)
        if earlier is None:
            once.append(visit.position)
        else:
            places.append(LearntPlace(earlier, hide(earlier, secret, radius_m=rules.hidden_radius_m)))
    return tuple(places)


def apprenticeship(history: Sequence[Drive], rules: Rules) -> Apprenticeship:
    """Return whether the drives known are enough to tell which places are habitual.

    Drives from before 2000 do not count: that clock was never set. `fleet` and `open` have no apprenticeship.
    """
    dated = [d for d in history if d.started_at >= _EARLIEST]
    span = max(d.ended_at for d in dated) - min(d.started_at for d in dated) if dated else None
    days = span.total_seconds() / 86_400 if span is not None else 0.0
    is_over = not isinstance(rules, PersonalRules) or (
        days >= rules.apprenticeship_days and len(dated) >= rules.apprenticeship_drives
    )
    return Apprenticeship(days, len(dated), is_over)
