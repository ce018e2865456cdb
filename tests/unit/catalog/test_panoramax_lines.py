from itertools import pairwise
from uuid import UUID

import mapbox_vector_tile
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashlight.catalog.ogc.geometry import cut_at_antimeridian, geometry_of, touches
from dashlight.catalog.panoramax.lines import path_of_marks, path_of_samples, sequences_layer
from dashlight.catalog.panoramax.tiles import coefficients
from dashlight.model import BBox, LonLat, tile_xy
from dashlight.store import places
from dashlight.store.places import place_of
from dashlight.store.samples import Samples

ONE, OTHER = bytes([1] * 16), bytes([2] * 16)
HERE = LonLat(7.0, 50.0)


def mark(lon, lat, second, sequence, heading_ddeg=900):
    return places.mark_of(
        place_of(LonLat(lon, lat)),
        captured_ms=1_700_000_000_000 + second * 1_000,
        heading_ddeg=heading_ddeg,
        policy="personal" if sequence is None else "fleet",
        precision=0,
        picture_id=bytes([second % 256] * 16),
        sequence_id=sequence,
    )


def lines_of(path, zoom, position=HERE):
    content = sequences_layer(path, zoom, *tile_xy(position, zoom), account="account")
    if not content:
        return []
    layer = mapbox_vector_tile.decode(content, default_options={"y_coord_down": True})["sequences"]
    return [(f["properties"], f["geometry"]["coordinates"]) for f in layer["features"]]


def test_pictures_are_joined_in_the_order_of_time_and_by_sequence():
    blobs = [mark(7.0 + n * 1e-4, 50.0, n, ONE) for n in (3, 0, 2, 1)]
    blobs += [mark(7.0 + n * 1e-4, 50.001, n, OTHER) for n in (5, 4)]

    lines = lines_of(path_of_marks(places.marks_from(blobs)), 15)

    assert sorted(len(corners) for _, corners in lines) == [2, 4]
    for properties, corners in lines:
        assert corners == sorted(corners)
        assert properties["date"] == "2023-11-14"
        assert properties["id"] == str(UUID(bytes=ONE if len(corners) == 4 else OTHER))


def test_pictures_without_a_sequence_are_on_no_line():
    blobs = [mark(7.0 + n * 1e-4, 50.0, n, None) for n in range(5)]

    assert lines_of(path_of_marks(places.marks_from(blobs)), 15) == []


def test_a_line_breaks_where_the_sequence_was_elsewhere():
    blobs = [mark(7.0 + n * 1e-4 + (0.01 if n > 2 else 0.0), 50.0, n, ONE) for n in range(6)]

    lines = lines_of(path_of_marks(places.marks_from(blobs)), 14)

    assert [len(corners) for _, corners in lines] == [3, 3]


@pytest.mark.parametrize(("heading_ddeg", "step"), [(0, (0, -12)), (900, (12, 0)), (1800, (0, 12)), (2700, (-12, 0))])
def test_a_single_picture_is_a_short_stroke_in_its_direction(heading_ddeg, step):
    blobs = [mark(7.0, 50.0, 0, ONE, heading_ddeg)]

    ((_, (first, second)),) = lines_of(path_of_marks(places.marks_from(blobs)), 15)

    assert (second[0] - first[0], second[1] - first[1]) == step


def samples(ranks, *, lon=7.0, apart=1e-3):
    count = len(ranks)
    lons = (np.array(ranks) * apart + lon + 180.0) % 360.0 - 180.0
    return Samples(
        sequence=np.zeros(count, np.int64),
        rank=np.array(ranks, np.int64),
        lon_e6=np.rint(lons * 1e6).astype(np.int64),
        lat_e6=np.full(count, 50_000_000, np.int64),
        captured_ms=np.arange(count, dtype=np.int64) * 1_000,
        heading_ddeg=np.full(count, 900, np.int64),
        ids=np.frombuffer(ONE, np.uint8).reshape(1, 16),
    )


def test_a_sampled_line_breaks_where_a_picture_was_erased():
    lines = lines_of(path_of_samples(samples([0, 16, 32, 64, 80], apart=1e-5), step=16), 12)

    assert sorted(len(corners) for _, corners in lines) == [2, 3]


def test_a_line_across_the_antimeridian_stays_near_the_tile():
    path = path_of_samples(samples(list(range(0, 160, 16)), lon=179.9995, apart=1e-5), step=16)

    for position in (LonLat(179.9999, 50.0), LonLat(-179.9999, 50.0)):
        ((_, corners),) = lines_of(path, 12, position)
        assert all(-4_096 < x < 8_192 for x, _ in corners)


def test_at_zoom_6_a_line_tells_nothing_but_where_it_is():
    ((properties, _),) = lines_of(path_of_samples(samples([0, 128]), step=128), 6)

    assert properties == {}


@given(st.lists(st.integers(1, 1 << 40), min_size=2, max_size=50), st.integers(2, 6))
def test_more_pictures_are_never_less_dense(counts, resolution):
    shares = coefficients(np.array(sorted(counts), np.int64), resolution)

    assert (np.diff(shares) >= 0).all()
    assert ((shares >= 0.1) & (shares <= 1.0)).all()


def test_a_single_picture_and_a_full_cell_are_the_ends_of_the_scale():
    assert coefficients(np.array([1, 1_000, 1_000_000]), 6).tolist() == [0.1, 0.6, 1.0]


positions = st.tuples(st.floats(-180, 180), st.floats(-85, 85))


@given(st.lists(positions, min_size=1, max_size=20))
def test_no_part_of_a_line_goes_round_the_world(points):
    parts = cut_at_antimeridian(points)

    for part in parts:
        assert len(part) >= 2
        assert all(abs(b[0] - a[0]) <= 180.0 for a, b in pairwise(part))
    for before, after in pairwise(parts):
        assert abs(before[-1][0]) == abs(after[0][0]) == 180.0
        assert before[-1][1] == after[0][1]
    kept = [tuple(at) for part in parts for at in part]
    assert set(points) <= set(kept)


def test_a_line_is_cut_where_it_crosses_the_antimeridian():
    geometry = geometry_of([(179.5, 10.0), (-179.5, 20.0)], is_line=True)

    assert geometry == {
        "type": "MultiLineString",
        "coordinates": [[[179.5, 10.0], [180.0, 15.0]], [[-180.0, 15.0], [-179.5, 20.0]]],
    }


def test_a_line_touches_a_box_that_it_only_passes_through():
    line = [(0.0, 0.0), (10.0, 10.0)]

    assert touches(line, BBox(4.0, 4.0, 6.0, 6.0))
    assert not touches(line, BBox(6.0, 0.0, 8.0, 4.0))
    assert touches([(179.0, 0.0), (-179.0, 0.0)], BBox(179.5, -1.0, -179.5, 1.0))
    assert not touches([(179.0, 0.0), (-179.0, 0.0)], BBox(-1.0, -1.0, 1.0, 1.0))
