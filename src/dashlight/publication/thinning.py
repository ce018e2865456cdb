"""How many pictures of a `personal` drive are told, how late, how coarsely, and in whose company."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashlight.model import LonLat, Month, Week, distance_m, h3_parent, h3_r15_of
from dashlight.publication.chance import drawn
from dashlight.publication.rules import (
    BUNDLE_APART_M,
    BUNDLE_PICTURES,
    MONTH_BELOW_ENROLMENTS,
    PersonalRules,
)
from dashlight.publication.telling import HiddenBy, Verdict

_DENSITY_RESOLUTION = 11  # H3, about 50 m across
_BUNDLE_MARGIN_M = 1.0  # Positions are rounded on the wire; the check there must still hold.


@dataclass(frozen=True, slots=True)
class Candidate:
    """A picture that the plan allows, before it is thinned out."""

    position: LonLat
    heading_deg: float
    at: datetime


def coarse_time(at: datetime, active_enrolments: int) -> Week | Month:
    """Return the finest time that may be told of a `personal` picture.

    Args:
        at: When it was captured, aware UTC.
        active_enrolments: The instance's `personal` enrolments that are active; 0 when it is not known.
    """
    if active_enrolments < MONTH_BELOW_ENROLMENTS:
        return Month(at.year, at.month)
    return Week.of(at.date())


def density_key(candidate: Candidate) -> str:
    """Return the name of the one slot that a candidate may fill: r11 cell, heading octant and ISO week."""
    cell = h3_parent(h3_r15_of(candidate.position), _DENSITY_RESOLUTION)
    octant = int((candidate.heading_deg + 22.5) % 360.0 // 45.0)
    return f"{cell:x}/{octant}/{Week.of(candidate.at.date()).label}"


def thinned(
    candidates: Sequence[Candidate], rules: PersonalRules, secret: bytes, *, taken: Collection[str]
) -> tuple[Verdict, ...]:
    """Return for each candidate whether it is told: one a slot, and a random half of the slots.

    Which slots, and which candidate of a slot, follows from the secret: neither the first nor the last of a street.

    Args:
        candidates: Of one drive, in any order.
        rules: Of the policy.
        secret: The contributor's.
        taken: The slots (`density_key`) that earlier drives filled.
    """
    keys = [density_key(c) for c in candidates]
    best: dict[str, tuple[float, int]] = {}
    for number, (key, candidate) in enumerate(zip(keys, candidates, strict=True)):
        rank, _ = drawn(secret, "candidate", f"{key}/{candidate.at.isoformat()}")
        best[key] = min(best.get(key, (rank, number)), (rank, number))
    verdicts = []
    for number, key in enumerate(keys):
        if drawn(secret, "half", key)[0] >= rules.kept_share:
            verdicts.append(Verdict(HiddenBy.CHANCE))
        elif key in taken or best[key][1] != number:
            verdicts.append(Verdict(HiddenBy.DENSITY))
        else:
            verdicts.append(Verdict())
    return tuple(verdicts)


def bundles_of(positions: Sequence[LonLat], secret: bytes) -> tuple[tuple[int, ...], ...]:
    """Return which pictures travel together: at most 10 a bundle, no two within 2 km, in no telling order."""
    order = sorted(range(len(positions)), key=lambda n: drawn(secret, "bundle", f"{n}/{positions[n]}"))
    groups: list[list[int]] = []
    for number in order:
        place = positions[number]
        for group in groups:
            if len(group) < BUNDLE_PICTURES and all(_are_apart(place, positions[other]) for other in group):
                group.append(number)
                break
        else:
            groups.append([number])
    return tuple(tuple(g) for g in groups)


def _are_apart(a: LonLat, b: LonLat) -> bool:
    return distance_m(a, b) >= BUNDLE_APART_M + _BUNDLE_MARGIN_M


def send_after(ended_at: datetime, rules: PersonalRules, secret: bytes, *, about: str) -> datetime:
    """Return the earliest time at which a bundle may leave: 24 to 72 h after its drive, uniformly.

    Args:
        ended_at: When the drive ended.
        rules: Of the policy.
        secret: The contributor's.
        about: The bundle; each has a delay of its own.
    """
    share, _ = drawn(secret, "send-after", about)
    least_s, most_s = rules.send_after_least_s, rules.send_after_most_s
    return ended_at + timedelta(seconds=least_s + share * (most_s - least_s))
