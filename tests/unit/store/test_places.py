import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dashlight.model import LonLat, h3_parent, h3_r15_of, qk_of
from dashlight.store import places
from dashlight.store.publish import captured_parts, captured_text
from dashlight.wire import captured_from_text

positions = st.builds(LonLat, st.floats(-180, 179.999), st.floats(-85, 85))


@given(positions)
def test_a_place_has_the_keys_of_the_model(position):
    place = places.place_of(position)

    assert (place.qk, place.h3_r15) == (qk_of(position), h3_r15_of(position))


@given(positions, st.integers(0, 15))
def test_the_range_of_a_cell_holds_its_children_and_no_others(position, resolution):
    child = h3_r15_of(position)
    first, last = places.h3_range(h3_parent(child, resolution))

    assert first <= child <= last
    other = h3_r15_of(LonLat((position.lon + 181.0) % 360.0 - 180.0, -position.lat / 2))
    assert (first <= other <= last) == (h3_parent(other, resolution) == h3_parent(child, resolution))


@given(st.integers(0, 3599))
def test_an_octant_is_the_nearest_of_eight_directions(heading_ddeg):
    octant = places.octant_of(heading_ddeg)

    turn = abs(heading_ddeg / 10 - octant * 45)
    assert min(turn, 360 - turn) <= 22.5
    assert places.octants_of(np.array([heading_ddeg], np.uint16))[0] == octant


@given(
    positions,
    st.integers(0, 2**42),
    st.integers(0, 3599),
    st.sampled_from(["fleet", "open", "personal"]),
    st.binary(min_size=16, max_size=16),
    st.none() | st.binary(min_size=16, max_size=16),
)
def test_a_mark_tells_what_it_was_made_of(position, captured_ms, heading_ddeg, policy, picture_id, sequence_id):
    mark = places.mark_of(
        places.place_of(position),
        captured_ms=captured_ms,
        heading_ddeg=heading_ddeg,
        policy=policy,
        precision=1,
        picture_id=picture_id,
        sequence_id=sequence_id,
    )

    (found,) = places.marks_from([mark])
    assert (found["lon_e6"], found["lat_e6"]) == (round(position.lon * 1e6), round(position.lat * 1e6))
    assert (found["captured_ms"], found["heading_ddeg"]) == (captured_ms, heading_ddeg)
    assert found["policy"] == places.policy_code(policy)
    assert found["id"].tobytes() == picture_id
    assert found["sequence"].tobytes() == (sequence_id or bytes(16))


@given(st.sampled_from(["2026-11-23T10:00:00.123Z", "2000-02-29T23:59:59.999Z", "2026-W48", "2020-W53", "2026-11"]))
def test_a_time_is_kept_as_it_is_told(text):
    assert captured_text(*captured_parts(captured_from_text(text))) == text


def test_the_outline_of_a_cell_at_the_antimeridian_is_in_one_piece():
    cell = places.cell_of(h3_parent(h3_r15_of(LonLat(179.99, 0.0)), 3))
    outline = np.frombuffer(cell.outline, "<i4").reshape(-1, 2)

    assert np.ptp(outline[:, 0]) < (1 << 24) / 100
