"""Promise 1 as types: raw pixels have no way out, and only the redactor makes what may be published."""

import copy
import io
import pickle  # noqa: TID251 -- to show that it fails

import numpy as np
import pytest

from dashlight.errors import InputError, PrivacyError
from dashlight.model import RawFrame, RedactedPicture, thumbnail_size_of


def test_a_raw_frame_cannot_be_pickled():
    frame = RawFrame(np.zeros((2, 3, 3), np.uint8))

    with pytest.raises(PrivacyError, match="pickled"):
        pickle.dump(frame, io.BytesIO())
    with pytest.raises(PrivacyError, match="pickled"):
        copy.deepcopy(frame)


def test_a_raw_frame_does_not_show_its_pixels():
    assert "rgb" not in repr(RawFrame(np.full((2, 3, 3), 77, np.uint8)))


def test_a_raw_frame_has_no_method_that_writes():
    public = {name for name in dir(RawFrame) if not name.startswith("_")}

    assert public == {"rgb", "offset_s", "travelled_m", "size"}
    assert RawFrame(np.zeros((2, 3, 3), np.uint8)).size == (3, 2)


@pytest.mark.parametrize(
    "pixels", [np.zeros((2, 3), np.uint8), np.zeros((2, 3, 4), np.uint8), np.zeros((2, 3, 3), np.float32)]
)
def test_what_is_no_frame_is_named(pixels):
    with pytest.raises(InputError, match="uint8"):
        RawFrame(pixels)


@pytest.mark.parametrize("seal", [None, object(), True])
def test_nobody_but_the_redactor_makes_a_redacted_picture(seal):
    with pytest.raises(PrivacyError, match="only the redactor"):
        RedactedPicture(b"", b"", 1, 1, 1, 1, (), seal)


@pytest.mark.parametrize(
    ("size", "thumbnail"),
    [((1280, 720), (500, 281)), ((500, 20), (500, 20)), ((64, 36), (64, 36)), ((16000, 1), (500, 1))],
)
def test_a_picture_has_one_thumbnail_size_and_is_never_enlarged(size, thumbnail):
    assert thumbnail_size_of(size) == thumbnail
