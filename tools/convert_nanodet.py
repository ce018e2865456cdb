"""Turn the NanoDet-G weights, published as a TensorFlow.js graph, into ONNX.

The source is a JSON graph and a file of plain arrays (half precision), so no
TensorFlow is needed: sixteen operations, all of which ONNX has too. The graph was
once ONNX and was wrapped in transposes on its way to TensorFlow's channels-last
layout. A value is therefore followed as a `View`, a stored tensor plus a pending
permutation, which makes nearly every transpose vanish again.

The contract of the model that comes out, `nanodet.onnx`:

- Input `images`: (N, 3, H, W) float32, H and W multiples of 32; it was trained at 416 x 416
  with the picture stretched (aspect ratio not kept). Channels are **blue, green, red**;
  each is `(value - mean) / std` with value in [0, 255],
  mean (103.53, 116.28, 123.675), std (57.375, 57.12, 58.395).
- Output `scores`: (N, P, 80) float32 in [0, 1], already through the sigmoid, one column
  a class in the order of `COCO_CLASSES`. Classes are independent: no background column.
- Output `distances`: (N, P, 44) float32, raw. Reshaped to (N, P, 4, 11), a softmax over
  the last axis is the distribution of the distance to the left, top, right and
  bottom edge (Generalized Focal Loss with `REG_MAX` = 10); its mean over 0..10, times the
  stride, is the distance in pixels of the input.
- The P points are row by row the cells of stride 8, then 16, then 32
  (P = H*W/64 + H*W/256 + H*W/1024; 3549 at 416 x 416), and the centre that
  distances are counted from is `(column + 0.5) * stride, (row + 0.5) * stride`: measured
  against labelled persons, mean IoU is .88 with 0.5, .73 with 0.
- Overlapping boxes of one class are left to the caller's NMS (0.6 in the original).

References: https://github.com/RangiLyu/nanodet (Apache-2.0), arXiv:2006.04388 (GFL).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from dashlight.errors import InputError

Array = npt.NDArray[Any]
Node = dict[str, Any]

OPSET_VERSION = 17  # LayerNormalization's; every runtime of the last three years reads it.
IR_VERSION = 8
REG_MAX = 10
STRIDES = (8, 16, 32)
IDENTITY_4D = (0, 1, 2, 3)
NHWC_OF_NCHW = (0, 2, 3, 1)
SCORE_OUTPUTS = ("Identity", "Identity_1", "Identity_2")
DISTANCE_OUTPUTS = ("Identity_3", "Identity_4", "Identity_5")


@dataclass(frozen=True, slots=True)
class View:
    """A value of the source graph: stored tensor `name`, seen transposed by `perm`."""

    name: str
    perm: tuple[int, ...]

    def stored_axis(self, axis: int) -> int:
        """Return the stored axis that shows up as `axis` of the view."""
        return self.perm[axis]


@dataclass(slots=True)
class Converter:
    """One conversion; call `model` once."""

    nodes: dict[str, Node]
    constants: dict[str, Array]
    views: dict[str, View] = field(default_factory=dict)
    emitted: list[onnx.NodeProto] = field(default_factory=list)
    initializers: list[onnx.TensorProto] = field(default_factory=list)

    def model(self) -> onnx.ModelProto:
        """Convert everything that the six outputs need, largest map first."""
        for name in self._in_dependency_order((*SCORE_OUTPUTS, *DISTANCE_OUTPUTS)):
            node = self.nodes[name]
            handler = HANDLERS.get(node["op"])
            if handler is None:
                raise InputError(f"node {name}: operation {node['op']} is not one of {sorted(HANDLERS)}")
            handler(self, node)
        for output, parts in (("scores", SCORE_OUTPUTS), ("distances", DISTANCE_OUTPUTS)):
            stored = [self.stored(self.views[part], (0, 1, 2)) for part in parts]
            self.emitted.append(helper.make_node("Concat", stored, [output], axis=1))
        graph = helper.make_graph(
            self.emitted,
            "nanodet",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, "height", "width"])],
            [
                helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", "points", 80]),
                helper.make_tensor_value_info("distances", TensorProto.FLOAT, ["batch", "points", 4 * (REG_MAX + 1)]),
            ],
            self.initializers,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET_VERSION)], ir_version=IR_VERSION)
        model.producer_name = "dashlight"
        onnx.checker.check_model(model, full_check=True)
        return model

    def _in_dependency_order(self, wanted: Sequence[str]) -> list[str]:
        """Return the nodes that `wanted` needs, each after its inputs; constants left out."""
        order: dict[str, None] = {}
        stack = [(name, False) for name in reversed(wanted)]
        while stack:
            name, is_ready = stack.pop()
            if name in order or name in self.constants:
                continue
            if is_ready:
                order[name] = None
                continue
            if name not in self.nodes:
                raise InputError(f"the graph has no node {name!r}")
            stack.append((name, True))
            stack.extend((source_of(each), False) for each in self.nodes[name].get("input", ()))
        return list(order)

    # -- what the handlers use ---------------------------------------------------------

    def input(self, node: Node, index: int) -> str:
        """Return the name of one input, as the graph writes it."""
        return str(node["input"][index])

    def constant(self, node: Node, index: int) -> Array:
        """Return one input that has to be known now."""
        name = self.input(node, index)
        if name not in self.constants:
            raise InputError(f"node {node['name']}: input {name} is not a constant")
        return self.constants[name]

    def view(self, node: Node, index: int) -> View:
        """Return one input that is computed at run time."""
        return self.views[self.input(node, index)]

    def add_initializer(self, name: str, value: Array) -> str:
        """Store an array in the model and return its name."""
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def emit(self, node: Node, op: str, inputs: list[str], *, perm: tuple[int, ...], **attributes: Any) -> None:
        """Add one ONNX operation whose result is `node`'s value seen through `perm`."""
        self.emitted.append(helper.make_node(op, inputs, [node["name"]], **attributes))
        self.views[node["name"]] = View(node["name"], perm)

    def stored(self, view: View, perm: tuple[int, ...]) -> str:
        """Return a tensor that, seen through `perm`, is `view`; transposes only if it must."""
        if view.perm == perm:
            return view.name
        order = [view.perm[perm.index(axis)] for axis in range(len(perm))]
        name = f"{view.name}/as_{''.join(map(str, order))}"
        if all(name not in each.output for each in self.emitted):
            self.emitted.append(helper.make_node("Transpose", [view.name], [name], perm=order))
        return name

    # -- one method an operation --------------------------------------------------------

    def placeholder(self, node: Node) -> None:
        """Let the one placeholder be the model's input."""
        self.views[node["name"]] = View("images", IDENTITY_4D)

    def identity(self, node: Node) -> None:
        """Give the value a second name."""
        self.views[node["name"]] = self.view(node, 0)

    def transpose(self, node: Node) -> None:
        """Remember the permutation; nothing is computed."""
        view = self.view(node, 0)
        perm = tuple(view.perm[int(axis)] for axis in self.constant(node, 1))
        self.views[node["name"]] = View(view.name, perm)

    def sparse_to_dense(self, node: Node) -> None:
        """Fold the empty sparse tensor into a constant: it is its default everywhere."""
        if self.constant(node, 0).size:
            raise InputError(f"node {node['name']}: only an empty SparseToDense is known")
        shape, default = self.constant(node, 1), self.constant(node, 3)
        self.constants[node["name"]] = np.full(tuple(int(each) for each in shape), default)

    def add(self, node: Node) -> None:
        """Add a constant, laid out as the stored tensor is, or another value."""
        left, right = self.input(node, 0), self.input(node, 1)
        if left in self.constants and right in self.constants:
            self.constants[node["name"]] = self.constants[left] + self.constants[right]
            return
        view = self.view(node, 0)
        if right in self.constants:
            value = self.constants[right]
            padded = value.reshape((1,) * (len(view.perm) - value.ndim) + value.shape)
            inverse = [view.perm.index(axis) for axis in range(len(view.perm))]
            other = self.add_initializer(right, padded.transpose(inverse))
        else:
            other = self.stored(self.views[right], view.perm)
        self.emit(node, "Add", [view.name, other], perm=view.perm)

    def unary(self, node: Node) -> None:
        """Apply a function of each number; its layout does not matter."""
        view = self.view(node, 0)
        attributes = {"alpha": float(node["attr"]["alpha"]["f"])} if node["op"] == "LeakyRelu" else {}
        self.emit(node, node["op"], [view.name], perm=view.perm, **attributes)

    def pad(self, node: Node) -> None:
        """Pad the stored axes that the view's axes are."""
        view, pads = self.view(node, 0), self.constant(node, 1)
        fill = self.constant(node, 2) if node["op"] == "PadV2" else np.float32(0)
        amounts = np.zeros((2, len(view.perm)), np.int64)
        for axis, (before, after) in enumerate(pads.tolist()):
            amounts[:, view.stored_axis(axis)] = before, after
        inputs = [
            view.name,
            self.add_initializer(f"{node['name']}/pads", amounts.reshape(-1)),
            self.add_initializer(f"{node['name']}/fill", np.asarray(fill, np.float32).reshape(())),
        ]
        self.emit(node, "Pad", inputs, perm=view.perm)

    def conv(self, node: Node) -> None:
        """Convolve; the kernel changes from (h, w, in, out) to (out, in, h, w)."""
        require_window(node)
        kernel = self.add_initializer(self.input(node, 1), self.constant(node, 1).transpose(3, 2, 0, 1))
        inputs = [self.stored(self.view(node, 0), NHWC_OF_NCHW), kernel]
        strides, dilations = ints(node, "strides")[1:3], ints(node, "dilations")[1:3]
        self.emit(node, "Conv", inputs, perm=NHWC_OF_NCHW, strides=strides, dilations=dilations)

    def max_pool(self, node: Node) -> None:
        """Take the largest value of each window."""
        require_window(node)
        stored = self.stored(self.view(node, 0), NHWC_OF_NCHW)
        kernel, strides = ints(node, "ksize")[1:3], ints(node, "strides")[1:3]
        self.emit(node, "MaxPool", [stored], perm=NHWC_OF_NCHW, kernel_shape=kernel, strides=strides)

    def resize(self, node: Node) -> None:
        """Resize by a ratio, not to a size, so that the model takes any multiple of 32."""
        if node["attr"]["half_pixel_centers"]["b"] is not True or node["attr"]["align_corners"]["b"]:
            raise InputError(f"node {node['name']}: only half-pixel centres are known")
        source, target = SOURCE_SIZES[node["name"]], self.constant(node, 1).tolist()
        scales = np.array([1, 1, target[0] / source, target[1] / source], np.float32)
        inputs = [
            self.stored(self.view(node, 0), NHWC_OF_NCHW),
            "",
            self.add_initializer(f"{node['name']}/scales", scales),
        ]
        mode = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        self.emit(node, "Resize", inputs, perm=NHWC_OF_NCHW, **mode)

    def concat(self, node: Node) -> None:
        """Join along the stored axis that the view's axis is."""
        *names, axis_name = (str(each) for each in node["input"])
        first = self.views[names[0]]
        stored = [first.name, *(self.stored(self.views[each], first.perm) for each in names[1:])]
        axis = first.stored_axis(int(self.constants[axis_name]))
        self.emit(node, "Concat", stored, perm=first.perm, axis=axis)

    def split(self, node: Node) -> None:
        """Cut along the stored axis that the view's axis is; outputs are `name`, `name:1`, ..."""
        view, sizes = self.view(node, 0), self.constant(node, 1).astype(np.int64)
        names = [node["name"], *(f"{node['name']}:{index}" for index in range(1, len(sizes)))]
        axis = view.stored_axis(int(self.constant(node, 2)))
        inputs = [view.name, self.add_initializer(f"{node['name']}/sizes", sizes)]
        self.emitted.append(helper.make_node("Split", inputs, names, axis=axis))
        for name in names:
            self.views[name] = View(name, view.perm)

    def reshape(self, node: Node) -> None:
        """Reshape the value as it is seen, keeping the batch size free."""
        shape = self.constant(node, 1).astype(np.int64)
        if shape[0] == 1:
            shape[0] = 0  # ONNX: as the input has it, so that batches work.
        inputs = [
            self.stored(self.view(node, 0), IDENTITY_4D),
            self.add_initializer(f"{node['name']}/shape", shape),
        ]
        self.emit(node, "Reshape", inputs, perm=tuple(range(len(shape))))


