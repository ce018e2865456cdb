from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from dashlight.edge.select import candidates_along
from dashlight.edge.track import Motion, gated
from dashlight.errors import UsageError
from dashlight.model import Fix, LonLat, destination, distance_m

START = datetime(2025, 6, 1, 12, 0, 0, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORIGIN = LonLat(26.1, 44.43)


def motion_of(speeds, *, told=True):
    """A drive north with one speed for each second."""
    travelled, fixes = 0.0, []
    for second, speed in enumerate(speeds):
        position = destination(ORIGIN, 0.0, travelled)
        fixes.append(Fix(START + timedelta(seconds=second), position, speed_mps=speed if told else None))
        travelled += speed
    return Motion(gated(fixes, now=NOW)[0])


def wanted_places(motion, **how):
    return [place for place in candidates_along(motion, **how) if not place.is_standing]


def test_places_are_as_far_apart_as_asked():
    places = list(wanted_places(motion_of([15.0] * 21), every_m=5.0))

    assert len(places) in (60, 61)
    for before, after in pairwise(places):
        assert distance_m(before.position, after.position) == pytest.approx(5.0, abs=0.05)
        assert after.travelled_m - before.travelled_m == pytest.approx(5.0)


def test_windows_hold_their_place_and_never_overlap():
    places = list(wanted_places(motion_of([3.0, 8.0, 20.0, 30.0, 12.0, 4.0, 2.0]), every_m=5.0))

    for place in places:
        assert place.earliest <= place.at <= place.latest
    for before, after in pairwise(places):
        assert before.latest <= after.earliest


def test_nothing_is_wanted_while_standing():
    standing = motion_of([10.0] * 5 + [0.0] * 60 + [10.0] * 5)
    places = list(wanted_places(standing, every_m=5.0))

    stop, go = START + timedelta(seconds=6), START + timedelta(seconds=64)
    assert not [place for place in places if stop < place.at < go]
    assert len(places) >= 18


@pytest.mark.parametrize("told", [True, False])
def test_nothing_at_all_is_wanted_of_a_parked_car(told):
    assert list(wanted_places(motion_of([0.0] * 100, told=told))) == []


def test_a_walk_gives_pictures_too():
    places = list(wanted_places(motion_of([1.2] * 60), every_m=5.0))

    assert len(places) in (14, 15)


def test_an_empty_track_wants_nothing():
    assert list(wanted_places(motion_of([]))) == []


@pytest.mark.parametrize("every_m", [0.0, -5.0, float("nan"), 5000.0])
def test_a_senseless_distance_is_refused_with_its_bounds(every_m):
    with pytest.raises(UsageError, match=r"0\.5\.\.1000 m"):
        list(wanted_places(motion_of([5.0] * 4), every_m=every_m))


def test_a_senseless_window_is_refused():
    with pytest.raises(UsageError, match=r"0\.\.1"):
        list(wanted_places(motion_of([5.0] * 4), window=1.5))
