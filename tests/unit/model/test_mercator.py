"""Where a place lies on the map, and the keys of its tiles."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashlight.errors import InputError
from dashlight.model import (
    QK_WORLD,
    LonLat,
    lon_lat_at,
    merged_ranges,
    qk_of,
    qk_of_many,
    qk_range,
    tile_xy,
    world_xy,
    xy_of,
)

PLACES = [LonLat(-3.7, 40.4), LonLat(-180, -90), LonLat(179.999999, 90), LonLat(0, 0), LonLat(151.2, -33.9)]
positions = st.builds(LonLat, st.floats(-180, 179.999), st.floats(-85, 85))
key_ranges = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)).map(lambda r: (r[0], r[0] + r[1])))


def test_a_known_place_lies_in_its_known_tile():
    assert tile_xy(LonLat(-3.7038, 40.4168), 12) == (2005, 1544)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("zoom", [0, 1, 14, 24])
def test_a_tile_is_one_range_of_keys(place, zoom):
    first, end = qk_range(zoom, *tile_xy(place, zoom))

    assert 0 <= first <= qk_of(place) < end <= 1 << 48
    assert end - first == 4 ** (24 - zoom)


def test_many_keys_are_the_same_as_each():
    lon, lat = np.array([p.lon for p in PLACES]), np.array([p.lat for p in PLACES])

    assert qk_of_many(lon, lat).tolist() == [qk_of(p) for p in PLACES]


@given(st.lists(positions, min_size=1, max_size=50))
def test_keys_are_taken_apart_as_they_were_put_together(found):
    x, y = xy_of(np.array([qk_of(p) for p in found], np.int64))

    assert list(zip(x.tolist(), y.tolist(), strict=True)) == [tile_xy(p, 24) for p in found]


@given(positions)
def test_a_position_is_found_again_from_its_share_of_the_world(position):
    x, y = world_xy(np.array([position.lon]), np.array([position.lat]))

    lon, lat = lon_lat_at(x, y)

    assert (lon[0], lat[0]) == pytest.approx((position.lon, position.lat), abs=1e-9)


def test_what_is_beyond_the_edge_lies_on_it_and_the_antimeridian_cuts_nothing():
    x, y = world_xy(np.array([-180.0, 0.0, 180.5]), np.array([90.0, 0.0, -90.0]))

    assert np.rint(y * QK_WORLD).tolist() == [0, QK_WORLD / 2, QK_WORLD]
    assert x.tolist() == pytest.approx([0.0, 0.5, 1.0 + 0.5 / 360])


@pytest.mark.parametrize("tile", [(25, 0, 0), (-1, 0, 0), (3, 8, 0), (3, 0, -1)])
def test_a_tile_outside_the_world_is_named(tile):
    with pytest.raises(InputError, match="outside"):
        qk_range(*tile)


@given(key_ranges)
def test_merged_ranges_hold_the_same_keys_in_order_and_never_touch(ranges):
    merged = merged_ranges(ranges)

    held = [key for first, last in merged for key in range(first, last)]
    assert held == sorted({key for first, last in ranges for key in range(first, last)})
    assert all(a[1] < b[0] for a, b in pairwise(merged))