HANDLERS: dict[str, Callable[[Converter, Node], None]] = {
    "Add": Converter.add,
    "AddV2": Converter.add,
    "ConcatV2": Converter.concat,
    "Conv2D": Converter.conv,
    "Identity": Converter.identity,
    "LeakyRelu": Converter.unary,
    "MaxPool": Converter.max_pool,
    "Pad": Converter.pad,
    "PadV2": Converter.pad,
    "Placeholder": Converter.placeholder,
    "Reshape": Converter.reshape,
    "ResizeBilinear": Converter.resize,
    "Sigmoid": Converter.unary,
    "SparseToDense": Converter.sparse_to_dense,
    "SplitV": Converter.split,
    "Transpose": Converter.transpose,
}

# The source graph gives only target sizes (at 416: 13 x 32 px); these are the maps resized from.
SOURCE_SIZES = {
    "PartitionedCall/resize/ResizeBilinear": 13,
    "PartitionedCall/resize_1/ResizeBilinear": 26,
    "PartitionedCall/resize_2/ResizeBilinear": 52,
    "PartitionedCall/resize_3/ResizeBilinear": 26,
}


def source_of(name: str) -> str:
    """Return the node that an input such as `split:1` comes from."""
    return name.split(":", 1)[0]


def ints(node: Node, attribute: str) -> list[int]:
    """Return a list attribute, which the graph writes as strings."""
    return [int(each) for each in node["attr"][attribute]["list"]["i"]]


