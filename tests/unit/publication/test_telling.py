"""The plan of a drive."""

from datetime import timedelta

import pytest
from publication_drives import HOME, SECRET, START, standing, straight, with_stop

from dashlight.model import Fix, Track, destination, distance_m
from dashlight.publication import (
    SENTENCES,
    FleetRules,
    HiddenBy,
    HiddenPlace,
    OpenRules,
    PersonalRules,
    drive_of,
    plan,
)


def planned(track, rules, *, places=(), history=()):
    return plan(track, rules, places=places, history=history, secret=SECRET)


def experienced():
    return [
        drive_of(Track(tuple(straight(at=START - timedelta(days=30 - n), length_m=100 + n * 400)))) for n in range(20)
    ]


def test_a_fleet_tells_a_drive_from_end_to_end():
    track = Track(tuple(straight()))

    result = planned(track, FleetRules())

    assert [(p.started_at, p.ended_at) for p in result.pieces] == [(track.fixes[0].at, track.fixes[-1].at)]
    assert all(result.allows(f.at, f.position).hidden_by is None for f in track.fixes)


def test_a_fleet_changes_its_sequence_at_each_stop_and_trims_the_stop():
    track = with_stop(duration_s=600)

    result = planned(track, FleetRules())

    assert len(result.pieces) == 2
    mid = track.fixes[1000].at + timedelta(seconds=300)
    assert result.allows(mid, track.fixes[1000].position).hidden_by is HiddenBy.STOP
    assert result.pieces[1].started_at - result.pieces[0].ended_at > timedelta(seconds=300)


def test_a_short_stop_does_not_break_a_sequence():
    assert len(planned(with_stop(duration_s=200), FleetRules()).pieces) == 1


def test_a_gap_in_the_fixes_breaks_a_sequence():
    first = straight(length_m=2_000)
    far = destination(first[-1].position, 90.0, 3_000)
    track = Track((*first, *straight(far, at=first[-1].at + timedelta(seconds=400))))

    result = planned(track, FleetRules())

    assert len(result.pieces) == 2
    assert result.allows(first[-1].at + timedelta(seconds=200), far).hidden_by is HiddenBy.STOP


@pytest.mark.parametrize("rules", [FleetRules(), OpenRules(), PersonalRules()])
def test_nothing_in_a_hidden_place_is_told(rules):
    track = Track(tuple(straight()))
    middle = destination(HOME, 90.0, 5_000)
    place = HiddenPlace(middle)

    result = planned(track, rules, places=[place], history=experienced())

    told = [f for f in track.fixes if result.allows(f.at, f.position).hidden_by is None]
    assert told
    assert min(distance_m(f.position, middle) for f in told) > 1_200
    assert result.allows(track.fixes[500].at, middle).hidden_by is HiddenBy.HIDDEN_PLACE
    assert len(result.pieces) == 2


def test_a_picture_between_two_sparse_fixes_is_checked_by_its_own_place():
    track = Track(tuple(straight(every_s=290.0, length_m=60_000)))
    middle = destination(HOME, 90.0, 2_900 * 3 + 1_450)

    result = planned(track, FleetRules(), places=[HiddenPlace(middle)])

    at = track.fixes[3].at + timedelta(seconds=145)
    assert result.allows(track.fixes[3].at, track.fixes[3].position).hidden_by is None
    assert result.allows(at, middle).hidden_by is HiddenBy.HIDDEN_PLACE


@pytest.mark.parametrize("rules", [OpenRules(), PersonalRules()])
def test_each_end_is_trimmed_by_500_to_1000_m(rules):
    track = Track(tuple(straight()))

    result = planned(track, rules, history=experienced())

    told = [f for f in track.fixes if result.allows(f.at, f.position).hidden_by is None]
    assert 500 <= distance_m(HOME, told[0].position) <= 1_040
    assert 500 <= distance_m(told[-1].position, track.fixes[-1].position) <= 1_040
    assert result.allows(track.fixes[3].at, track.fixes[3].position).hidden_by is HiddenBy.DRIVE_END


def test_standing_before_the_drive_does_not_use_up_the_trim():
    parked = [Fix(START, HOME), *standing(HOME, at=START, duration_s=280, every_s=0.1)]
    on = straight(at=START + timedelta(seconds=280))
    track = Track((*parked, *on))

    result = planned(track, OpenRules())

    told = [f for f in track.fixes if result.allows(f.at, f.position).hidden_by is None]
    assert distance_m(HOME, told[0].position) > 480


def test_the_same_end_has_the_same_trim_on_every_drive():
    firsts = {
        planned(Track(tuple(straight(at=START + timedelta(days=n)))), OpenRules()).pieces[0].started_at
        - timedelta(days=n)
        for n in range(5)
    }

    assert len(firsts) == 1


def test_an_end_deep_in_a_hidden_place_is_not_trimmed_on_top_and_a_shallow_one_is():
    track = Track(tuple(straight()))
    deep = HiddenPlace(destination(HOME, 270.0, 790.0))
    shallow = HiddenPlace(destination(HOME, 270.0, 1_190.0))

    def first_told(place):
        result = planned(track, OpenRules(), places=[place])
        return next(f for f in track.fixes if result.allows(f.at, f.position).hidden_by is None)

    assert distance_m(HOME, first_told(deep).position) == pytest.approx(410, abs=15)
    assert distance_m(HOME, first_told(shallow).position) >= 500


def test_a_drive_shorter_than_its_trims_is_not_told():
    result = planned(Track(tuple(straight(length_m=900))), OpenRules())

    assert result.pieces == ()


def test_nothing_is_told_during_the_apprenticeship():
    track = Track(tuple(straight()))

    result = planned(track, PersonalRules(), history=experienced()[:19])

    assert result.pieces == ()
    assert result.allows(track.fixes[500].at, track.fixes[500].position).hidden_by is HiddenBy.APPRENTICESHIP


def test_a_time_without_a_position_is_not_told():
    track = Track(tuple(straight()))
    result = planned(track, FleetRules())

    before = result.allows(START - timedelta(seconds=3), HOME)

    assert before.hidden_by is HiddenBy.NO_POSITION
    assert before.sentence
    assert result.allows(START - timedelta(seconds=1), HOME).hidden_by is None
    assert result.allows(track.fixes[-1].at + timedelta(seconds=1), HOME).hidden_by is None
    assert planned(Track(()), FleetRules()).allows(START, HOME).hidden_by is HiddenBy.NO_POSITION


def test_between_two_fixes_both_must_be_told():
    track = Track(tuple(straight()))
    result = planned(track, OpenRules())
    edge = result.pieces[0].started_at

    assert result.allows(edge, destination(HOME, 90.0, 3_000)).hidden_by is None
    assert result.allows(edge - timedelta(milliseconds=500), destination(HOME, 90.0, 3_000)).hidden_by is not None


def test_every_rule_has_a_sentence_for_the_contributor():
    assert set(SENTENCES) == set(HiddenBy)
    assert planned(Track(tuple(straight())), FleetRules()).allows(START, HOME).sentence == ""
