"""Where a drive ends: at its two ends, and at every stop longer than five minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from dashlight.model import Fix, LonLat, Track, distance_m, h3_parent, h3_r15_of
from dashlight.publication.chance import drawn
from dashlight.publication.rules import (
    CENTRE_OFFSET_M,
    HIDDEN_RADIUS_M,
    STOP_S,
    FleetRules,
    HiddenPlace,
    OpenRules,
    PersonalRules,
)

STOP_RADIUS_M = 50.0  # A vehicle that stays within this for five minutes stands, whatever its receiver jitters.
_STEP_M = 30.0  # Metres are counted in steps of this, so that a receiver's jitter while standing counts none.
_DEEP_M = HIDDEN_RADIUS_M - CENTRE_OFFSET_M  # An end this far inside a hidden place needs no trim.
_PLACE_RESOLUTION = 9  # H3, about 350 m across: ends in one cell get one trim, so that it cannot be averaged out.


@dataclass(frozen=True, slots=True)
class Stop:
    """A time in which the vehicle stood, or told nothing.

    Attributes:
        started_at: The first fix of it.
        ended_at: The last fix of it.
        position: Where it began.
    """

    started_at: datetime
    ended_at: datetime
    position: LonLat


def stops_of(track: Track, *, stop_s: float = STOP_S) -> tuple[Stop, ...]:
    """Return the stops longer than `stop_s` in order; a gap that long between two fixes is one as well."""
    fixes = _each_second(track.fixes)
    stops: list[Stop] = []
    first = 0
    while first < len(fixes):
        last = _stays_until(fixes, first)
        if (fixes[last].at - fixes[first].at).total_seconds() > stop_s:
            stops.append(Stop(fixes[first].at, fixes[last].at, fixes[first].position))
            first = max(last, first + 1)
        else:
            first += 1
    return tuple(_merged([*stops, *_gaps(track.fixes, stop_s)]))


def _each_second(fixes: Sequence[Fix]) -> list[Fix]:
    kept: list[Fix] = []
    for fix in fixes:
        if not kept or (fix.at - kept[-1].at).total_seconds() >= 1.0:
            kept.append(fix)
    return kept


def _stays_until(fixes: Sequence[Fix], first: int) -> int:
    last = first
    while last + 1 < len(fixes) and distance_m(fixes[first].position, fixes[last + 1].position) <= STOP_RADIUS_M:
        last += 1
    return last


def _gaps(fixes: Sequence[Fix], stop_s: float) -> list[Stop]:
    return [
        Stop(before.at, after.at, before.position)
        for before, after in pairwise(fixes)
        if (after.at - before.at).total_seconds() > stop_s
    ]


def _merged(stops: list[Stop]) -> list[Stop]:
    merged: list[Stop] = []
    for stop in sorted(stops, key=lambda s: s.started_at):
        if merged and stop.started_at <= merged[-1].ended_at:
            before = merged[-1]
            merged[-1] = Stop(before.started_at, max(before.ended_at, stop.ended_at), before.position)
        else:
            merged.append(stop)
    return merged


def trim_m(
    end: LonLat, rules: FleetRules | OpenRules | PersonalRules, places: Sequence[HiddenPlace], secret: bytes
) -> float:
    """Return how many metres of the way are cut at an end.

    None where the end lies deep in a hidden place, which hides it better; there a trim on top would only give the
    averages away. None for `fleet`. Ends in one neighbourhood have one trim for ever.
    """
    if isinstance(rules, FleetRules) or any(p.hides(end, depth_m=_DEEP_M) for p in places):
        return 0.0
    cell = h3_parent(h3_r15_of(end), _PLACE_RESOLUTION)
    share, _ = drawn(secret, "trim", f"{cell:x}")
    return rules.trim_m + share * rules.trim_random_m


def trimmed_count(fixes: Sequence[Fix], length_m: float) -> int:
    """Return how many fixes, counted from the first, lie on the first `length_m` metres of the way.

    All of them when the way is not that long.
    """
    if length_m <= 0.0 or not fixes:
        return 0
    travelled_m, anchor = 0.0, fixes[0].position
    for number, fix in enumerate(fixes):
        step_m = distance_m(anchor, fix.position)
        if step_m >= _STEP_M:
            travelled_m, anchor = travelled_m + step_m, fix.position
        if travelled_m >= length_m:
            return number
    return len(fixes)
