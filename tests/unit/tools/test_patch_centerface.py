from pathlib import Path

import numpy as np
import pytest

from dashlight.errors import InputError

onnx = pytest.importorskip("onnx", reason="needs the dependency group `vendor`")
cv2 = pytest.importorskip("cv2", reason="needs the extra `edge`")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra `edge`")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

import patch_centerface  # noqa: E402

ROOT = Path(__file__).parents[3]
MODEL = ROOT / "src/dashlight/vision/weights/centerface.onnx"
PHOTO = ROOT / "src/dashlight/sim/assets/astronaut.png"


def published(input_name="input.1"):
    """Return a one-layer graph declared as CenterFace is: fixed sizes, weights as inputs, an unused one."""
    nodes, initializers, outputs = [], [numpy_helper.from_array(np.ones(1, np.float32), "unused")], []
    for name, channels in patch_centerface.MAP_CHANNELS.items():
        initializers.append(numpy_helper.from_array(np.ones((channels, 3, 4, 4), np.float32), f"{name}.weight"))
        nodes.append(helper.make_node("Conv", [input_name, f"{name}.weight"], [name], strides=[4, 4]))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [10, channels, 8, 8]))
    inputs = [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, [10, 3, 32, 32])]
    inputs += [helper.make_tensor_value_info(each.name, TensorProto.FLOAT, each.dims) for each in initializers]
    graph = helper.make_graph(nodes, "published", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=4)
    return model.SerializeToString()


def test_a_patched_graph_takes_any_size_and_has_one_input():
    model = patch_centerface.patched(published())
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])

    maps = session.run(None, {"input.1": np.ones((2, 3, 64, 96), np.float32)})

    assert [each.name for each in session.get_inputs()] == ["input.1"]
    assert [each.shape for each in maps] == [(2, channels, 16, 24) for channels in (1, 2, 2, 10)]
    assert "unused" not in {each.name for each in onnx.load_model_from_string(model).graph.initializer}


def test_another_graph_is_refused():
    with pytest.raises(InputError, match="not CenterFace"):
        patch_centerface.patched(published(input_name="images"))


def test_the_vendored_model_finds_the_face_in_the_vendored_photo():
    if not (MODEL.exists() and PHOTO.exists()):
        pytest.skip("weights or photo are not there: run `make vendor`")
    session = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
    picture = cv2.cvtColor(cv2.imread(str(PHOTO)), cv2.COLOR_BGR2RGB)

    heat = session.run(["537"], {"input.1": picture.astype(np.float32).transpose(2, 0, 1)[None]})[0][0, 0]

    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert heat.max() > 0.9
    assert (column * 4, row * 4) == pytest.approx((224, 115), abs=20)
    assert heat[40:].max() < 0.1, "nothing else in the photo is a face"
