"""What of the policy can be checked again by who sees a bundle only: the same function at the edge and at ingest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, pairwise
from typing import cast
from uuid import UUID

from dashlight.model import MERCATOR_MAX_LAT, NULL_ISLAND_DEG, CapturedAt, Month, PictureClaim, Policy, distance_m
from dashlight.publication.rules import (
    BUNDLE_APART_M,
    BUNDLE_PICTURES,
    MONTH_BELOW_ENROLMENTS,
    PERSONAL_SIZE,
    STOP_S,
)

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # Before it no dashcam had a satellite receiver; a clock was not set.
_EARLIEST_MONDAY = date(1999, 12, 27)  # of the week that holds it
FUTURE_S = 300.0  # How far a clock may be ahead.
MAX_SPEED_MPS = 90.0
_POSITION_SLACK_M = 30.0  # Two neighbours may each be this wrong together.
_STANDING_M = 1.0
_STANDING_PICTURES = 4
_ROUNDING_M = 0.5  # Positions are rounded to 1e-6 degrees.


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which a bundle breaks the policy that it claims.

    Attributes:
        code: The stable name of the rule.
        message: One sentence with the value and the bound.
        picture: The number of the picture, or None when it is about the bundle.
    """

    code: str
    message: str
    picture: int | None = None


def check_bundle(
    policy: Policy,
    claims: Sequence[PictureClaim],
    sequence: UUID | None,
    *,
    now: datetime,
    sizes: Sequence[tuple[int, int]] | None = None,
    active_enrolments: int | None = None,
) -> tuple[Violation, ...]:
    """Return every way in which a bundle breaks the policy that it claims; empty when it keeps it.

    Args:
        policy: The one it claims.
        claims: Its pictures' claims in the order of the manifest.
        sequence: The sequence it claims, if any.
        now: The checker's clock, aware UTC.
        sizes: Its pictures' width and height in pixels, or None to leave them unchecked.
        active_enrolments: The instance's active `personal` enrolments, or None to allow weeks whatever they are.
    """
    found = [v for n, claim in enumerate(claims) for v in _place(claim, n)]
    if policy is Policy.PERSONAL:
        found += _personal(claims, sequence, now, active_enrolments)
        found += _sizes(sizes or ())
    else:
        exact = list(_exact_times(policy, claims, now))
        found += exact
        if not exact and sequence is not None:
            found += _order(claims)
            found += _standing(claims)
    return tuple(found)


def _place(claim: PictureClaim, number: int) -> Iterator[Violation]:
    lon, lat = claim.position.lon, claim.position.lat
    if abs(lat) > MERCATOR_MAX_LAT:
        yield Violation("pole", f"latitude {lat} is beyond the map's edge, {MERCATOR_MAX_LAT:.4f}", number)
    if abs(lon) < NULL_ISLAND_DEG and abs(lat) < NULL_ISLAND_DEG:
        yield Violation("null-island", f"the position {lon}, {lat} is a receiver's zero, not a place", number)


def _personal(
    claims: Sequence[PictureClaim], sequence: UUID | None, now: datetime, active_enrolments: int | None
) -> Iterator[Violation]:
    if sequence is not None:
        yield Violation("sequence", "a personal bundle tells no sequence")
    if len(claims) > BUNDLE_PICTURES:
        yield Violation("count", f"{len(claims)} pictures; a personal bundle holds at most {BUNDLE_PICTURES}")
    for number, claim in enumerate(claims):
        yield from _coarse_time(claim.captured, number, now, active_enrolments)
    # More than ten are refused above: the pairs of a hostile bundle must not cost a server its time.
    for a, b in combinations(range(min(len(claims), BUNDLE_PICTURES)), 2):
        apart_m = distance_m(claims[a].position, claims[b].position)
        if apart_m < BUNDLE_APART_M - _ROUNDING_M:
            yield Violation("near", f"pictures {a} and {b} are {apart_m:.0f} m apart; at least {BUNDLE_APART_M:.0f}", b)


def _coarse_time(
    captured: CapturedAt, number: int, now: datetime, active_enrolments: int | None
) -> Iterator[Violation]:
    if isinstance(captured, datetime):
        yield Violation("exact-time", "a personal picture tells a week or a month, not a time", number)
        return
    if isinstance(captured, Month):
        first = date(captured.year, captured.number, 1)
    else:
        first = captured.monday
        if active_enrolments is not None and active_enrolments < MONTH_BELOW_ENROLMENTS:
            yield Violation(
                "week",
                f"the week is told from {MONTH_BELOW_ENROLMENTS} contributors on; here are {active_enrolments}",
                number,
            )
    if first > (now + timedelta(seconds=FUTURE_S)).date():
        yield Violation("future", f"{captured.label} begins after {now:%Y-%m-%d}", number)
    if first < _EARLIEST_MONDAY:
        yield Violation("past", f"{captured.label} is before {EARLIEST:%Y-%m-%d}", number)


def _sizes(sizes: Sequence[tuple[int, int]]) -> Iterator[Violation]:
    due = PERSONAL_SIZE
    for number, (width, height) in enumerate(sizes):
        if (width, height) != due:
            yield Violation("size", f"{width}x{height} pixels; a personal picture has {due[0]}x{due[1]}", number)


def _exact_times(policy: Policy, claims: Sequence[PictureClaim], now: datetime) -> Iterator[Violation]:
    latest = now + timedelta(seconds=FUTURE_S)
    for number, claim in enumerate(claims):
        at = claim.captured
        if not isinstance(at, datetime):
            yield Violation("coarse-time", f"a {policy} picture tells its time, not {at.label}", number)
        elif at > latest:
            yield Violation("future", f"{at.isoformat()} is more than {FUTURE_S:.0f} s after {now.isoformat()}", number)
        elif at < EARLIEST:
            yield Violation("past", f"{at.isoformat()} is before {EARLIEST:%Y-%m-%d}", number)


def _order(claims: Sequence[PictureClaim]) -> Iterator[Violation]:
    for number, (before, after) in enumerate(pairwise(claims), start=1):
        elapsed_s = (cast("datetime", after.captured) - cast("datetime", before.captured)).total_seconds()
        apart_m = distance_m(before.position, after.position)
        if elapsed_s <= 0:
            yield Violation("order", f"picture {number} is {-elapsed_s:.3f} s before the one that it follows", number)
        elif elapsed_s > STOP_S:
            yield Violation("gap", f"{elapsed_s:.0f} s within one sequence; at most {STOP_S:.0f}", number)
        elif apart_m > MAX_SPEED_MPS * elapsed_s + _POSITION_SLACK_M:
            yield Violation(
                "speed", f"{apart_m:.0f} m in {elapsed_s:.3f} s; at most {MAX_SPEED_MPS:.0f} m/s are likely", number
            )


def _standing(claims: Sequence[PictureClaim]) -> Iterator[Violation]:
    first = 0
    for number in range(1, len(claims)):
        if distance_m(claims[first].position, claims[number].position) >= _STANDING_M:
            first = number
        elif number - first + 1 == _STANDING_PICTURES:
            yield Violation(
                "standing", f"pictures {first} to {number} are of one place; none is due while standing", number
            )
