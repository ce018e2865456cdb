import base64
import json
from pathlib import Path

import numpy as np
import pytest

from dashlight.errors import InputError

pytest.importorskip("onnx", reason="needs the dependency group `vendor`")
cv2 = pytest.importorskip("cv2", reason="needs the extra `edge`")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra `edge`")

import convert_nanodet  # noqa: E402

ROOT = Path(__file__).parents[3]
MODEL = ROOT / "src/dashlight/vision/weights/nanodet.onnx"
PERSONS = ROOT / "../shared/data/roads/pennfudan_persons"
TO_NHWC, TO_NCHW = [0, 2, 3, 1], [0, 3, 1, 2]
MEAN = np.array([103.53, 116.28, 123.675], np.float32)
STD = np.array([57.375, 57.12, 58.395], np.float32)


class Graph:
    """A small TensorFlow.js graph model under construction."""

    def __init__(self):
        self.nodes = []
        self.weights = []
        self.raw = b""

    def constant(self, name, value):
        value = np.asarray(value)
        entry = {"name": name, "shape": list(value.shape), "dtype": str(value.dtype)}
        if value.dtype == np.float32:
            entry["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
            value = value.astype("<f2")
        self.weights.append(entry)
        self.raw += value.tobytes()
        self.nodes.append({"name": name, "op": "Const"})
        return name

    def node(self, op, name, *inputs, **attributes):
        self.nodes.append({"name": name, "op": op, "input": list(inputs), "attr": attributes})
        return name

    def transpose(self, name, source, perm):
        return self.node("Transpose", name, source, self.constant(f"{name}/perm", np.array(perm, np.int32)))

    def document(self):
        return {"modelTopology": {"node": self.nodes}, "weightsManifest": [{"weights": self.weights}]}


def ones(count):
    return {"list": {"i": ["1"] * count}}


def window():
    encoded = {
        name: {"s": base64.b64encode(text).decode()} for name, text in (("padding", b"VALID"), ("data_format", b"NHWC"))
    }
    return {**encoded, "strides": ones(4), "dilations": ones(4)}


def small_graph(kernel, bias):
    """Pad, convolve, add, leak, split, then scores and distances, three times the same."""
    graph = Graph()
    graph.node("Placeholder", "input_1")
    pads = graph.constant("pads", np.array([[0, 0], [0, 0], [1, 1], [1, 1]], np.int32))
    padded = graph.node("Pad", "padded", "input_1", pads)
    nhwc = graph.transpose("nhwc", padded, TO_NHWC)
    conv = graph.node("Conv2D", "conv", nhwc, graph.constant("kernel", kernel), **window())
    added = graph.node("AddV2", "added", conv, graph.constant("bias", bias))
    nchw = graph.transpose("nchw", added, TO_NCHW)
    leaked = graph.node("LeakyRelu", "leaked", nchw, alpha={"f": 0.1})
    sizes = graph.constant("sizes", np.array([80, 44], np.int32))
    graph.node("SplitV", "split", leaked, sizes, graph.constant("axis", np.array(1, np.int32)))
    graph.node("Sigmoid", "sigmoid", "split")
    for source, name, outputs in (
        ("sigmoid", "s", convert_nanodet.SCORE_OUTPUTS),
        ("split:1", "d", convert_nanodet.DISTANCE_OUTPUTS),
    ):
        shape = graph.constant(f"{name}/shape", np.array([1, 80 if name == "s" else 44, -1], np.int32))
        graph.node("Reshape", f"{name}/rows", source, shape)
        flipped = graph.transpose(f"{name}/flipped", f"{name}/rows", [0, 2, 1])
        for output in outputs:
            graph.node("Identity", output, flipped)
    return graph


def expected(pictures, kernel, bias):
    padded = np.pad(pictures, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    maps = np.einsum("nihwyx,yxio->nhwo", windows, kernel) + bias
    rows = np.where(maps > 0, maps, 0.1 * maps).reshape(len(pictures), -1, 124)
    return np.tile(1 / (1 + np.exp(-rows[..., :80])), (1, 3, 1)), np.tile(rows[..., 80:], (1, 3, 1))


def test_a_converted_graph_computes_what_the_source_says():
    rng = np.random.default_rng(5)
    kernel = rng.normal(size=(3, 3, 3, 124)).astype(np.float16).astype(np.float32)
    bias = rng.normal(size=124).astype(np.float16).astype(np.float32)
    graph = small_graph(kernel, bias)
    pictures = rng.normal(size=(2, 3, 5, 4)).astype(np.float32)

    model = convert_nanodet.converted(graph.document(), graph.raw)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    scores, distances = session.run(["scores", "distances"], {"images": pictures})

    wanted_scores, wanted_distances = expected(pictures, kernel, bias)
    np.testing.assert_allclose(scores, wanted_scores, atol=1e-5)
    np.testing.assert_allclose(distances, wanted_distances, atol=1e-4)


def test_the_same_graph_gives_the_same_bytes():
    graph = small_graph(np.ones((3, 3, 3, 124), np.float32), np.ones(124, np.float32))

    first = convert_nanodet.converted(graph.document(), graph.raw)

    assert convert_nanodet.converted(json.loads(json.dumps(graph.document())), graph.raw) == first


def test_arrays_that_do_not_fill_the_file_are_refused():
    graph = small_graph(np.ones((3, 3, 3, 124), np.float32), np.ones(124, np.float32))

    with pytest.raises(InputError, match=r"the arrays take \d+ bytes, the file has"):
        convert_nanodet.converted(graph.document(), graph.raw + b"\0")


def test_an_operation_that_is_not_known_is_named():
    graph = small_graph(np.ones((3, 3, 3, 124), np.float32), np.ones(124, np.float32))
    next(each for each in graph.nodes if each["op"] == "Sigmoid")["op"] = "Softsign"

    with pytest.raises(InputError, match="operation Softsign is not one of"):
        convert_nanodet.converted(graph.document(), graph.raw)


def test_there_are_eighty_classes_in_the_order_of_coco():
    assert len(convert_nanodet.COCO_CLASSES) == 80
    assert [convert_nanodet.COCO_CLASSES.index(each) for each in ("person", "car", "traffic light", "stop sign")] == [
        0,
        2,
        9,
        11,
    ]


@pytest.fixture(scope="module")
def session():
    if not MODEL.exists():
        pytest.skip("nanodet.onnx is not there: run `make vendor`")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])


