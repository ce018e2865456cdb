from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from dashlight.edge.track import DropReason, Motion, gated
from dashlight.model import Fix, LonLat, Track, compass_deg, destination, distance_m, heading_difference_deg

START = datetime(2025, 6, 1, 12, 0, 0, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORIGIN = LonLat(26.1, 44.43)
COMMA = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "recordings" / "comma2k19_seg40"


def at(seconds):
    return START + timedelta(seconds=seconds)


def drive(seconds=20, *, origin=ORIGIN, heading_deg=45.0, speed_mps=15.0, told=True):
    return [
        Fix(at(i), destination(origin, heading_deg, speed_mps * i), speed_mps=speed_mps if told else None)
        for i in range(seconds + 1)
    ]


def dropped(report):
    return dict(report.dropped)


def test_gate_keeps_a_plain_drive_whole():
    track, report = gated(drive(), now=NOW)

    assert (len(track.fixes), report.kept, report.dropped) == (21, 21, ())
    assert report.summary == "21 of 21 positions"


def test_gate_of_nothing_is_an_empty_track():
    track, report = gated([], now=NOW)

    assert track.fixes == ()
    assert report.total == 0
    assert Motion(track).spans() == ()
    assert Motion(track).position_at(START) is None


@pytest.mark.parametrize(
    ("fix", "reason"),
    [
        (Fix(at(5.5), ORIGIN, is_valid=False), DropReason.NO_FIX),
        (Fix(at(5.5), LonLat(0.0, 0.0)), DropReason.NULL_ISLAND),
        (Fix(at(5.5), LonLat(0.009, -0.009)), DropReason.NULL_ISLAND),  # What a server would refuse.
        (Fix(at(5.5), LonLat(26.1, 89.9)), DropReason.POLE),
        (Fix(at(5.5), LonLat(26.1, -90.0)), DropReason.POLE),
        (Fix(datetime(1980, 1, 6, tzinfo=UTC), ORIGIN), DropReason.CLOCK_PAST),
        (Fix(datetime(1970, 1, 1, tzinfo=UTC), ORIGIN), DropReason.CLOCK_PAST),
        (Fix(NOW + timedelta(days=2), ORIGIN), DropReason.CLOCK_FUTURE),
        (Fix(at(5.5), ORIGIN, accuracy_m=80.0), DropReason.ACCURACY),
        (Fix(at(5.5), ORIGIN, accuracy_m=float("nan")), DropReason.ACCURACY),
        (Fix(at(5.5), ORIGIN, speed_mps=90.0), DropReason.JUMP),
        (Fix(at(5), ORIGIN), DropReason.DUPLICATE),
    ],
)
def test_gate_drops_one_bad_fix_and_says_why(fix, reason):
    fixes = drive()
    fixes.insert(6, fix)

    track, report = gated(fixes, now=NOW)

    assert len(track.fixes) == 21
    assert dropped(report) == {reason: 1}
    assert str(reason) in report.summary


def test_gate_drops_a_jump_of_the_receiver_and_goes_on():
    fixes = drive()
    fixes[10] = Fix(at(10), destination(ORIGIN, 200.0, 3000.0), speed_mps=15.0)

    track, report = gated(fixes, now=NOW)

    assert len(track.fixes) == 20
    assert dropped(report) == {DropReason.JUMP: 1}


def test_gate_drops_a_jump_at_the_very_start():
    fixes = drive()
    fixes[0] = Fix(at(0), destination(ORIGIN, 200.0, 3000.0), speed_mps=15.0)

    track, report = gated(fixes, now=NOW)

    assert track.fixes[0].at == at(1)
    assert dropped(report) == {DropReason.JUMP: 1}


def test_gate_drops_a_jump_far_below_the_top_speed_when_the_receiver_tells_its_speed():
    fixes = drive(speed_mps=3.0)
    fixes[10] = Fix(at(10), destination(fixes[10].position, 90.0, 60.0), speed_mps=3.0)

    _, report = gated(fixes, now=NOW)

    assert dropped(report) == {DropReason.JUMP: 1}


def test_a_clock_that_jumps_back_loses_the_shorter_part():
    fixes = drive(20)
    back = [Fix(f.at - timedelta(seconds=15), f.position) for f in fixes[16:]]

    track, report = gated(fixes[:16] + back, now=NOW)

    assert len(track.fixes) == 16
    assert dropped(report) == {DropReason.CLOCK_JUMP: 5}


def test_a_position_frozen_at_speed_is_dropped_and_one_frozen_while_standing_is_kept():
    frozen = drive(10)
    frozen[3:8] = [Fix(at(i), frozen[3].position, speed_mps=15.0) for i in range(3, 8)]
    standing = [Fix(at(i), ORIGIN, speed_mps=0.0) for i in range(10)]

    _, frozen_report = gated(frozen, now=NOW)
    _, standing_report = gated(standing, now=NOW)

    assert dropped(frozen_report)[DropReason.FROZEN] == 4
    assert standing_report.dropped == ()


def test_position_heading_speed_and_way_on_a_straight_road():
    motion = Motion(gated(drive(), now=NOW)[0])

    assert distance_m(motion.position_at(at(7.3)), destination(ORIGIN, 45.0, 15.0 * 7.3)) < 0.01
    assert motion.heading_at(at(7.3)) == pytest.approx(45.0, abs=0.01)
    assert motion.speed_at(at(7.3)) == pytest.approx(15.0, abs=0.02)
    assert motion.travelled_at(at(7.3)) == pytest.approx(15.0 * 7.3, abs=0.1)
    assert motion.length_m == pytest.approx(300.0, abs=0.2)
    assert motion.time_at_travelled(motion.travelled_at(at(7.3))) - at(7.3) < timedelta(milliseconds=1)


def test_nothing_is_told_before_after_and_across_a_gap():
    fixes = drive(20)
    motion = Motion(gated(fixes[:6] + fixes[12:], now=NOW)[0])

    assert motion.position_at(at(-0.1)) is None
    assert motion.position_at(at(20.1)) is None
    assert motion.position_at(at(8)) is None
    assert motion.heading_at(at(8)) is None
    assert motion.speed_at(at(8)) is None
    assert motion.position_at(at(4)) is not None
    assert motion.position_at(at(13)) is not None
    assert [(a, b) for a, b in motion.spans()] == [(at(0), at(5)), (at(12), at(20))]
    assert motion.travelled_at(at(12)) == pytest.approx(180.0, abs=0.2)


def test_heading_is_held_while_standing_although_positions_wander():
    rng = np.random.default_rng(7)
    fixes = drive(10)
    stop = fixes[-1].position
    fixes += [
        Fix(at(11 + i), destination(stop, float(rng.uniform(0, 360)), float(rng.uniform(0, 1.5))), speed_mps=0.1)
        for i in range(30)
    ]

    motion = Motion(gated(fixes, now=NOW)[0])

    assert motion.heading_at(at(30)) == pytest.approx(45.0, abs=3.0)
    assert motion.length_m < 155.0


@pytest.mark.parametrize("origin", [LonLat(179.9995, 10.0), LonLat(-179.9995, -20.0)])
@pytest.mark.parametrize("heading_deg", [90.0, 270.0])
def test_a_drive_over_the_antimeridian_is_a_drive_like_any_other(origin, heading_deg):
    motion = Motion(gated(drive(20, origin=origin, heading_deg=heading_deg), now=NOW)[0])

    assert motion.length_m == pytest.approx(300.0, abs=0.2)
    assert heading_difference_deg(motion.heading_at(at(10)), heading_deg) < 0.05
    for half_seconds in range(40):
        here = motion.position_at(at(half_seconds / 2))
        assert distance_m(here, destination(origin, heading_deg, 7.5 * half_seconds)) < 0.1


def _north_east_of(ecef, velocity):
    x, y, z = ecef
    lon, flat = np.arctan2(y, x), 1 / 298.257223563
    squared = flat * (2 - flat)
    lat = np.arctan2(z, np.hypot(x, y) * (1 - squared))
    for _ in range(5):
        normal = 6378137.0 / np.sqrt(1 - squared * np.sin(lat) ** 2)
        lat = np.arctan2(z + squared * normal * np.sin(lat), np.hypot(x, y))
    east = np.array([-np.sin(lon), np.cos(lon), 0.0])
    north = np.array([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])
    return LonLat(float(np.degrees(lon)), float(np.degrees(lat))), velocity @ east, velocity @ north


def _comma(name):
    return np.load(COMMA / name)


@pytest.mark.parametrize("every", [1, 10], ids=["10 fixes a second", "1 fix a second"])
def test_a_real_drive_against_its_fused_pose_and_its_wheels(every):
    if not COMMA.is_dir():
        pytest.skip("comma2k19_seg40 of ../shared/data is not on this machine")
    gnss, clock = (
        _comma("processed_log__GNSS__live_gnss_ublox__value"),
        _comma("processed_log__GNSS__live_gnss_ublox__t"),
    )
    to_utc_s = float(np.median(gnss[:, 3] / 1e3 - clock))
    fixes = [
        Fix(
            datetime.fromtimestamp(row[3] / 1e3, UTC),
            LonLat(float(row[1]), float(row[0])),
            speed_mps=float(row[2]),
            course_deg=compass_deg(float(row[5])),
        )
        for row in gnss[::every]
    ]
    pose_times, pose = _comma("global_pose__frame_times"), _comma("global_pose__frame_positions")
    velocity = _comma("global_pose__frame_velocities")
    wheel_times, wheel = _comma("processed_log__CAN__speed__t"), _comma("processed_log__CAN__speed__value")[:, 0]

    track, report = gated(fixes, now=NOW)
    motion = Motion(track)
    headings, places, speeds, wheels = [], [], [], []
    for frame in range(0, 1200, 5):
        moment = datetime.fromtimestamp(pose_times[frame] + to_utc_s, UTC)
        place = motion.position_at(moment)
        if place is None:
            continue
        true_place, east, north = _north_east_of(pose[frame], velocity[frame])
        true_speed = float(np.hypot(east, north))
        places.append(distance_m(place, true_place))
        speeds.append(abs(motion.speed_at(moment) - true_speed))
        wheels.append(abs(motion.speed_at(moment) - np.interp(pose_times[frame], wheel_times, wheel)))
        if true_speed > 5.0:
            true_heading = compass_deg(float(np.degrees(np.arctan2(east, north))))
            headings.append(heading_difference_deg(motion.heading_at(moment), true_heading))

    assert report.dropped == ()
    assert len(places) > 220
    assert np.median(headings) < 0.5
    assert np.percentile(headings, 95) < 1.5
    assert np.median(places) < 2.0
    assert np.median(speeds) < 0.3
    assert np.median(wheels) < 0.3


def test_accuracy_is_that_of_the_worse_neighbour():
    fixes = [Fix(at(i), destination(ORIGIN, 0.0, 5.0 * i), accuracy_m=3.0 + i) for i in range(5)]
    motion = Motion(Track(tuple(fixes)))

    assert motion.accuracy_at(at(2.5)) == 6.0
    assert Motion(Track(tuple(drive(3)))).accuracy_at(at(1)) is None
