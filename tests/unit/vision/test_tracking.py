from collections import deque

import cv2
import numpy as np
import pytest

from dashlight.errors import InputError
from dashlight.model import Detection, RawFrame
from dashlight.vision import redact_sequence

HEIGHT, WIDTH = 360, 640


class Script:
    """A detector that says what it was told, in turn."""

    def __init__(self, *answers):
        self.answers = deque(answers)
        self.asked = 0

    def detect(self, _rgb):
        self.asked += 1
        return tuple(self.answers.popleft())


def plate(x, y=200.0, *, width=60.0, height=16.0, score=0.8):
    return Detection("plate", (x, y, x + width, y + height), score)


def frame(second, x=None, *, y=200, metres=None, size=(WIDTH, HEIGHT)):
    """A road with a plate of its own texture at `x`."""
    rng = np.random.default_rng(5)
    picture = cv2.resize(rng.integers(60, 120, (45, 80, 3), dtype=np.uint8), size)
    if x is not None:
        drawn = np.full((16, 60, 3), 230, np.uint8)
        cv2.putText(drawn, "AB 123", (2, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (10, 10, 10), 1)
        picture[y : y + 16, x : x + 60] = drawn
    return RawFrame(picture, offset_s=float(second), travelled_m=5.0 * second if metres is None else metres)


def painted(picture, box):
    mask = np.zeros((picture.height, picture.width), bool)
    for each in picture.redactions:
        x_min, y_min, x_max, y_max = each.bbox_xyxy
        mask[y_min:y_max, x_min:x_max] = True
    x_min, y_min, x_max, y_max = (round(side) for side in box)
    return mask[y_min:y_max, x_min:x_max].mean()


def test_a_plate_seen_before_and_after_is_hidden_between():
    frames = [frame(0, 100), frame(1, 130), frame(2, 160)]
    script = Script([plate(100)], [], [plate(160)])

    made = list(redact_sequence(frames, script))

    assert painted(made[1], (130, 200, 190, 216)) == 1.0


def test_a_plate_that_cannot_be_matched_is_hidden_at_the_mean_of_its_neighbours():
    frames = [frame(0), frame(1), frame(2)]
    script = Script([plate(100)], [], [plate(160)])

    made = list(redact_sequence(frames, script))

    assert painted(made[1], (130, 200, 190, 216)) == 1.0


@pytest.mark.parametrize("seen_at", [0, 2])
def test_a_plate_seen_on_one_side_is_hidden_where_its_pixels_went(seen_at):
    places = [100, 170, 240]
    frames = [frame(second, x) for second, x in enumerate(places)]
    answers = [[plate(x)] if second == seen_at else [] for second, x in enumerate(places)]

    made = list(redact_sequence(frames, Script(*answers)))

    assert painted(made[1], (170, 200, 230, 216)) == 1.0


def test_a_find_of_its_own_is_not_doubled():
    frames = [frame(0, 100), frame(1, 102), frame(2, 104)]

    made = list(redact_sequence(frames, Script([plate(100)], [plate(102)], [plate(104)])))

    assert [len(each.redactions) for each in made] == [1, 1, 1]


@pytest.mark.parametrize(
    ("second", "metres"), [pytest.param(9, 5.0, id="in time"), pytest.param(1, 300.0, id="along the road")]
)
def test_frames_far_apart_share_no_boxes(second, metres):
    frames = [frame(0, 100), frame(second, metres=metres)]

    made = list(redact_sequence(frames, Script([plate(100)], [])))

    assert made[1].redactions == ()


def test_frames_of_different_sizes_share_no_boxes():
    frames = [frame(0, 100), frame(1, size=(320, 180))]

    made = list(redact_sequence(frames, Script([plate(100)], [])))

    assert made[1].redactions == ()


def test_objects_that_are_not_hidden_are_not_carried():
    frames = [frame(0), frame(1)]

    made = list(redact_sequence(frames, Script([Detection("car", (10, 10, 90, 90), 0.9)], [])))

    assert made[1].redactions == ()


def test_without_lookaround_each_picture_stands_alone():
    frames = [frame(0, 100), frame(1, 130), frame(2, 160)]

    made = list(redact_sequence(frames, Script([plate(100)], [], [plate(160)]), lookaround=0))

    assert [len(each.redactions) for each in made] == [1, 0, 1]


@pytest.mark.parametrize("lookaround", [0, 1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 5])
@pytest.mark.parametrize("workers", [1, 3])
def test_every_frame_comes_out_once_and_in_order(lookaround, count, workers):
    sizes = [(32 + 2 * index, 32) for index in range(count)]
    frames = [RawFrame(np.zeros((high, wide, 3), np.uint8), offset_s=float(wide)) for wide, high in sizes]

    made = list(redact_sequence(frames, Script(*[[]] * count), lookaround=lookaround, workers=workers))

    assert [(each.width, each.height) for each in made] == sizes


def test_no_more_frames_are_read_than_the_window_needs():
    script = Script(*[[]] * 50)
    taken = []

    def endless():
        for second in range(50):
            taken.append(second)
            yield frame(second)

    pictures = redact_sequence(endless(), script, lookaround=1)
    next(pictures)
    next(pictures)

    assert len(taken) == 3


def test_the_score_of_a_carried_box_is_that_of_its_source():
    frames = [frame(0, 100), frame(1, 100)]

    made = list(redact_sequence(frames, Script([plate(100, score=0.7)], [])))

    assert [each.score for each in made[1].redactions] == [0.7]


@pytest.mark.parametrize(("lookaround", "workers"), [(-1, 1), (1, 0)])
def test_impossible_windows_are_refused(lookaround, workers):
    with pytest.raises(InputError):
        list(redact_sequence([], Script(), lookaround=lookaround, workers=workers))
