import subprocess
import sys
from pathlib import Path

import pytest

import dashlight.vision
from dashlight.vision.weights import NAMES

SOURCES = Path(dashlight.vision.__path__[0])


def modules_after(statement):
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_no_network_runtime():
    loaded = modules_after("import dashlight.vision")

    assert not {"onnxruntime", "cv2", "numpy"} & loaded


def test_no_part_of_vision_reaches_the_network_the_edge_or_the_store():
    loaded = modules_after("from dashlight.vision import *")

    assert not {"httpx", "fastapi", "starlette", "socketserver", "sqlalchemy"} & loaded
    assert not {name for name in loaded if name.startswith(("dashlight.edge", "dashlight.store"))}


@pytest.mark.parametrize("name", dashlight.vision.__all__)
def test_every_public_name_is_there(name):
    assert getattr(dashlight.vision, name).__module__.startswith("dashlight.vision.")


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = dashlight.vision.nothing_such


def test_no_weights_read_text_or_tell_faces_apart():
    assert set(NAMES) == {"centerface", "text_det", "nanodet", "plate_net"}
    words = ("recognize", "recognise", "embedding(", "landmark", "ocr_rec", "decode_text")
    for path in SOURCES.glob("*.py"):
        code = path.read_text("utf-8")
        assert not [word for word in words if f"def {word}" in code or f"import {word}" in code], path
