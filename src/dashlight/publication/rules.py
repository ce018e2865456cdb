"""The numbers of each publication policy. Their defaults are the weakest that protect; they only go up.

The figures come from measured attacks, see docs/explanation/publication.md: smaller hidden places, centred ones and
fresh trims for every drive were tried and gave homes away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from dashlight.errors import PrivacyError
from dashlight.model import LonLat, Policy, distance_m

HIDDEN_RADIUS_M = 1_200.0
CENTRE_OFFSET_M = 800.0  # Uniform over the disc's area, so that a place is at least 400 m inside its hidden place.
SAME_PLACE_M = 300.0  # Two ends nearer than this are the same place: a car park is as wide as that.
TRIM_M = 500.0
TRIM_RANDOM_M = 500.0
STOP_S = 300.0
REST_S = 4 * 3600.0  # Where a vehicle rests this long twice is a depot, or where its driver sleeps; a terminus is not.
APPRENTICESHIP_DAYS = 14
APPRENTICESHIP_DRIVES = 20
KEPT_SHARE = 0.5
SEND_AFTER_LEAST_S = 24 * 3600.0
SEND_AFTER_MOST_S = 72 * 3600.0
MONTH_BELOW_ENROLMENTS = 200
BUNDLE_PICTURES = 10
BUNDLE_APART_M = 2_000.0
PERSONAL_SIZE = (1_280, 720)
_LEAST_M_A_DEGREE = 111_000.0  # of latitude; on the sphere that is measured on it has 111,195 m


def _at_least(policy: Policy, name: str, value: float, bound: float) -> None:
    if not (math.isfinite(value) and value >= bound):
        raise PrivacyError(
            f"{name} {value:g} of the policy {policy} is weaker than its least, {bound:g}",
            hint=f"Set {name} to {bound:g} or more, or leave it out.",
            code="weak-rule",
        )


def _at_most(policy: Policy, name: str, value: float, bound: float) -> None:
    if not 0 <= value <= bound:
        raise PrivacyError(
            f"{name} {value:g} of the policy {policy} is outside 0..{bound:g}",
            hint=f"Set {name} to {bound:g} or less, or leave it out.",
            code="weak-rule",
        )


@dataclass(frozen=True, slots=True)
class FleetRules:
    """The rules for vehicles of an organisation that has agreed in writing.

    Attributes:
        hidden_radius_m: Everything this near to a hidden place's moved centre is never told.
        stop_s: A stop longer than this is trimmed, and ends its sequence.
        rest_s: A place where the vehicle rests this long a second time becomes hidden by itself; depots and homes
            that the organisation names are hidden from the start.

    Raises:
        PrivacyError: When a value protects less than the default.
    """

    policy: ClassVar[Policy] = Policy.FLEET
    hidden_radius_m: float = HIDDEN_RADIUS_M
    stop_s: float = STOP_S
    rest_s: float = REST_S

    def __post_init__(self) -> None:
        _at_least(self.policy, "hidden_radius_m", self.hidden_radius_m, HIDDEN_RADIUS_M)
        _at_most(self.policy, "stop_s", self.stop_s, STOP_S)
        _at_most(self.policy, "rest_s", self.rest_s, REST_S)


@dataclass(frozen=True, slots=True)
class OpenRules:
    """The rules for a mapper who chooses to be seen.

    Attributes:
        hidden_radius_m: Everything this near to a hidden place's moved centre is never told.
        trim_m: Metres of the way cut at each end of a drive that is not a hidden place.
        trim_random_m: The most that the secret adds to it.
        stop_s: A stop longer than this is an end.

    Raises:
        PrivacyError: When a value protects less than the default.
    """

    policy: ClassVar[Policy] = Policy.OPEN
    hidden_radius_m: float = HIDDEN_RADIUS_M
    trim_m: float = TRIM_M
    trim_random_m: float = TRIM_RANDOM_M
    stop_s: float = STOP_S

    def __post_init__(self) -> None:
        _at_least(self.policy, "hidden_radius_m", self.hidden_radius_m, HIDDEN_RADIUS_M)
        _at_least(self.policy, "trim_m", self.trim_m, TRIM_M)
        _at_least(self.policy, "trim_random_m", self.trim_random_m, TRIM_RANDOM_M)
        _at_most(self.policy, "stop_s", self.stop_s, STOP_S)


@dataclass(frozen=True, slots=True)
class PersonalRules:
    """The rules for everybody else, and the default.

    Attributes:
        hidden_radius_m: Everything this near to a hidden place's moved centre is never told.
        trim_m: Metres of the way cut at each end of a drive that is not a hidden place.
        trim_random_m: The most that the secret adds to it.
        stop_s: A stop longer than this is an end.
        apprenticeship_days: Nothing is told before the drives known cover this many days...
        apprenticeship_drives: ...and are this many.
        kept_share: The share of the candidates that is told at all.
        send_after_least_s: A picture leaves at the earliest this long after its drive...
        send_after_most_s: ...and at the latest this long.

    Raises:
        PrivacyError: When a value protects less than the default.
    """

    policy: ClassVar[Policy] = Policy.PERSONAL
    hidden_radius_m: float = HIDDEN_RADIUS_M
    trim_m: float = TRIM_M
    trim_random_m: float = TRIM_RANDOM_M
    stop_s: float = STOP_S
    apprenticeship_days: int = APPRENTICESHIP_DAYS
    apprenticeship_drives: int = APPRENTICESHIP_DRIVES
    kept_share: float = KEPT_SHARE
    send_after_least_s: float = SEND_AFTER_LEAST_S
    send_after_most_s: float = SEND_AFTER_MOST_S

    def __post_init__(self) -> None:
        for name, bound in (
            ("hidden_radius_m", HIDDEN_RADIUS_M),
            ("trim_m", TRIM_M),
            ("trim_random_m", TRIM_RANDOM_M),
            ("apprenticeship_days", APPRENTICESHIP_DAYS),
            ("apprenticeship_drives", APPRENTICESHIP_DRIVES),
            ("send_after_least_s", SEND_AFTER_LEAST_S),
            ("send_after_most_s", max(SEND_AFTER_MOST_S, self.send_after_least_s + 48 * 3600.0)),
        ):
            _at_least(self.policy, name, getattr(self, name), bound)
        _at_most(self.policy, "stop_s", self.stop_s, STOP_S)
        _at_most(self.policy, "kept_share", self.kept_share, KEPT_SHARE)


Rules = FleetRules | OpenRules | PersonalRules


def default_rules(policy: Policy) -> Rules:
    """Return the rules of a policy as they are when nobody enlarged them."""
    match policy:
        case Policy.FLEET:
            return FleetRules()
        case Policy.OPEN:
            return OpenRules()
        case Policy.PERSONAL:
            return PersonalRules()


@dataclass(frozen=True, slots=True)
class HiddenPlace:
    """A disc in which nothing is ever told. Its centre is not the place that it hides: see `places.hide`.

    Attributes:
        centre: The moved centre.
        radius_m: Metres around it, at least 1,200.

    Raises:
        PrivacyError: When the radius is smaller than the least.
    """

    centre: LonLat
    radius_m: float = HIDDEN_RADIUS_M

    def __post_init__(self) -> None:
        if not (math.isfinite(self.radius_m) and self.radius_m >= HIDDEN_RADIUS_M):
            raise PrivacyError(
                f"a hidden place of radius {self.radius_m:g} m is smaller than the least, {HIDDEN_RADIUS_M:g} m",
                hint=f"Set the radius to {HIDDEN_RADIUS_M:g} or more.",
                code="weak-rule",
            )

    def hides(self, position: LonLat, *, depth_m: float = 0.0) -> bool:
        """Return whether `position` lies inside, at least `depth_m` metres from the edge."""
        within_m = self.radius_m - depth_m
        if abs(self.centre.lat - position.lat) * _LEAST_M_A_DEGREE > within_m:  # Most are; that is quicker to see.
            return False
        return distance_m(self.centre, position) <= within_m
