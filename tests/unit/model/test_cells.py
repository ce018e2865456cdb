"""The keys of a place."""

import h3
import numpy as np
import pytest

from dashlight.errors import InputError
from dashlight.model import LonLat, h3_parent, h3_r15_of, qk_of, qk_of_many, qk_range, tile_xy

PLACES = [LonLat(-3.7, 40.4), LonLat(-180, -90), LonLat(179.999999, 90), LonLat(0, 0), LonLat(151.2, -33.9)]


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


@pytest.mark.parametrize("tile", [(25, 0, 0), (-1, 0, 0), (3, 8, 0), (3, 0, -1)])
def test_a_tile_outside_the_world_is_named(tile):
    with pytest.raises(InputError, match="outside"):
        qk_range(*tile)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("resolution", [0, 4, 11, 15])
def test_a_parent_by_bits_is_the_parent_of_h3(place, resolution):
    cell = h3_r15_of(place)

    assert h3_parent(cell, resolution) == h3.str_to_int(h3.cell_to_parent(h3.int_to_str(cell), resolution))
    assert cell < 1 << 63


def test_a_cell_has_no_parent_finer_than_itself():
    with pytest.raises(InputError, match=r"outside 0\.\.4"):
        h3_parent(h3_parent(h3_r15_of(PLACES[0]), 4), 5)
