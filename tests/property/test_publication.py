"""What holds for every drive, whatever its shape."""

from datetime import UTC, datetime, timedelta
from itertools import combinations, groupby
from uuid import UUID, uuid5

from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashlight.model import Fix, LonLat, PictureClaim, Policy, Track, destination, distance_m, heading_between
from dashlight.publication import (
    Candidate,
    FleetRules,
    OpenRules,
    PersonalRules,
    SequenceRuns,
    bundles_of,
    check_bundle,
    coarse_time,
    drive_of,
    hide,
    learnt_places,
    plan,
    stops_of,
    thinned,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
secrets = st.binary(min_size=16, max_size=32)
positions = st.builds(
    LonLat, st.floats(-180, 180, allow_nan=False), st.floats(-84, 84, allow_nan=False)
)  # beyond 84 degrees a picture is refused anyway
steps = st.lists(
    st.tuples(st.floats(0.1, 400.0), st.floats(0, 360, exclude_max=True), st.floats(0, 35.0)), min_size=1, max_size=80
)


def track_of(start, legs):
    fixes, at, position = [Fix(START, start)], START, start
    for duration_s, heading_deg, speed_mps in legs:
        at += timedelta(seconds=duration_s)
        position = destination(position, heading_deg, duration_s * speed_mps)
        fixes.append(Fix(at, position, speed_mps))
    return Track(tuple(fixes))


tracks = st.builds(track_of, positions, steps)


def identifier(about):
    """Return the identifier of a stretch of a drive."""
    return uuid5(UUID(int=1), about)


@given(positions, secrets, st.floats(1_200, 5_000))
@example(LonLat(179.9999, 0.0), bytes(16), 1_200.0)
@example(LonLat(0.0, 84.0), bytes(16), 1_200.0)
def test_a_hidden_place_covers_its_place_by_400_m(place, secret, radius_m):
    hidden = hide(place, secret, radius_m=radius_m)

    assert hidden == hide(place, secret, radius_m=radius_m)
    assert distance_m(hidden.centre, place) <= radius_m - 399.9


@given(tracks, secrets, st.sampled_from([FleetRules(), OpenRules()]), st.data())
@settings(max_examples=60)
def test_what_is_told_is_outside_hidden_places_and_stops_and_in_a_piece(track, secret, rules, data):
    places = [
        hide(f.position, secret) for f in data.draw(st.lists(st.sampled_from(track.fixes), max_size=3, unique=True))
    ]

    result = plan(track, rules, places=places, history=(), secret=secret)

    stops = stops_of(track)
    for fix in track.fixes:
        if result.allows(fix.at, fix.position).hidden_by is None:
            assert not any(p.hides(fix.position) for p in places)
            assert not any(s.started_at < fix.at < s.ended_at for s in stops)
            assert result.piece_at(fix.at) is not None
    for piece, after in zip(result.pieces, result.pieces[1:], strict=False):
        assert piece.ended_at < after.started_at


@given(tracks, secrets)
@settings(max_examples=60)
def test_what_a_fleet_tells_passes_the_check_of_order_at_ingest(track, secret):
    result = plan(track, FleetRules(), places=(), history=(), secret=secret)
    told = [f for f in track.fixes if result.allows(f.at, f.position).hidden_by is None]

    runs = SequenceRuns(result, gap_s=FleetRules().stop_s, identifier=identifier)
    for sequence, members in groupby(told, key=lambda fix: runs.sequence_at(fix.at)):
        claims = [PictureClaim(fix.position, fix.at, 0.0) for fix in members]
        found = check_bundle(Policy.FLEET, claims, sequence, now=START + timedelta(days=9))

        assert {v.code for v in found} <= {"standing", "null-island"}


@given(tracks, secrets, st.integers(0, 400))
@settings(max_examples=60)
def test_what_a_personal_drive_tells_passes_the_check_at_ingest(track, secret, enrolments):
    rules = PersonalRules()
    candidates = [Candidate(f.position, 0.0, f.at) for f in track.fixes]
    verdicts = thinned(candidates, rules, secret, taken=())
    kept = [c for c, verdict in zip(candidates, verdicts, strict=True) if verdict.hidden_by is None]

    for numbers in bundles_of([c.position for c in kept], secret):
        claims = [PictureClaim(kept[n].position, coarse_time(kept[n].at, enrolments), 0.0) for n in numbers]
        found = check_bundle(
            Policy.PERSONAL,
            claims,
            None,
            now=START + timedelta(days=9),
            sizes=[(1280, 720)] * len(claims),
            active_enrolments=enrolments,
        )

        assert {v.code for v in found} <= {"null-island", "pole"}


@given(st.lists(positions, max_size=30), secrets)
def test_every_picture_is_in_one_bundle_of_at_most_ten_far_apart(places, secret):
    bundles = bundles_of(places, secret)

    assert sorted(n for b in bundles for n in b) == list(range(len(places)))
    for bundle in bundles:
        assert len(bundle) <= 10
        assert all(distance_m(places[a], places[b]) >= 2_000 for a, b in combinations(bundle, 2))


@given(st.lists(tracks, max_size=6), secrets)
@settings(max_examples=40)
def test_places_once_learnt_are_kept(some, secret):
    history = [d for t in some if (d := drive_of(t)) is not None]
    rules = PersonalRules()

    first = learnt_places(history[:3], rules, secret)
    then = learnt_places(history, rules, secret, known=first)

    assert then[: len(first)] == first
    assert len({p.hidden.centre for p in then}) == len({p.anchor for p in then})


@given(positions, positions)
def test_headings_of_a_claim_are_on_the_compass(a, b):
    assert 0.0 <= heading_between(a, b) < 360.0
