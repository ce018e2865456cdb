from itertools import pairwise

import numpy as np
import pytest

from dashlight.model import Detection
from dashlight.vision.detectors import (
    MAX_VIEW_LONG_SIDE,
    TILE_OVERLAP,
    believed,
    merged,
    starts,
    tiles,
    view_of,
)
from dashlight.vision.sessions import fitted_size


@pytest.mark.parametrize(
    ("size", "view"),
    [((1280, 720), 1280), ((320, 240), 640), ((640, 640), 1280), ((1920, 1080), 1920), ((4000, 3000), 1280)],
)
def test_small_pictures_are_enlarged_at_most_twice_and_huge_ones_seen_whole_first(size, view):
    assert view_of(size) == view


@pytest.mark.parametrize("length", [100, 1920, 1921, 2300, 3000, 4000, 12_000])
def test_tiles_cover_a_side_and_overlap(length):
    found = starts(length)

    assert found[0] == 0
    assert found[-1] + MAX_VIEW_LONG_SIDE >= length
    for first, second in pairwise(found):
        assert second - first <= MAX_VIEW_LONG_SIDE - TILE_OVERLAP


def test_every_tile_lies_in_the_picture():
    picture = np.zeros((2000, 4100, 3), np.uint8)

    seen = np.zeros(picture.shape[:2], bool)
    for left, top, tile in tiles(picture):
        assert max(tile.shape[:2]) <= MAX_VIEW_LONG_SIDE
        seen[top : top + tile.shape[0], left : left + tile.shape[1]] = True

    assert seen.all()


def test_what_two_tiles_saw_is_one_find():
    found = [
        Detection("plate", (100, 100, 200, 130), 0.8),
        Detection("plate", (102, 101, 201, 130), 0.9),
        Detection("face", (100, 100, 200, 130), 0.5),
    ]

    kept = merged(found)

    assert sorted((each.kind, each.score) for each in kept) == [("face", 0.5), ("plate", 0.9)]


@pytest.mark.parametrize("size", [(16, 16), (17, 333), (640, 16)])
def test_pictures_of_any_size_can_be_searched(detectors, size):
    picture = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)

    for each in detectors.detect(picture):
        x_min, y_min, x_max, y_max = each.bbox_xyxy
        assert 0 <= x_min < x_max <= size[0]
        assert 0 <= y_min < y_max <= size[1]


def test_the_same_picture_gives_the_same_finds(detectors, street):
    assert detectors.detect(street) == detectors.detect(street)


def test_an_empty_road_has_nothing_to_hide(detectors):
    road = np.repeat(np.linspace(200, 60, 720, dtype=np.uint8)[:, None], 1280, axis=1)

    found = detectors.detect(np.repeat(road[:, :, None], 3, axis=2))

    assert [each for each in found if each.kind in {"face", "plate", "person"}] == []


def test_the_input_of_a_network_is_a_multiple_and_holds_the_picture():
    assert fitted_size((1280, 720), long_side=960, multiple=32) == (960, 544)
    assert fitted_size((10, 4000), long_side=1280, multiple=32) == (32, 1280)


def test_a_giant_plate_counts_only_with_a_line_of_text_in_it():
    plates = np.array([[700, 0, 1200, 400], [100, 300, 600, 650], [40, 40, 120, 70]], np.float32)
    lines = np.array([[200, 400, 400, 460]], np.float32)

    counts = believed(plates, lines, (1280, 720))

    assert counts.tolist() == [False, True, True]


def test_giant_plates_without_any_text_in_the_picture_do_not_count():
    plates = np.array([[0, 0, 1280, 720]], np.float32)

    assert not believed(plates, np.zeros((0, 4), np.float32), (1280, 720)).any()
