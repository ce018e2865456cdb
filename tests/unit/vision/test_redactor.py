import ast
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

import dashlight
from dashlight.errors import InputError, PrivacyError
from dashlight.model import Detection, RawFrame, RedactedPicture, RedactionKind
from dashlight.vision import Margins, redact
from dashlight.vision.redactor import head_zone, redactions_of

SOURCES = Path(dashlight.__path__[0])


def plate(*box, score=0.9):
    return Detection("plate", box, score)


def pixels_of(jpeg):
    return simplejpeg.decode_jpeg(jpeg, colorspace="RGB")


def segments(jpeg):
    at, found = 2, []
    while jpeg[at + 1] != 0xDA:
        found.append(jpeg[at + 1])
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return found


def test_what_was_inside_a_box_changes_no_byte_of_the_picture(street):
    other = street.copy()
    other[60:100, 100:180] = 255 - other[60:100, 100:180]
    found = [plate(100, 60, 180, 100)]

    first, second = redact(RawFrame(street), found), redact(RawFrame(other), found)

    assert first.jpeg == second.jpeg
    assert first.thumbnail_jpeg == second.thumbnail_jpeg


def test_the_decoded_picture_does_not_correlate_with_what_was_inside():
    ramp = np.linspace(60, 160, 320, dtype=np.uint8)
    picture = np.repeat(np.repeat(ramp[None, :, None], 180, axis=0), 3, axis=2)
    bars = np.where(np.arange(80) // 5 % 2 == 0, 20, 235).astype(np.uint8)
    picture[70:90, 117:197] = bars[None, :, None]  # Off the grid of the encoder's blocks.

    made = pixels_of(redact(RawFrame(picture), [plate(117, 70, 197, 90)]).jpeg)

    inside = made[70:90, 117:197].astype(float).mean(axis=(0, 2))
    detrended = inside - np.polyval(np.polyfit(np.arange(80), inside, 1), np.arange(80))
    wanted = bars - bars.mean()
    assert abs(float((detrended * wanted).sum())) / np.linalg.norm(wanted) < 5.0
    assert detrended.std() < 1.5


def test_the_raw_frame_is_not_changed(street):
    before = street.copy()

    redact(RawFrame(street), [plate(100, 60, 180, 100)])

    assert np.array_equal(street, before)


def test_a_plate_grows_by_its_margin_and_stays_in_the_picture():
    (made,) = redactions_of([plate(0, 60, 100, 100)], (320, 180), margins=Margins(plate=0.25))

    assert made.kind is RedactionKind.PLATE
    assert made.bbox_xyxy == (0, 55, 113, 105)


def test_a_box_within_another_of_its_kind_is_listed_once():
    found = [plate(50, 50, 150, 100), plate(80, 60, 100, 80, score=0.99)]

    made = redactions_of(found, (320, 180), margins=Margins())

    assert [each.score for each in made] == [0.9]


def test_objects_other_than_persons_are_not_painted_over():
    found = [Detection("car", (10, 10, 100, 90), 0.9), Detection("stop sign", (200, 10, 220, 30), 0.9)]

    assert redactions_of(found, (320, 180), margins=Margins()) == ()


def test_a_person_loses_the_head_and_keeps_the_feet():
    (made,) = redactions_of([Detection("person", (100, 20, 140, 120), 0.5)], (320, 180), margins=Margins())

    x_min, y_min, x_max, y_max = made.bbox_xyxy
    assert made.kind is RedactionKind.HEAD
    assert x_min <= 100
    assert x_max >= 140
    assert y_min <= 20
    assert 40 <= y_max <= 55


@pytest.mark.parametrize(("score", "count"), [(0.4, 0), (0.6, 1)])
def test_a_giant_is_believed_only_with_a_high_score(score, count):
    found = [Detection("person", (20, 10, 300, 170), score)]

    assert len(redactions_of(found, (320, 180), margins=Margins())) == count


def test_the_head_of_somebody_cut_off_at_the_waist_is_half_of_the_box():
    zone = head_zone(np.array([[0, 0, 100, 80]], np.float32))

    assert zone.tolist() == [[0, 0, 100, 40]]


def test_redactions_are_sorted_by_kind_and_box(street):
    found = [plate(200, 10, 220, 20), plate(10, 100, 60, 120), Detection("face", (100, 100, 110, 112), 0.5)]

    made = redact(RawFrame(street), found).redactions

    assert [each.kind for each in made] == ["face", "plate", "plate"]
    assert made[1].bbox_xyxy < made[2].bbox_xyxy


def test_the_jpeg_holds_no_metadata(street):
    made = redact(RawFrame(street), [])

    for jpeg in (made.jpeg, made.thumbnail_jpeg):
        assert not {0xE1, 0xE2, 0xED, 0xFE} & set(segments(jpeg))


def test_the_thumbnail_is_500_pixels_wide_and_shows_the_redacted_pixels():
    picture = np.full((720, 1280, 3), 90, np.uint8)
    picture[300:400, 500:800] = 255

    made = redact(RawFrame(picture), [plate(500, 300, 800, 400)])

    small = pixels_of(made.thumbnail_jpeg)
    assert small.shape[:2] == (281, 500)
    assert (made.thumbnail_width, made.thumbnail_height) == (500, 281)
    assert small.max() < 100


def test_a_small_picture_is_its_own_thumbnail_size(street):
    made = redact(RawFrame(street), [])

    assert (made.thumbnail_width, made.thumbnail_height) == (320, 180)


def test_a_picture_of_a_few_pixels_is_refused():
    with pytest.raises(InputError, match="8x8"):
        redact(RawFrame(np.zeros((8, 8, 3), np.uint8)), [])


def test_nobody_else_can_make_a_redacted_picture():
    with pytest.raises(PrivacyError):
        RedactedPicture(b"", b"", 1, 1, 1, 1, (), object())


def test_only_the_redactor_takes_the_seal():
    takers = set()
    for path in SOURCES.rglob("*.py"):
        names = {
            getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "name", None)
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
        }
        if "_SEAL" in names:
            takers.add(path.relative_to(SOURCES).as_posix())

    assert takers == {"model/frame.py", "vision/redactor.py"}
