"""The H3 cell of a place."""

import h3
import pytest

from dashlight.errors import InputError
from dashlight.model import LonLat, h3_parent, h3_r15_of

PLACES = [LonLat(-3.7, 40.4), LonLat(-180, -90), LonLat(179.999999, 90), LonLat(0, 0), LonLat(151.2, -33.9)]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("resolution", [0, 4, 11, 15])
def test_a_parent_by_bits_is_the_parent_of_h3(place, resolution):
    cell = h3_r15_of(place)

    assert h3_parent(cell, resolution) == h3.str_to_int(h3.cell_to_parent(h3.int_to_str(cell), resolution))
    assert cell < 1 << 63


def test_a_cell_has_no_parent_finer_than_itself():
    with pytest.raises(InputError, match=r"outside 0\.\.4"):
        h3_parent(h3_parent(h3_r15_of(PLACES[0]), 4), 5)