def person_boxes(session, picture, *, threshold=0.3):
    """Decode as the converter's docstring says; without suppression, as only recall counts here."""
    height, width = picture.shape[:2]
    pixels = (cv2.resize(picture, (416, 416)).astype(np.float32) - MEAN) / STD
    scores, distances = session.run(None, {"images": pixels.transpose(2, 0, 1)[None]})
    weights = np.exp(distances[0].reshape(-1, 4, 11))
    reach = (weights / weights.sum(-1, keepdims=True)) @ np.arange(11)
    points = []
    for stride in convert_nanodet.STRIDES:
        rows, columns = np.mgrid[: 416 // stride, : 416 // stride]
        centres = [(each.ravel() + 0.5) * stride for each in (columns, rows)]
        points.append(np.stack([*centres, np.full(rows.size, stride)], axis=1))
    x, y, stride = np.concatenate(points).T
    left, top, right, bottom = reach.T * stride
    boxes = np.stack([x - left, y - top, x + right, y + bottom], axis=1) / 416 * [width, height, width, height]
    return boxes[scores[0, :, 0] > threshold]


def iou(box, boxes):
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return shared / (areas + np.prod(box[2:] - box[:2]) - shared)


def test_the_vendored_model_finds_persons(session):
    if not PERSONS.is_dir():
        pytest.skip("../shared/data/roads/pennfudan_persons is not there")
    lines = (PERSONS / "labels.jsonl").read_text().splitlines()[:16]
    overlaps = []

    for label in map(json.loads, lines):
        found = person_boxes(session, cv2.imread(str(PERSONS / label["image"])))
        overlaps += [max(iou(np.array(box["bbox_xyxy"]), found), default=0.0) for box in label["boxes"]]

    hits = [each for each in overlaps if each >= 0.5]
    assert len(hits) / len(overlaps) >= 0.8
    assert np.mean(hits) >= 0.8


def test_the_vendored_model_takes_batches_and_other_sizes(session):
    pictures = np.random.default_rng(1).normal(size=(2, 3, 384, 640)).astype(np.float32)

    scores, distances = session.run(["scores", "distances"], {"images": pictures})
    alone, _ = session.run(["scores", "distances"], {"images": pictures[1:]})

    points = 384 * 640 // 64 + 384 * 640 // 256 + 384 * 640 // 1024
    assert scores.shape == (2, points, 80)
    assert distances.shape == (2, points, 44)
    np.testing.assert_allclose(scores[1], alone[0], atol=1e-5)
