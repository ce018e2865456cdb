import numpy as np

from dashlight.vision.text import lines_of, plate_shaped


def heat_with(*cores, value=0.9, shape=(96, 160)):
    heat = np.zeros(shape, np.float32)
    for x_min, y_min, x_max, y_max in cores:
        heat[y_min:y_max, x_min:x_max] = value
    return heat


def test_a_core_is_widened_to_its_line():
    boxes, scores = lines_of(heat_with((40, 40, 100, 46)), threshold=0.5)

    x_min, y_min, x_max, y_max = boxes[0]
    assert 30 <= x_min < 40
    assert 30 <= y_min < 40
    assert 100 < x_max <= 112
    assert 46 < y_max <= 56
    assert 0.7 < scores[0] <= 0.9


def test_two_lines_are_two_boxes():
    boxes, _ = lines_of(heat_with((10, 10, 50, 16), (10, 60, 90, 68)), threshold=0.5)

    assert len(boxes) == 2


def test_a_weak_core_is_no_line():
    boxes, scores = lines_of(heat_with((40, 40, 100, 46), value=0.4), threshold=0.5)

    assert boxes.shape == (0, 4)
    assert scores.shape == (0,)


def test_a_speck_is_no_line():
    boxes, _ = lines_of(heat_with((40, 40, 42, 42)), threshold=0.5)

    assert len(boxes) == 0


def test_noise_costs_a_bounded_number_of_lines():
    noise = np.random.default_rng(0).random((512, 512), dtype=np.float32)

    boxes, _ = lines_of(noise, threshold=0.1)

    assert len(boxes) <= 500


def test_plates_of_every_country_have_the_shape_and_banners_have_not():
    size = (1280, 720)
    wanted = np.array([[0, 0, 104, 22], [0, 0, 60, 30], [0, 0, 40, 36], [0, 0, 50, 8]], np.float32)
    unwanted = np.array([[0, 0, 500, 30], [0, 0, 20, 60], [0, 0, 30, 4], [0, 0, 900, 400]], np.float32)

    assert plate_shaped(wanted, size).all()
    assert not plate_shaped(unwanted, size).any()
