import cv2
import numpy as np
import pytest
import simplejpeg

from dashlight.errors import Corrupt, TooLarge
from dashlight.model import RawFrame, Redaction, RedactionKind
from dashlight.vision import recheck, redact
from dashlight.vision.second_look import is_flat, thumbnail_difference


def scene_with_plate():
    """A grey car's back with a plate that anybody can read."""
    picture = np.full((720, 1280, 3), 110, np.uint8)
    picture[200:560, 400:880] = 60
    picture[410:450, 545:735] = 238
    cv2.putText(picture, "B 52 CNW", (556, 442), cv2.FONT_HERSHEY_DUPLEX, 1.1, (15, 15, 15), 2, cv2.LINE_AA)
    return cv2.GaussianBlur(picture, (0, 0), 0.7)


def jpeg_of(picture):
    return simplejpeg.encode_jpeg(np.ascontiguousarray(picture), quality=90, colorspace="RGB")


def test_a_readable_plate_is_found(detectors):
    verdict = recheck(jpeg_of(scene_with_plate()), [], detectors)

    assert verdict.readable
    assert verdict.readable[0].kind == "plate"


def test_listing_a_box_does_not_excuse_a_plate_that_is_still_there(detectors):
    listed = [Redaction(RedactionKind.PLATE, (530, 400, 750, 460), 0.9)]

    assert recheck(jpeg_of(scene_with_plate()), listed, detectors).readable


def test_a_redacted_plate_is_not_objected_to(detectors):
    frame = RawFrame(scene_with_plate())

    picture = redact(frame, detectors.detect(frame.rgb))

    assert not recheck(picture.jpeg, picture.redactions, detectors).readable


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff", b"GIF89a" * 30, b"\xff\xd8" + b"\0" * 500])
def test_bytes_that_are_no_picture_are_corrupt(detectors, content):
    with pytest.raises(Corrupt):
        recheck(content, [], detectors)


def test_a_truncated_picture_is_corrupt(detectors):
    whole = jpeg_of(scene_with_plate())

    with pytest.raises(Corrupt):
        recheck(whole[: len(whole) // 2], [], detectors)


def test_a_picture_that_claims_to_be_huge_is_refused_before_it_is_decoded(detectors):
    forged = bytearray(jpeg_of(np.zeros((64, 64, 3), np.uint8)))
    at = forged.index(b"\xff\xc0")
    forged[at + 5 : at + 9] = b"\x4e\x20\x4e\x20"  # 20,000 x 20,000

    with pytest.raises(TooLarge):
        recheck(bytes(forged), [], detectors)


def test_a_smooth_fill_is_flat_and_text_is_not():
    ramp = np.repeat(np.linspace(40, 200, 120, dtype=np.uint8)[None, :, None], 40, axis=0).repeat(3, axis=2)

    assert is_flat(ramp)
    assert not is_flat(scene_with_plate()[410:450, 545:735])


def test_the_redactors_own_thumbnail_is_of_its_picture():
    picture = redact(RawFrame(scene_with_plate()), [])

    assert thumbnail_difference(picture.jpeg, picture.thumbnail_jpeg) is None


def test_a_plate_that_only_the_thumbnail_shows_is_a_difference():
    frame = RawFrame(scene_with_plate())
    unredacted = redact(frame, [])
    plain = scene_with_plate()
    plain[400:460, 530:750] = 60
    without = redact(RawFrame(plain), [])

    x_min, y_min, x_max, y_max = thumbnail_difference(without.jpeg, unredacted.thumbnail_jpeg)

    assert 530 / 2.56 - 8 <= x_min < x_max <= 750 / 2.56 + 8
    assert 400 / 2.56 - 8 <= y_min < y_max <= 460 / 2.56 + 8


def test_a_thumbnail_of_another_shade_is_a_difference():
    dark, bright = (jpeg_of(np.full((36, 64, 3), shade, np.uint8)) for shade in (90, 105))

    assert thumbnail_difference(dark, bright) == (0, 0, 64, 36)
