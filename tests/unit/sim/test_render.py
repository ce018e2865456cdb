import numpy as np
import pytest

from dashlight.errors import InputError
from dashlight.sim.render import Renderer
from dashlight.sim.town import PLATE_STYLES, plate_of


@pytest.fixture(scope="module")
def renderer():
    return Renderer(seed=7, duration_s=52.0, width=640, height=360)


def test_a_frame_is_a_picture_of_the_size_asked_for(renderer):
    rgb, _ = renderer.frame(3.0)

    assert rgb.shape == (360, 640, 3)
    assert rgb.dtype == np.uint8
    assert 60 < rgb.mean() < 200
    assert rgb.std() > 30


def test_a_frame_is_the_same_whatever_was_painted_before(renderer):
    first, truths = renderer.frame(5.0)
    renderer.frame(30.0)

    again, same_truths = renderer.frame(5.0)

    assert np.array_equal(first, again)
    assert truths == same_truths


def test_the_truth_lies_within_the_frame(renderer):
    for t_s in (2.0, 9.0, 18.0, 27.0, 38.0):
        for truth in renderer.frame(t_s)[1]:
            left, top, right, bottom = truth.bbox_xyxy
            assert 0 <= left < right <= 640
            assert 0 <= top < bottom <= 360
            assert 0 < truth.visible <= 1


def test_the_drive_shows_plates_faces_and_signs(renderer):
    kinds = {truth.kind for t_s in (3.0, 16.0, 38.0) for truth in renderer.frame(t_s)[1]}

    assert kinds == {"plate", "face", "sign"}


def test_plates_move_with_their_cars(renderer):
    boxes = {}
    for t_s in (3.0, 3.2):
        for truth in renderer.frame(t_s)[1]:
            if truth.kind == "plate" and truth.name.startswith("parked") and truth.visible == 1.0:
                boxes.setdefault(truth.name, []).append(truth)
    pairs = [pair for pair in boxes.values() if len(pair) == 2]

    assert pairs
    for before, after in pairs:
        assert after.distance_m < before.distance_m
        assert after.bbox_xyxy[2] - after.bbox_xyxy[0] > before.bbox_xyxy[2] - before.bbox_xyxy[0]


def test_a_plate_is_as_wide_as_its_distance_says(renderer):
    focal_px = 0.66 * 640
    for t_s in (3.0, 16.0, 20.0):
        for truth in renderer.frame(t_s)[1]:
            is_whole = truth.bbox_xyxy[0] > 0 and truth.bbox_xyxy[2] < 640 and truth.visible == 1.0
            if truth.name == "lead-rear" and is_whole and 5 < truth.distance_m < 60:
                wide = truth.bbox_xyxy[2] - truth.bbox_xyxy[0]
                assert wide <= 0.53 * focal_px / (truth.distance_m - 5.0)


def test_every_style_of_plate_is_made():
    random = np.random.default_rng(1)

    assert {plate_of(random).style for _ in range(200)} == set(PLATE_STYLES)


@pytest.mark.parametrize(("width", "height"), [(641, 360), (100, 60), (8000, 4000)])
def test_impossible_sizes_are_refused_with_the_bound(width, height):
    with pytest.raises(InputError, match="320 x 180"):
        Renderer(seed=1, duration_s=10.0, width=width, height=height)
