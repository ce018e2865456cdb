import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dashlight.vision.fill import filled, mask_of

HEIGHT, WIDTH = 60, 96


@st.composite
def pixel_boxes(draw):
    found = []
    for _ in range(draw(st.integers(1, 5))):
        x_min, y_min = draw(st.integers(0, WIDTH - 1)), draw(st.integers(0, HEIGHT - 1))
        x_max, y_max = draw(st.integers(x_min + 1, WIDTH)), draw(st.integers(y_min + 1, HEIGHT))
        found.append((x_min, y_min, x_max, y_max))
    return found


@given(pixel_boxes(), st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_pixels_inside_boxes_do_not_influence_the_fill(boxes, seed):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    hidden = mask_of(boxes, first.shape)
    second = first.copy()
    second[hidden] = rng.integers(0, 256, (int(hidden.sum()), 3), dtype=np.uint8)

    assert np.array_equal(filled(first, boxes), filled(second, boxes))


@given(pixel_boxes())
@settings(max_examples=30)
def test_pixels_outside_boxes_stay_as_they_were(boxes):
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    before = picture.copy()

    after = filled(picture, boxes)

    outside = ~mask_of(boxes, picture.shape)
    assert np.array_equal(after[outside], before[outside])
    assert np.array_equal(picture, before)


def test_a_box_as_large_as_the_picture_becomes_grey():
    picture = np.full((20, 30, 3), 200, np.uint8)

    assert (filled(picture, [(0, 0, 30, 20)]) == 128).all()


def test_the_fill_takes_the_colour_around_it():
    picture = np.full((40, 60, 3), (10, 120, 240), np.uint8)
    picture[10:20, 10:30] = 255

    assert (filled(picture, [(10, 10, 30, 20)]) == (10, 120, 240)).all()


def test_one_box_inside_another_takes_nothing_from_it():
    picture = np.full((60, 96, 3), 50, np.uint8)
    picture[10:50, 10:80] = 250

    after = filled(picture, [(10, 10, 80, 50), (30, 20, 40, 30)])

    assert (after == 50).all()
