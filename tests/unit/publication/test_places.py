"""Habitual places are learnt from the drives themselves."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from publication_drives import HOME, SECRET, START, straight, with_stop

from dashlight.errors import PrivacyError
from dashlight.model import LonLat, Track, destination, distance_m
from dashlight.publication import (
    FleetRules,
    OpenRules,
    PersonalRules,
    apprenticeship,
    drive_of,
    hide,
    learnt_places,
    visits_of,
)

WORK = destination(HOME, 90.0, 10_000.0)


def commute(day, *, hour=8, back=False):
    at = datetime(2026, 11, 1, hour, tzinfo=UTC) + timedelta(days=day)
    return drive_of(Track(tuple(straight(WORK if back else HOME, at=at, heading_deg=270.0 if back else 90.0))))


def test_one_parked_car_is_one_visit():
    history = [commute(0), commute(0, hour=17, back=True)]

    visits = visits_of(history)

    assert [round(distance_m(v.position, HOME), -2) for v in visits] == [0, 10_000, 0]
    assert visits[1].stayed_s == pytest.approx(9 * 3600, abs=1001)


def test_a_place_is_hidden_at_its_second_visit():
    assert learnt_places([commute(0)], PersonalRules(), SECRET) == ()

    places = learnt_places([commute(0), commute(0, hour=17, back=True)], PersonalRules(), SECRET)

    assert [distance_m(p.anchor, HOME) < 1 for p in places] == [True]


def test_work_is_hidden_on_the_second_day():
    history = [commute(0), commute(0, hour=17, back=True), commute(1), commute(1, hour=17, back=True)]

    places = learnt_places(history, OpenRules(), SECRET)

    assert len(places) == 2
    assert distance_m(places[1].anchor, WORK) < 1


def test_a_fleet_hides_where_it_rests_twice_and_no_terminus():
    days = [[commute(day, hour=h, back=bool(h % 2)) for h in range(6, 12)] for day in range(3)]

    after_two = learnt_places([*days[0], *days[1]], FleetRules(), SECRET)
    after_three = learnt_places([*days[0], *days[1], *days[2]], FleetRules(), SECRET)

    assert after_two == ()
    assert [distance_m(p.anchor, HOME) < 50 for p in after_three] == [True]


def test_a_known_place_keeps_its_centre_when_older_drives_come_later():
    known = learnt_places([commute(5), commute(5, hour=17, back=True)], PersonalRules(), SECRET)
    older = [commute(d, hour=h, back=h == 17) for d in range(4) for h in (8, 17)]

    places = learnt_places([*older, commute(5)], PersonalRules(), SECRET, known=known)

    assert places[0] == known[0]
    assert sum(distance_m(p.anchor, HOME) < 300 for p in places) == 1


def test_clips_that_continue_each_other_make_no_visit():
    fixes = straight(length_m=9_000.0)
    clips = [drive_of(Track(tuple(fixes[a:b]))) for a, b in pairwise((0, 300, 600, 901))]

    assert len(visits_of(clips)) == 2


def test_a_stop_where_the_drive_began_is_one_visit():
    drive = drive_of(with_stop(duration_s=600, length_m=100.0))

    assert len(visits_of([drive])) == 1


def test_a_stop_over_five_minutes_is_an_end():
    assert len(drive_of(with_stop(duration_s=400)).ends) == 3
    assert len(drive_of(with_stop(duration_s=200)).ends) == 2


def test_a_gap_over_five_minutes_is_a_stop():
    first = straight(length_m=1_000)
    later = straight(WORK, at=first[-1].at + timedelta(seconds=301))

    assert len(drive_of(Track((*first, *later))).ends) == 3


def test_an_empty_track_is_no_drive():
    assert drive_of(Track(())) is None


def test_a_place_lies_at_least_400_m_inside_what_hides_it():
    for n in range(200):
        place = destination(HOME, n * 7.0, n * 100.0)

        assert hide(place, SECRET).hides(place, depth_m=399.0)


def test_offsets_are_uniform_over_the_area_of_the_disc():
    offsets = sorted(distance_m(hide(p, SECRET).centre, p) for p in (LonLat(n / 100, 10) for n in range(2_000)))

    # Over the area, half of the offsets are beyond 800 / sqrt(2) m; over the radius it would be 400 m.
    assert offsets[1_000] == pytest.approx(800 / 2**0.5, abs=15)
    assert offsets[-1] <= 800.01


def test_another_secret_moves_a_place_elsewhere():
    assert distance_m(hide(HOME, SECRET).centre, hide(HOME, b"\1" * 32).centre) > 1.0


def test_a_short_secret_is_refused():
    with pytest.raises(PrivacyError, match="15 bytes"):
        hide(HOME, bytes(15))


def test_the_apprenticeship_takes_14_days_and_20_drives():
    rules = PersonalRules()

    assert not apprenticeship([], rules).is_over
    assert not apprenticeship([commute(d) for d in range(19)], rules).is_over
    assert not apprenticeship([commute(0, hour=h) for h in range(21)], rules).is_over
    assert apprenticeship([commute(d) for d in range(20)], rules).is_over
    assert apprenticeship([], FleetRules()).is_over


def test_a_drive_of_a_clock_that_was_never_set_does_not_count():
    unset = drive_of(Track(tuple(straight(at=datetime(1980, 1, 6, tzinfo=UTC)))))

    assert not apprenticeship([unset, *[commute(0, hour=h) for h in range(20)]], PersonalRules()).is_over


def test_a_longer_stay_is_told_in_seconds():
    assert drive_of(Track(tuple(straight()))).ends[0].stayed_s == 0.0
    assert drive_of(Track(tuple(straight()))).started_at == START
