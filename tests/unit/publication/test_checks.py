"""What who sees a bundle only can still check."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from publication_drives import HOME, START

from dashlight.model import LonLat, Month, PictureClaim, Policy, Week, destination
from dashlight.publication import check_bundle

SEQUENCE = UUID(int=5)
NOW = START + timedelta(days=2)


def moving(count=20, *, every_m=5.0, every_s=0.5):
    return [
        PictureClaim(destination(HOME, 90.0, n * every_m), START + timedelta(seconds=n * every_s), 90.0)
        for n in range(count)
    ]


def scattered(count=10, *, apart_m=2_000.5, captured=None):
    return [PictureClaim(destination(HOME, 90.0, n * apart_m), captured or Week(2026, 47), 90.0) for n in range(count)]


def codes(policy, claims, sequence=None, **options):
    return [v.code for v in check_bundle(policy, claims, sequence, now=NOW, **options)]


@pytest.mark.parametrize("policy", [Policy.FLEET, Policy.OPEN])
def test_a_drive_that_keeps_the_policy_is_taken(policy):
    assert codes(policy, moving(), SEQUENCE, sizes=[(640, 480)] * 20) == []
    assert codes(policy, moving(1)) == []


def test_a_personal_bundle_that_keeps_the_policy_is_taken():
    assert codes(Policy.PERSONAL, scattered(), sizes=[(1280, 720)] * 10, active_enrolments=200) == []
    assert codes(Policy.PERSONAL, scattered(captured=Month(2026, 11)), active_enrolments=3) == []
    assert codes(Policy.PERSONAL, scattered(captured=Week(2026, 48))) == []


@pytest.mark.parametrize(
    ("claims", "options", "code"),
    [
        (scattered(2, captured=START), {}, "exact-time"),
        (scattered(2, apart_m=1_990), {}, "near"),
        (scattered(11), {}, "count"),
        (scattered(1), {"sizes": [(1280, 719)]}, "size"),
        (scattered(1), {"sequence": SEQUENCE}, "sequence"),
        (scattered(1, captured=Week(2026, 49)), {}, "future"),
        (scattered(1, captured=Month(2026, 12)), {}, "future"),
        (scattered(1, captured=Week(1999, 51)), {}, "past"),
        (scattered(1, captured=Month(1999, 12)), {}, "past"),
        (scattered(1), {"active_enrolments": 199}, "week"),
        ([PictureClaim(LonLat(0.001, -0.001), Week(2026, 47), 0.0)], {}, "null-island"),
        ([PictureClaim(LonLat(10, 89.9), Week(2026, 47), 0.0)], {}, "pole"),
    ],
)
def test_a_personal_bundle_that_breaks_a_rule_is_named(claims, options, code):
    assert set(codes(Policy.PERSONAL, claims, **options)) == {code}


def at(seconds):
    return START + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ([PictureClaim(HOME, Week(2026, 47), 0.0)], "coarse-time"),
        ([PictureClaim(HOME, NOW + timedelta(seconds=301), 0.0)], "future"),
        ([PictureClaim(HOME, datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), 0.0)], "past"),
        ([PictureClaim(HOME, datetime(1980, 1, 6, tzinfo=UTC), 0.0)], "past"),
        (list(reversed(moving(2))), "order"),
        (moving(2, every_s=0.0), "order"),
        (moving(2, every_s=300.5), "gap"),
        (moving(2, every_m=121.0, every_s=1.0), "speed"),
        (moving(2, every_m=1_000_000.0, every_s=299.0), "speed"),
        (moving(4, every_m=0.2), "standing"),
        ([PictureClaim(LonLat(0, 0), START, 0.0)], "null-island"),
        ([PictureClaim(LonLat(0, -90), START, 0.0)], "pole"),
    ],
)
def test_a_drive_that_breaks_a_rule_is_named(claims, code):
    assert codes(Policy.FLEET, claims, SEQUENCE) == [code]


def test_pictures_without_a_sequence_claim_no_order():
    assert codes(Policy.OPEN, list(reversed(moving(5)))) == []


def test_a_creeping_queue_is_not_standing():
    assert codes(Policy.FLEET, moving(30, every_m=0.6, every_s=2.0), SEQUENCE) == []


def test_across_the_antimeridian_nobody_is_quick():
    claims = [PictureClaim(LonLat(179.9999, 10), at(0), 90.0), PictureClaim(LonLat(-179.9999, 10), at(1), 90.0)]

    assert codes(Policy.FLEET, claims, SEQUENCE) == []


def test_a_violation_says_the_picture_the_value_and_the_bound():
    claims = [*moving(2), PictureClaim(destination(HOME, 90.0, 5_000), at(2), 90.0)]

    (violation,) = check_bundle(Policy.FLEET, claims, SEQUENCE, now=NOW)

    assert violation.picture == 2
    assert "4995 m in 1.500 s" in violation.message
    assert "90 m/s" in violation.message
