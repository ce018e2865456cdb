import mapbox_vector_tile
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashlight.catalog.routes import accepted_encoding
from dashlight.catalog.tiles import (
    _CODE_BITS,
    LAYERS,
    MAX_ZOOM,
    RESOLUTIONS,
    Tile,
    _Cache,
    _touched_codes,
    coverage_layer,
    pictures_layer,
    reaching_in,
    streets_layer,
)
from dashlight.model import LonLat, h3_parent, h3_r15_of, qk_of, qk_range
from dashlight.store import places
from dashlight.store.chart import Cells
from dashlight.store.database import Change

positions = st.builds(LonLat, st.floats(-179.9, 179.9), st.floats(-84, 84))


def touched_tiles(qks):
    """Return every tile (zoom, x, y) that a change of the places drops."""
    mask = (1 << _CODE_BITS) - 1
    return {(code >> 2 * _CODE_BITS, code >> _CODE_BITS & mask, code & mask) for code in _touched_codes(qks)}


def tile(content=b"x"):
    return Tile(content, "identity", '"e"', is_empty=False)


@given(positions, st.integers(0, 10))
def test_a_cell_is_drawn_on_every_tile_that_it_reaches_into(position, zoom):
    cell = places.cell_of(h3_parent(h3_r15_of(position), RESOLUTIONS[zoom]))
    outline = np.frombuffer(cell.outline, "<i4").reshape(-1, 2)
    size = 1 << (24 - zoom)

    for x24, y24 in outline.tolist():
        x, y = (x24 // size) % (1 << zoom), min((1 << zoom) - 1, max(0, y24 // size))
        if zoom >= 2 and abs(position.lat) < 75:  # Nearer the poles cells are larger than the fringe.
            assert any(first <= cell.qk < last for first, last in reaching_in(zoom, x, y))


def test_layers_are_described_as_they_are_drawn():
    marks = np.zeros(1, places.MARK)
    marks["sequence"] = 1
    cell = places.cell_of(h3_parent(h3_r15_of(LonLat(0.0, 0.0)), RESOLUTIONS[5]))
    one = np.ones(1, np.int64)
    cells = Cells(np.array([cell.qk]), one, one, one, [cell.outline])
    drawn = b"".join([coverage_layer(cells, 0, 0, 0), streets_layer(cells, 0, 0, 0), pictures_layer(marks, 0, 0, 0)])

    layers = mapbox_vector_tile.decode(drawn)

    kinds = {str: "String", int: "Number"}
    for layer in LAYERS:
        (feature,) = layers.pop(layer.name)["features"]
        assert {name: kinds[type(value)] for name, value in feature["properties"].items()} == layer.fields
    assert not layers


def test_every_zoom_has_one_layer():
    zooms = [zoom for layer in LAYERS for zoom in range(layer.first_zoom, layer.last_zoom + 1)]

    assert zooms == list(range(MAX_ZOOM + 1))


@given(positions)
def test_a_place_touches_its_own_tile_at_every_zoom(position):
    touched = touched_tiles([qk_of(position)])

    for zoom in range(16):
        own = [
            (x, y)
            for z, x, y in touched
            if z == zoom and qk_range(z, x, y)[0] <= qk_of(position) < qk_range(z, x, y)[1]
        ]
        assert len(own) == 1


def test_a_tile_that_was_read_before_a_change_is_not_kept():
    cache = _Cache(1 << 20)
    qk = qk_of(LonLat(7.0, 50.0))
    place = next(iter(t for t in touched_tiles([qk]) if t[0] == 12))
    before = cache.version

    cache.invalidate(Change(qks=[qk]))
    cache.put((*place, None, "gzip"), tile(), before)
    assert cache.get((*place, None, "gzip")) is None

    cache.put((*place, None, "gzip"), tile(), cache.version)
    assert cache.get((*place, None, "gzip")) is not None


def test_a_change_that_may_be_anywhere_drops_everything():
    cache = _Cache(1 << 20)
    before = cache.version
    cache.put((3, 1, 1, None, "gzip"), tile(), before)

    cache.invalidate(Change(is_everywhere=True))
    cache.put((5, 2, 2, None, "gzip"), tile(), before)

    assert cache.get((3, 1, 1, None, "gzip")) is None
    assert cache.get((5, 2, 2, None, "gzip")) is None
    cache.put((5, 2, 2, None, "gzip"), tile(), cache.version)
    assert cache.get((5, 2, 2, None, "gzip")) is not None


def test_a_change_drops_what_it_touches_and_nothing_else():
    cache = _Cache(1 << 20)
    qk = qk_of(LonLat(7.0, 50.0))
    near = next(t for t in touched_tiles([qk]) if t[0] == 12)
    far = (12, 0, 0)
    for place in (near, far):
        cache.put((*place, None, "gzip"), tile(), cache.version)

    cache.invalidate(Change(qks=[qk]))

    assert cache.get((*near, None, "gzip")) is None
    assert cache.get((*far, None, "gzip")) is not None


def test_the_cache_keeps_to_its_size():
    cache = _Cache(10_000)
    for x in range(100):
        cache.put((15, x, 0, None, "gzip"), tile(bytes(500)), cache.version)

    assert cache._used_bytes <= 10_000
    assert cache.get((15, 99, 0, None, "gzip")) is not None
    assert cache.get((15, 0, 0, None, "gzip")) is None


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("gzip, br", "gzip"),
        ("br", "br"),
        ("br;q=1.0, gzip;q=0", "br"),
        ("*", "gzip"),
        ("", "identity"),
        (None, "identity"),
        ("deflate", "identity"),
        ("GZIP", "gzip"),
    ],
)
def test_a_reader_gets_an_encoding_that_it_takes(header, coding):
    assert accepted_encoding(header, offered=("gzip", "br")) == coding
