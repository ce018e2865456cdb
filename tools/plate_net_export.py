"""Write the trained plate network as an ONNX graph, node by node.

The network is small and plain, so its graph is written with `onnx.helper` rather than
traced: batch normalisation is folded into the convolutions, the names are ours, the opset
stays at 17, and the same weights give the same bytes with any version of PyTorch.

Input `image`: `(batch, height, width, 3) uint8` RGB, sides multiples of 16. Outputs:
`score` `(batch, h, w) float32` in [0, 1] and `distance` `(batch, 4, h, w) float32`, pixels
from a cell's centre to the left, top, right and bottom edge; h and w an eighth of the input.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

OPSET_VERSION = 17
IR_VERSION = 8
STRIDE = 8


class Graph:
    """Collects nodes and constants."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: Any) -> str:
        """Add a constant and return its name."""
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, operation: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node of one output and return the output's name."""
        self.nodes.append(helper.make_node(operation, inputs, [output], name=output, **attributes))
        return output

    def convolution(self, name: str, source: str, layer: torch.nn.Conv2d, weight: Any, bias: Any) -> str:
        """Add a convolution."""
        inputs = [source, self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", bias)]
        pad_y, pad_x = (int(pad) for pad in layer.padding)
        return self.add(
            "Conv",
            inputs,
            name,
            strides=list(layer.stride),
            dilations=list(layer.dilation),
            pads=[pad_y, pad_x, pad_y, pad_x],
        )

    def block(self, name: str, source: str, block: Any) -> str:
        """Add a convolution with its batch normalisation folded in, and ReLU."""
        layer, norm = block[0], block[1]
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weight = (layer.weight * factor[:, None, None, None]).detach().numpy()
        bias = (norm.bias - norm.running_mean * factor).detach().numpy()
        return self.add("Relu", [self.convolution(name, source, layer, weight, bias)], f"{name}.relu")

    def blocks(self, name: str, source: str, blocks: Any) -> str:
        """Add blocks one after another."""
        for index, block in enumerate(blocks):
            source = self.block(f"{name}.{index}", source, block)
        return source


def write_onnx(net: Any, path: Path) -> None:
    """Write `net`, in evaluation mode, to `path`."""
    graph = Graph()
    x = graph.add("Cast", ["image"], "image.float", to=TensorProto.FLOAT)
    x = graph.add("Transpose", [x], "image.planes", perm=[0, 3, 1, 2])
    x = graph.add("Mul", [x, graph.constant("unit", np.float32(1 / 255))], "image.unit")
    x = graph.add("Sub", [x, graph.constant("half", np.float32(0.5))], "image.centred")
    fine = graph.block("fine", graph.blocks("stem", x, net.stem), net.fine)
    wide = graph.blocks("wide", fine, net.wide)
    scales = graph.constant("twice", np.array([1, 1, 2, 2], np.float32))
    wide = graph.add(
        "Resize", [wide, "", scales], "wide.up", mode="nearest", nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )  # fmt: skip
    head = graph.blocks("head", graph.add("Concat", [fine, wide], "joined", axis=1), net.head)
    layers = {name: getattr(net, name) for name in ("score", "distance")}
    maps = {
        name: graph.convolution(f"{name}.map", head, layer, layer.weight.detach().numpy(), layer.bias.detach().numpy())
        for name, layer in layers.items()
    }
    likely = graph.add("Sigmoid", [maps["score"]], "score.sigmoid")
    graph.add("Squeeze", [likely, graph.constant("channel", np.array([1], np.int64))], "score")
    low, high = graph.constant("low", np.float32(-3)), graph.constant("high", np.float32(4))
    cells = graph.add("Exp", [graph.add("Clip", [maps["distance"], low, high], "distance.log")], "distance.cells")
    graph.add("Mul", [cells, graph.constant("stride", np.float32(STRIDE))], "distance")
    value = helper.make_tensor_value_info
    made = helper.make_graph(
        graph.nodes,
        "plate_net",
        [value("image", TensorProto.UINT8, ["batch", "height", "width", 3])],
        [
            value("score", TensorProto.FLOAT, ["batch", "map_height", "map_width"]),
            value("distance", TensorProto.FLOAT, ["batch", 4, "map_height", "map_width"]),
        ],
        graph.constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET_VERSION)], ir_version=IR_VERSION)
    model.producer_name = "dashlight"
    onnx.checker.check_model(model, full_check=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
