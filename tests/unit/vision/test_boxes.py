import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dashlight.vision.boxes import areas, clipped, covered_share, grown, intersections, iou, nms, rounded_out, strongest

side = st.floats(-50, 400, allow_nan=False, width=32)


@st.composite
def boxes(draw, low=0, high=12):
    rows = draw(st.lists(st.tuples(side, side, side, side), min_size=low, max_size=high))
    made = np.array(rows, np.float32).reshape(-1, 4)
    return np.concatenate([np.minimum(made[:, :2], made[:, 2:]), np.maximum(made[:, :2], made[:, 2:])], axis=1)


def test_iou_of_half_overlapping_boxes_is_a_third():
    first = np.array([[0, 0, 10, 10]], np.float32)
    second = np.array([[5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 10, 10]], np.float32)

    assert np.allclose(iou(first, second), [[1 / 3, 0, 1]])


def test_empty_boxes_have_no_overlap_with_anything():
    empty = np.array([[5, 5, 5, 5]], np.float32)

    assert iou(empty, empty)[0, 0] == 0
    assert iou(np.zeros((0, 4), np.float32), empty).shape == (0, 1)


@given(boxes(), boxes())
def test_iou_is_symmetric_and_within_bounds(first, second):
    table = iou(first, second)

    assert np.allclose(table, iou(second, first).T, atol=1e-5)
    assert ((table >= 0) & (table <= 1.0001)).all()


@given(boxes(low=1), st.randoms(use_true_random=False))
def test_nms_keeps_boxes_that_do_not_overlap_and_covers_the_rest(found, random):
    scores = np.array([random.random() for _ in found], np.float32)

    kept = nms(found, scores, iou_threshold=0.5)

    table = iou(found[kept], found[kept])
    assert (table[~np.eye(len(kept), dtype=bool)] <= 0.5).all()
    left = [index for index in range(len(found)) if index not in set(kept.tolist())]
    for index in left:
        assert iou(found[[index]], found[kept]).max() > 0.5


def test_nms_of_nothing_is_nothing():
    assert nms(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), iou_threshold=0.5).size == 0


def test_equal_scores_keep_the_first():
    twice = np.array([[0, 0, 10, 10], [0, 0, 10, 10]], np.float32)

    assert nms(twice, np.array([0.5, 0.5], np.float32), iou_threshold=0.5).tolist() == [0]


def test_a_grown_box_is_longer_by_the_margin_on_both_sides_together():
    box = np.array([[10, 20, 30, 60]], np.float32)

    assert grown(box, 0.5).tolist() == [[5, 10, 35, 70]]


@given(boxes())
def test_rounding_out_never_uncovers_a_pixel_of_the_picture(found):
    size = (320, 180)

    whole = rounded_out(found, size).astype(np.float32)

    inside = clipped(found, size)
    assert np.allclose(intersections(inside, whole).diagonal(), areas(inside), rtol=1e-3, atol=1e-2)
    assert (whole[:, 0] >= 0).all()
    assert (whole[:, 2] <= 320).all()


def test_covered_share_is_of_the_best_single_box():
    box = np.array([0, 0, 10, 10], np.float32)
    halves = np.array([[0, 0, 5, 10], [5, 0, 10, 10]], np.float32)

    assert covered_share(box, halves) == 0.5
    assert covered_share(box, np.zeros((0, 4), np.float32)) == 0.0


def test_of_many_peaks_the_best_are_kept_and_of_few_all():
    heat = np.array([[0.1, 0.9], [0.5, 0.7]], np.float32)

    rows, columns, scores = strongest(heat, heat > 0.2, most=2)

    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 1), (1, 1)]
    assert np.allclose(scores, [0.9, 0.7])
    assert len(strongest(heat, heat > 0.2, most=3)[0]) == 3
    assert not len(strongest(heat, heat > 1, most=3)[0])
