"""Vector tiles are read by the decoder that MapLibre brings, which is what a browser will read them with."""

import json

import numpy as np

from dashlight.catalog import mvt

DECODE = """
import {readFileSync} from "node:fs";
import {VectorTile} from "@mapbox/vector-tile";
import {PbfReader} from "pbf";
const tile = new VectorTile(new PbfReader(readFileSync(0)));
const layers = {};
for (const [name, layer] of Object.entries(tile.layers)) {
  layers[name] = {version: layer.version, extent: layer.extent, features: []};
  for (let i = 0; i < layer.length; i++) {
    const feature = layer.feature(i);
    const corners = feature.loadGeometry().flat().map((point) => [point.x, point.y]);
    layers[name].features.push([feature.type, feature.properties, corners]);
  }
}
process.stdout.write(JSON.stringify(layers));
"""


def test_maplibres_decoder_reads_points_with_every_kind_of_property(node):
    rng = np.random.default_rng(3)
    count = 700
    x, y, sizes = (rng.integers(low, high, count) for low, high in ((-64, 4160), (-64, 4160), (0, 1 << 40)))
    own = rng.integers(0, 256, (count, 16)).astype(np.uint8)
    shared = np.where((np.arange(count) % 3 == 0)[:, None], 0, own[np.arange(count) // 10]).astype(np.uint8)
    attributes = [
        mvt.uuids("id", own),
        mvt.whole_numbers("n", sizes),
        mvt.words("policy", np.arange(count) % 2, ("open", "fleet")),
        mvt.shared_uuids("seq", shared),
    ]

    tile = mvt.layer("pictures", mvt.point_features(x, y, attributes), attributes)
    layer = json.loads(node(DECODE, tile))["pictures"]

    assert (layer["version"], layer["extent"], len(layer["features"])) == (2, mvt.EXTENT, count)
    for i, (kind, properties, corners) in enumerate(layer["features"]):
        assert (kind, corners) == (1, [[x[i], y[i]]])
        assert properties["id"].replace("-", "") == own[i].tobytes().hex()
        assert properties["n"] == sizes[i]
        assert properties["policy"] == ("open", "fleet")[i % 2]
        assert properties.get("seq", "").replace("-", "") == (shared[i].tobytes().hex() if shared[i].any() else "")


def test_maplibres_decoder_reads_the_corners_of_cells(node):
    turn = np.arange(6) * np.pi / 3
    corners = np.rint(2_048 + 900 * np.stack([np.cos(turn), np.sin(turn)], axis=1)).astype(np.int64)[None]
    attributes = [mvt.whole_numbers("n", np.array([129], np.int64))]

    tile = mvt.layer("cells", mvt.polygon_features(corners, attributes), attributes)
    ((kind, properties, ring),) = json.loads(node(DECODE, tile))["cells"]["features"]

    assert (kind, properties) == (3, {"n": 129})
    assert ring == [*corners[0].tolist(), corners[0, 0].tolist()]


def test_maplibres_decoder_reads_lines_of_every_length(node):
    rng = np.random.default_rng(5)
    sizes = np.concatenate([np.full(60, 2), np.full(9, 3), [200, 7, 7, 1_000, 2]])
    starts = np.append(0, np.cumsum(sizes)[:-1])
    vertices = rng.integers(-500, 4_596, (sizes.sum(), 2))
    own = rng.integers(0, 256, (len(sizes), 16)).astype(np.uint8)
    attributes = [mvt.uuids("id", own), mvt.words("type", np.zeros(len(sizes), np.int64), ("flat",))]

    tile = mvt.layer("lines", mvt.line_features(vertices, starts, attributes), attributes)
    features = json.loads(node(DECODE, tile))["lines"]["features"]

    found = {properties["id"].replace("-", ""): (kind, corners) for kind, properties, corners in features}
    assert len(features) == len(found) == len(sizes)
    for name, start, size in zip(own, starts, sizes, strict=True):
        assert found[name.tobytes().hex()] == (2, vertices[start : start + size].tolist())
    assert {properties["type"] for _, properties, _ in features} == {"flat"}
