"""How much of a personal drive is told."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from publication_drives import HOME, SECRET, START

from dashlight.model import Month, Week, destination, distance_m
from dashlight.publication import (
    Candidate,
    HiddenBy,
    PersonalRules,
    bundles_of,
    coarse_time,
    density_key,
    send_after,
    thinned,
)


def along(count=1_000, *, every_m=5.0, at=START):
    return [
        Candidate(destination(HOME, 90.0, n * every_m), 90.0, at + timedelta(seconds=n * every_m / 10))
        for n in range(count)
    ]


def test_time_is_the_week_and_the_month_while_there_are_few():
    assert coarse_time(START, 200) == Week(2026, 48)
    assert coarse_time(START, 199) == Month(2026, 11)
    assert coarse_time(datetime(2027, 1, 1, tzinfo=UTC), 200) == Week(2026, 53)


def test_one_picture_a_slot_and_half_of_the_slots():
    candidates = along(4_000)

    verdicts = thinned(candidates, PersonalRules(), SECRET, taken=())

    told = [density_key(c) for c, v in zip(candidates, verdicts, strict=True) if v.hidden_by is None]
    slots = {density_key(c) for c in candidates}
    assert len(told) == len(set(told))
    assert 0.4 <= len(told) / len(slots) <= 0.6
    assert {v.hidden_by for v in verdicts} == {None, HiddenBy.DENSITY, HiddenBy.CHANCE}


def test_a_second_drive_in_the_same_week_tells_nothing_more():
    first = along()
    taken = {
        density_key(c)
        for c, v in zip(first, thinned(first, PersonalRules(), SECRET, taken=()), strict=True)
        if v.hidden_by is None
    }

    again = thinned(along(at=START + timedelta(days=1)), PersonalRules(), SECRET, taken=taken)

    assert not any(v.hidden_by is None for v in again)


def test_headings_at_north_share_an_octant():
    assert density_key(Candidate(HOME, 359.9, START)) == density_key(Candidate(HOME, 0.1, START))
    assert density_key(Candidate(HOME, 22.4, START)) != density_key(Candidate(HOME, 22.6, START))


@pytest.mark.parametrize("every_m", [50.0, 700.0, 5_000.0])
def test_bundles_hold_ten_pictures_two_kilometres_apart(every_m):
    positions = [c.position for c in along(150, every_m=every_m)]

    bundles = bundles_of(positions, SECRET)

    assert sorted(n for b in bundles for n in b) == list(range(150))
    assert max(len(b) for b in bundles) <= 10
    assert all(distance_m(positions[a], positions[b]) >= 2_000 for g in bundles for a, b in combinations(g, 2))


def test_bundles_leave_one_to_three_days_after_the_drive():
    hours = sorted(
        (send_after(START, PersonalRules(), SECRET, about=str(n)) - START).total_seconds() / 3_600 for n in range(1_000)
    )

    assert 24 <= hours[0] < 25
    assert 71 < hours[-1] <= 72
    assert hours[500] == pytest.approx(48, abs=2)
