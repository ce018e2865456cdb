"""The index of regions gives what looking at every region would give."""

from hypothesis import example, given
from hypothesis import strategies as st

from dashlight.catalog.regions import RegionIndex
from dashlight.model import BBox

lons = st.floats(-180, 180).map(lambda v: round(v, 3))
lats = st.floats(-90, 90).map(lambda v: round(v, 3))


@st.composite
def boxes(draw):
    south, north = sorted((draw(lats), draw(lats)))
    width = draw(st.sampled_from([0.0, 0.001, 0.02, 3.0, 90.0]))
    west = draw(lons)
    east = draw(lons) if width == 90.0 else min(180.0, west + width)
    return BBox(west, south, east, north)


@given(boxes=st.lists(boxes() | st.none(), max_size=12), places=st.lists(st.tuples(lons, lats), max_size=12))
@example(boxes=[BBox(170, -10, -170, 10)], places=[(180.0, 0.0), (-180.0, 0.0), (0.0, 0.0)])
@example(boxes=[BBox(-180, -90, 180, 90), None], places=[(180.0, 90.0), (-180.0, -90.0)])
@example(boxes=[BBox(45.0, 0.0, 90.0, 45.0)], places=[(45.0, 0.0), (90.0, 45.0)])
def test_the_index_finds_what_looking_at_every_region_finds(boxes, places):
    index = RegionIndex()
    regions = {index.join(bbox): bbox for bbox in boxes}

    for lon, lat in places:
        found = list(index.at(lon, lat))

        assert len(found) == len(set(found))
        assert set(found) == {r for r, bbox in regions.items() if bbox is None or r.holds(lon, lat)}


@given(boxes=st.lists(boxes() | st.none(), max_size=12))
def test_who_leaves_leaves_nothing(boxes):
    index = RegionIndex()
    joined = [index.join(bbox) for bbox in boxes]

    assert len(index) == len(set(boxes))
    for region in joined:
        index.leave(region)

    assert (len(index), index._cells, index._on_level) == (0, {}, {})
