import itertools
import json
from pathlib import Path

import pytest

shapely = pytest.importorskip("shapely", reason="needs the dependency group `vendor`")

from shapely.geometry import Point, shape  # noqa: E402

import prepare_basemap  # noqa: E402

FOLDER = Path(__file__).parents[3] / "src/dashlight/web/vendor/basemap"
LAND = {
    "Sahara": (10, 25),
    "Antarctica": (0, -80),
    "the south pole": (0, -89.9),
    "Viti Levu, Fiji": (178, -17.8),
    "Taveuni, Fiji, east of the antimeridian": (-179.95, -16.85),
    "Chukotka west of the antimeridian": (175, 67),
    "Chukotka east of the antimeridian": (-175, 67),
    "Wrangel Island": (-179.5, 71.1),
    "Paris": (2.35, 48.86),
    "London": (-0.12, 51.5),
    "Kansas": (-98, 38.5),
    "Tasmania": (147, -42),
}
SEA = {
    "Biscay": (-5, 45),
    "Biscay's inner corner": (-3, 44.5),
    "Gulf of Mexico": (-90, 25),
    "Caspian Sea": (51, 42),
    "Koro Sea, Fiji": (179.5, -18.5),
    "Bering Sea": (-178, 60),
    "Ross Sea": (-170, -75),
    "null island": (0, 0),
    "the north pole": (0, 89.9),
    "Norwegian Sea at Chukotka's latitude": (0, 67.5),
    "Pacific": (-150, 0),
    "Black Sea": (34, 43),
}


@pytest.fixture(scope="module")
def vendored():
    if not (FOLDER / "land.geojson").exists():
        pytest.skip("the basemap is not there: run `make vendor`")
    return {path.stem: json.loads(path.read_text(encoding="utf-8"))["features"] for path in FOLDER.glob("*.geojson")}


@pytest.fixture(scope="module")
def land(vendored):
    geometry = shape(vendored["land"][0]["geometry"])
    shapely.prepare(geometry)
    return geometry


def square(west, south, east, north):
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


def topology(rings, objects):
    """Return TopoJSON with one arc a ring, on whole degrees."""
    arcs = []
    for ring in rings:
        steps = [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(ring)]
        arcs.append([list(ring[0]), *map(list, steps)])
    return {
        "transform": {"scale": [1, 1], "translate": [0, 0]},
        "arcs": arcs,
        "objects": {"countries": {"geometries": objects}},
    }


def area(ring):
    document = topology([ring], [])
    return prepare_basemap.area_of(prepare_basemap.decoded_arcs(document), {"type": "Polygon", "arcs": [[0]]})


@pytest.mark.parametrize("name", LAND)
def test_known_land_is_land(land, name):
    assert land.covers(Point(LAND[name]))


@pytest.mark.parametrize("name", SEA)
def test_known_sea_is_sea(land, name):
    assert not land.intersects(Point(SEA[name]))


def test_the_vendored_land_is_valid_and_on_the_map(land):
    assert land.is_valid
    assert land.bounds[0] >= -180
    assert land.bounds[2] <= 180


def test_exterior_rings_are_counter_clockwise(land):
    assert all(part.exterior.is_ccw and not any(hole.is_ccw for hole in part.interiors) for part in land.geoms)


def test_every_label_lies_on_land_or_is_an_islet(vendored, land):
    labels = [each for each in vendored["labels"] if each["properties"]["rank"] < 5]

    assert all(land.distance(shape(each["geometry"])) < 0.02 for each in labels)


def test_every_country_has_one_label_written_out(vendored):
    names = [each["properties"]["name"] for each in vendored["labels"] if each["properties"]["kind"] == "country"]

    assert len(names) == 241
    assert len(set(names)) >= 240
    assert not [name for name in names if name.endswith((" Is.", " Rep.", " Barb.", " Herz."))]
    assert {"France", "Fiji", "Democratic Republic of the Congo"} <= set(names)


def test_a_ring_over_the_antimeridian_is_cut():
    cut = area([(170, 0), (-170, 0), (-170, 10), (170, 10), (170, 0)])

    assert cut.bounds == (-180, 0, 180, 10)
    assert cut.area == pytest.approx(200)
    assert not cut.intersects(Point(0, 5))


def test_a_ring_around_a_pole_reaches_it():
    cap = area([(0, -70), (90, -70), (180, -70), (-90, -70), (0, -70)])

    assert cap.bounds == (-180, -90, 180, -70)
    assert cap.area == pytest.approx(360 * 20)


def test_a_ring_that_crosses_itself_is_made_valid():
    bow = area([(0, 0), (10, 10), (10, 0), (0, 10), (0, 0)])

    assert bow.is_valid
    assert bow.area == pytest.approx(50)


def test_a_hole_stays_a_hole():
    document = topology([square(0, 0, 10, 10), square(4, 4, 6, 6)], [])

    ring = prepare_basemap.area_of(prepare_basemap.decoded_arcs(document), {"type": "Polygon", "arcs": [[0], [1]]})

    assert ring.area == pytest.approx(96)


def test_only_what_two_countries_share_is_a_border():
    west = [[(5, 0), (5, 10)], [(5, 10), (0, 10), (0, 0), (5, 0)], [(5, 10), (10, 10), (10, 0), (5, 0)]]
    document = topology(west, [{"type": "Polygon", "arcs": [[0, 1]]}, {"type": "Polygon", "arcs": [[0, 2]]}])

    borders = prepare_basemap.shared_lines(document, prepare_basemap.decoded_arcs(document), "countries")

    assert [list(line.coords) for line in borders.geoms] == [[(5, 0), (5, 10)]]


def test_whole_degrees_are_written_without_a_point():
    assert json.dumps([prepare_basemap.number(each) for each in (-0.0, 5.0, 1.2349)]) == "[0, 5, 1.235]"