def require_window(node: Node) -> None:
    """Refuse what was not seen in this graph: padding other than VALID, channels first."""
    padding, layout = node["attr"]["padding"]["s"], node["attr"]["data_format"]["s"]
    if (padding, layout) != ("VkFMSUQ=", "TkhXQw=="):  # base64 of VALID and NHWC
        raise InputError(f"node {node['name']}: padding {padding!r} in layout {layout!r} is not known")


def read_arrays(manifest: list[dict[str, Any]], raw: bytes) -> dict[str, Array]:
    """Return the arrays by name, half precision widened to single.

    Raises:
        InputError: an encoding other than plain int32, float32 or float16, or a length
            of `raw` that is not the sum of the arrays'.
    """
    arrays: dict[str, Array] = {}
    offset = 0
    for weight in (each for group in manifest for each in group["weights"]):
        stored_as = weight.get("quantization", {}).get("dtype", weight["dtype"])
        if stored_as not in {"int32", "float32", "float16"}:
            raise InputError(f"weight {weight['name']}: encoding {stored_as!r} is not int32, float32 or float16")
        dtype = np.dtype(stored_as).newbyteorder("<")
        count = math.prod(weight["shape"])
        value = np.frombuffer(raw, dtype, count, offset).reshape(weight["shape"])
        arrays[weight["name"]] = value.astype(weight["dtype"])
        offset += count * dtype.itemsize
    if offset != len(raw):
        raise InputError(f"the arrays take {offset} bytes, the file has {len(raw)}")
    return arrays


def convert(graph: dict[str, Any], raw: bytes) -> onnx.ModelProto:
    """Return the ONNX model of a parsed `nanodet.json` and the bytes of `nanodet.bin`."""
    nodes = {node["name"]: node for node in graph["modelTopology"]["node"]}
    return Converter(nodes, read_arrays(graph["weightsManifest"], raw)).model()


def converted(graph: dict[str, Any], raw: bytes) -> bytes:
    """Return the model as bytes; the same input and `onnx` version give the same bytes."""
    serialized: bytes = convert(graph, raw).SerializeToString(deterministic=True)
    return serialized


# fmt: off
COCO_CLASSES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)
# fmt: on
