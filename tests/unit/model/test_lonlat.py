"""Positions and the arithmetic between them."""

import math

import numpy as np
import pytest

from dashlight.errors import InputError
from dashlight.model import (
    BBox,
    LonLat,
    compass_deg,
    destination,
    distance_m,
    heading_between,
    heading_difference_deg,
    interpolated,
)

MADRID = LonLat(-3.7038, 40.4168)


@pytest.mark.parametrize(("lon", "lat"), [(180.1, 0), (-181, 0), (math.nan, 0), (math.inf, 0)])
def test_a_longitude_outside_the_globe_is_named(lon, lat):
    with pytest.raises(InputError, match="longitude"):
        LonLat(lon, lat)


@pytest.mark.parametrize("lat", [90.1, -90.1, math.nan, -math.inf])
def test_a_latitude_outside_the_globe_is_named(lat):
    with pytest.raises(InputError, match="latitude"):
        LonLat(0, lat)


def test_the_antimeridian_has_one_longitude():
    assert LonLat(180.0, 5) == LonLat(-180.0, 5)


def test_a_degree_of_latitude_is_111_km():
    assert distance_m(LonLat(5, 50), LonLat(5, 51)) == pytest.approx(111_195, abs=1)


def test_opposite_points_are_half_a_circumference_apart():
    assert distance_m(LonLat(0, 0), LonLat(-180, 0)) == pytest.approx(math.pi * 6_371_008.8)


@pytest.mark.parametrize(
    ("end", "heading_deg"),
    [(LonLat(0, 1), 0), (LonLat(1, 0), 90), (LonLat(0, -1), 180), (LonLat(-1, 0), 270), (LonLat(0, 0), 0)],
)
def test_headings_are_clockwise_from_north(end, heading_deg):
    assert heading_between(LonLat(0, 0), end) == pytest.approx(heading_deg)


@pytest.mark.parametrize(
    ("degrees", "folded"), [(-1e-17, 0.0), (360.0, 0.0), (-90.0, 270.0), (725.0, 5.0), (-0.0, 0.0)]
)
def test_the_compass_is_half_open(degrees, folded):
    assert compass_deg(degrees) == folded


@pytest.mark.parametrize(("a", "b", "turn"), [(350, 10, 20), (10, 350, 20), (0, 180, 180), (90, 90, 0)])
def test_a_turn_is_the_shorter_one(a, b, turn):
    assert heading_difference_deg(a, b) == turn


def test_a_destination_is_as_far_and_as_far_round_as_asked():
    there = destination(MADRID, 45.0, 1_000.0)

    assert distance_m(MADRID, there) == pytest.approx(1_000)
    assert heading_between(MADRID, there) == pytest.approx(45.0)


def test_halfway_over_the_antimeridian_is_on_it():
    assert interpolated(LonLat(179.0, 0), LonLat(-179.0, 10), 0.5) == LonLat(-180.0, 5.0)
    assert interpolated(LonLat(179.0, 0), LonLat(-179.0, 10), 0.0).lon == pytest.approx(179.0)


def test_a_box_over_the_antimeridian_has_two_parts():
    box = BBox(170, -10, -170, 10)

    assert box.parts() == (BBox(170, -10, 180, 10), BBox(-180, -10, -170, 10))
    assert box.contains(LonLat(175, 0))
    assert box.contains(LonLat(-175, 0))
    assert not box.contains(LonLat(0, 0))
    assert BBox(0, 0, 1, 1).parts() == (BBox(0, 0, 1, 1),)


@pytest.mark.parametrize("box", [BBox(-10, -20, 30, 40), BBox(170, -10, -170, 10), BBox(-180, -90, 180, 90)])
def test_a_box_holds_of_many_positions_what_it_holds_of_each(box):
    lon, lat = (axis.ravel() for axis in np.meshgrid(np.linspace(-180, 180, 37), np.linspace(-90, 90, 19)))

    held = box.holds(lon, lat)

    assert held.any()
    assert held.tolist() == [
        any(part.west <= x <= part.east and part.south <= y <= part.north for part in box.parts())
        for x, y in zip(lon.tolist(), lat.tolist(), strict=True)
    ]
    assert held.tolist() == [box.holds(x, y) for x, y in zip(lon.tolist(), lat.tolist(), strict=True)]
    assert all(type(box.holds(x, y)) is bool for x, y in zip(lon.tolist(), lat.tolist(), strict=True))


@pytest.mark.parametrize(
    ("corners", "name"),
    [
        ((-181, 0, 0, 0), "west"),
        ((0, -91, 0, 0), "south"),
        ((0, 0, math.nan, 0), "east"),
        ((0, 0, 0, 91), "north"),
        ((0, 2, 1, 1), "south 2 is above north 1"),
    ],
)
def test_a_box_that_is_none_is_named(corners, name):
    with pytest.raises(InputError, match=name):
        BBox(*corners)
