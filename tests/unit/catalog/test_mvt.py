import mapbox_vector_tile
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dashlight.catalog import mvt

ints = st.integers(-70_000, 70_000)
sizes = st.integers(0, 2**40)


def decoded(content):
    return mapbox_vector_tile.decode(content, default_options={"y_coord_down": True})


@given(st.lists(st.tuples(ints, ints, sizes, st.integers(0, 2), st.booleans()), min_size=1, max_size=300))
def test_another_decoder_reads_what_we_wrote(rows):
    x, y, n, word = (np.array(column, np.int64) for column in list(zip(*rows, strict=True))[:4])
    shared = np.array([[i % 7 + 1] * 16 if row[4] else [0] * 16 for i, row in enumerate(rows)], np.uint8)
    own = np.arange(len(rows) * 16, dtype=np.int64).astype(np.uint8).reshape(-1, 16)
    attributes = [
        mvt.uuids("id", own),
        mvt.whole_numbers("n", n),
        mvt.words("word", word, ("a", "bb", "ccc")),
        mvt.shared_uuids("seq", shared),
    ]

    layer = decoded(mvt.layer("points", mvt.point_features(x, y, attributes), attributes))["points"]

    assert layer["extent"] == 4096
    assert len(layer["features"]) == len(rows)
    for i, feature in enumerate(layer["features"]):
        properties = feature["properties"]
        assert feature["geometry"]["coordinates"] == [x[i], y[i]]
        assert properties["n"] == n[i]
        assert properties["word"] == ("a", "bb", "ccc")[word[i]]
        assert properties["id"].replace("-", "") == own[i].tobytes().hex()
        assert [len(part) for part in properties["id"].split("-")] == [8, 4, 4, 4, 12]
        assert ("seq" in properties) == rows[i][4]
        if rows[i][4]:
            assert properties["seq"].replace("-", "") == shared[i].tobytes().hex()


@given(st.lists(st.tuples(ints, ints), min_size=1, max_size=50), st.integers(3, 10))
def test_polygons_keep_their_corners(centres, k):
    turn = np.arange(k) * 2 * np.pi / k
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1) * 500
    corners = np.rint(np.array(centres)[:, None, :] + ring).astype(np.int64)
    attributes = [mvt.whole_numbers("n", np.arange(len(centres), dtype=np.int64))]

    content = mvt.layer("cells", mvt.polygon_features(corners, attributes), attributes)
    layer = decoded(content)["cells"]

    assert len(layer["features"]) == len(centres)
    for i, feature in enumerate(layer["features"]):
        assert feature["geometry"]["coordinates"][0][:-1] == corners[i].tolist()
        assert feature["properties"]["n"] == i


def test_a_layer_without_features_is_no_layer():
    attributes = [mvt.whole_numbers("n", np.array([], np.int64))]

    assert mvt.point_features(np.array([], np.int64), np.array([], np.int64), attributes) == b""
    assert mvt.layer("nothing", b"", attributes) == b""


def test_sequences_that_begin_alike_are_told_apart():
    raw = np.zeros((3, 16), np.uint8)
    raw[:, 0] = 1
    raw[1:, 15] = (1, 2)

    attribute = mvt.shared_uuids("seq", raw)

    assert attribute.count == 3
    assert len(set(attribute.index.tolist())) == 3
