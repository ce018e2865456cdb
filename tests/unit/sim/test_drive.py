from datetime import UTC, datetime

import numpy as np
import pytest

from dashlight.errors import InputError
from dashlight.model import distance_m, heading_between, heading_difference_deg
from dashlight.sim.drive import (
    BRAKE_MPS2,
    CRUISE_MPS,
    MAX_DURATION_S,
    RED_LIGHTS,
    STEP_M,
    Place,
    lane_path,
    noisy_fixes,
    planned_motion,
)

STARTED_AT = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def motion():
    return planned_motion(lane_path())


def test_the_way_has_no_jumps(motion):
    steps = np.hypot(*np.diff(motion.path[:, :2], axis=0).T)

    assert np.abs(steps - STEP_M).max() < 0.02


def test_the_way_turns_at_each_corner(motion):
    assert np.degrees(motion.path[[0, -1], 2]) == pytest.approx([0.0, 0.0], abs=1.0)
    assert np.degrees(motion.path[:, 2].max()) == pytest.approx(90.0, abs=1.0)


def test_the_driver_never_exceeds_what_a_calm_driver_would(motion):
    times = np.arange(1.0, motion.duration_s - 1.0, 0.5)
    poses = [motion.pose_at(t) for t in times]

    assert max(pose.speed_mps for pose in poses) <= CRUISE_MPS + 0.01
    assert min(pose.acceleration_mps2 for pose in poses) >= -BRAKE_MPS2 - 1.5


def test_the_driver_waits_at_the_red_light(motion):
    ((crossing, wait_s),) = RED_LIGHTS
    times = np.arange(0.0, motion.duration_s, 0.1)
    standing = [t for t in times if motion.pose_at(t).speed_mps < 0.3]

    assert len(standing) * 0.1 == pytest.approx(wait_s, abs=1.5)
    pose = motion.pose_at(standing[0])
    assert 10.0 < np.hypot(pose.x - crossing[0], pose.y - crossing[1]) < 16.0


def test_the_longest_drive_fits_the_way(motion):
    assert motion.duration_s > MAX_DURATION_S


def test_fixes_stay_near_the_vehicle(motion):
    place = Place()
    track = noisy_fixes(motion, place, started_at=STARTED_AT, duration_s=60.0, seed=3)

    off_m = [
        distance_m(fix.position, place.lon_lat(pose.x, pose.y))
        for fix, pose in ((fix, motion.pose_at((fix.at - STARTED_AT).total_seconds())) for fix in track.fixes)
    ]
    assert len(off_m) == 61
    assert 0.2 < np.median(off_m) < 4.0
    assert max(off_m) < 8.0


def test_fixes_are_the_same_for_the_same_seed_only(motion):
    one, same, other = (
        noisy_fixes(motion, Place(), started_at=STARTED_AT, duration_s=10.0, seed=seed) for seed in (1, 1, 2)
    )

    assert one == same
    assert one != other


def test_the_plane_lies_on_the_globe_as_told():
    place = Place()
    start, ahead = place.lon_lat(0.0, 0.0), place.lon_lat(0.0, 250.0)

    assert distance_m(start, ahead) == pytest.approx(250.0, abs=0.1)
    assert heading_difference_deg(heading_between(start, ahead), place.heading(0.0)) < 0.1


@pytest.mark.parametrize(("duration_s", "rate_hz"), [(0.0, 1.0), (MAX_DURATION_S + 1, 1.0), (10.0, 0.0), (10.0, 99.0)])
def test_impossible_drives_are_refused_with_the_bound(motion, duration_s, rate_hz):
    with pytest.raises(InputError, match=r"75|50"):
        noisy_fixes(motion, Place(), started_at=STARTED_AT, duration_s=duration_s, seed=1, rate_hz=rate_hz)


def test_a_start_without_a_zone_is_refused(motion):
    with pytest.raises(InputError, match="aware UTC"):
        noisy_fixes(motion, Place(), started_at=datetime(2026, 1, 1), duration_s=5.0, seed=1)  # noqa: DTZ001
