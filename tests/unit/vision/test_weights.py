import shutil

import pytest

from dashlight.errors import HostError
from dashlight.vision import Detectors, read_weights, weights_table
from dashlight.vision.sessions import open_session
from dashlight.vision.weights import NAMES, default_folder


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_in_the_package_are_those_of_the_table(name):
    assert len(read_weights(name)) > 100_000


def test_missing_weights_name_the_file_and_the_fix(tmp_path):
    with pytest.raises(HostError, match=r"centerface\.onnx") as caught:
        read_weights("centerface", tmp_path)

    assert "make vendor" in caught.value.hint
    assert caught.value.exit_code == 7


def test_changed_weights_are_refused(tmp_path):
    model = bytearray(read_weights("plate_net"))
    model[-1] ^= 1
    (tmp_path / "plate_net.onnx").write_bytes(model)

    with pytest.raises(HostError, match="SHA-256") as caught:
        read_weights("plate_net", tmp_path)

    assert caught.value.code == "weights-changed"


def test_one_missing_detector_stops_them_all(tmp_path):
    for name in NAMES[:-1]:
        shutil.copy(default_folder() / weights_table()[name].file, tmp_path)

    with pytest.raises(HostError, match=weights_table()[NAMES[-1]].file):
        Detectors.load(tmp_path)


def test_bytes_that_are_no_model_are_a_host_error():
    with pytest.raises(HostError, match="cannot load the weights x"):
        open_session(b"not a model", name="x")


def test_every_row_names_its_licence_and_source():
    for row in weights_table().values():
        assert row.licence in {"MIT", "Apache-2.0"}
        assert row.source
