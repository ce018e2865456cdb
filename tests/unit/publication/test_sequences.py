"""Sequences of a drive: one a piece, a fresh one after a gap, and the same ones at every run."""

from datetime import timedelta
from uuid import UUID, uuid5

from publication_drives import START, straight, with_stop

from dashlight.model import Track
from dashlight.publication import FleetRules, SequenceRuns, plan

SECRET = bytes(32)
CONTINUED = UUID(int=7)


def runs_of(track, *, continued=None):
    told = plan(track, FleetRules(), places=(), history=(), secret=SECRET)
    return SequenceRuns(
        told, gap_s=FleetRules().stop_s, identifier=lambda about: uuid5(UUID(int=1), about), continued=continued
    )


def sequences(runs, seconds):
    return [runs.sequence_at(START + timedelta(seconds=s)) for s in seconds]


def test_pictures_of_a_piece_are_one_sequence_at_every_run():
    track = Track(tuple(straight()))

    first = sequences(runs_of(track), (0, 100, 200))

    assert len(set(first)) == 1
    assert first == sequences(runs_of(track), (0, 100, 200))


def test_a_gap_between_pictures_takes_a_fresh_sequence():
    a, b, c, d, e = sequences(runs_of(Track(tuple(straight()))), (0, 100, 500, 600, 1_000))

    assert (a, c) == (b, d)
    assert len({a, c, e}) == 3


def test_a_stop_parts_sequences_and_what_is_not_told_has_none():
    track = with_stop(duration_s=600)
    runs = runs_of(track)
    before, during, after = (
        runs.sequence_at(at)
        for at in (track.fixes[900].at, track.fixes[1000].at + timedelta(seconds=300), track.fixes[-100].at)
    )

    assert during is None
    assert before != after
    assert None not in (before, after)


def test_a_drive_that_continues_another_goes_on_with_its_sequence():
    runs = runs_of(Track(tuple(straight())), continued=CONTINUED)

    assert sequences(runs, (0, 100)) == [CONTINUED, CONTINUED]
    assert runs.open_at_end() == CONTINUED


def test_a_drive_without_a_picture_at_its_end_leaves_nothing_open():
    runs = runs_of(with_stop(duration_s=600))
    sequences(runs, (10,))

    assert runs.open_at_end() is None
