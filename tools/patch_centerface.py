"""Make CenterFace's published graph take any picture.

The file as published declares its input as 10 x 3 x 32 x 32 and lists every weight as an
input too, which makes onnxruntime warn and keeps it from folding constants. The arrays
and operations stay as they are; only declarations change:

- Input `input.1`: (N, 3, H, W) float32, H and W multiples of 32; channels red, green,
  blue with values 0..255, neither scaled nor shifted.
- Outputs at a quarter of the size: `537` (N, 1, h, w) heat map in [0, 1]; `538` (N, 2, h, w)
  logarithm of height and width in cells; `539` (N, 2, h, w) offset of the centre (y, x) in
  cells; `540` (N, 10, h, w) five landmarks.
"""

from __future__ import annotations

import onnx

from dashlight.errors import InputError

MAP_CHANNELS = {"537": 1, "538": 2, "539": 2, "540": 10}
INPUT_NAME = "input.1"


def patch(model: onnx.ModelProto) -> None:
    """Declare one free-sized input, free-sized outputs and nothing that is not used.

    Raises:
        InputError: the graph is not CenterFace's as published.
    """
    graph = model.graph
    outputs = {each.name for each in graph.output}
    if INPUT_NAME not in {each.name for each in graph.input} or outputs != set(MAP_CHANNELS):
        raise InputError(f"not CenterFace: input {INPUT_NAME} or outputs {sorted(outputs)}")
    used = {name for node in graph.node for name in node.input}
    for initializer in [each for each in graph.initializer if each.name not in used]:
        graph.initializer.remove(initializer)
    for declared in [each for each in graph.input if each.name != INPUT_NAME]:
        graph.input.remove(declared)
    declare(graph.input[0], ("batch", 3, "height", "width"))
    for output in graph.output:
        declare(output, ("batch", MAP_CHANNELS[output.name], "map_height", "map_width"))
    onnx.checker.check_model(model, full_check=True)


def declare(value: onnx.ValueInfoProto, shape: tuple[int | str, ...]) -> None:
    """Set a value's shape; a name stands for a size known only at run time."""
    dims = value.type.tensor_type.shape.dim
    del dims[:]
    for size in shape:
        if isinstance(size, int):
            dims.add().dim_value = size
        else:
            dims.add().dim_param = size


def patched(source: bytes) -> bytes:
    """Return the patched model; the same source and `onnx` version give the same bytes."""
    model = onnx.load_model_from_string(source)
    patch(model)
    serialized: bytes = model.SerializeToString(deterministic=True)
    return serialized
