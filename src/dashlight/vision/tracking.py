"""Boxes kept over time: what was seen just before or after is hidden now too.

A detector that finds a plate in two pictures and misses it in the one between would
publish it once, which is enough. So each picture is redacted with the finds of its
neighbours as well:

    seen at t-1 and t+1, not at t  ->  hidden at t, where the two boxes' mean lies
    seen at t-1 or t+1 only        ->  hidden at t, where its pixels went

Where pixels went is found by comparing patches (normalised cross-correlation); when nothing
like them is there, the box stays where it was. Pictures that are far apart in time or along
the road share nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from typing import Protocol

import cv2
import numpy as np

from dashlight.errors import InputError
from dashlight.model import Detection, RawFrame, RedactedPicture
from dashlight.vision.boxes import Boxes, covered_share
from dashlight.vision.redactor import JPEG_QUALITY, Margins, redact
from dashlight.vision.sessions import Pixels

CARRIED_KINDS = frozenset({"face", "plate", "person"})
NEIGHBOUR_TIME_S = 2.0  # Pictures further apart in time share no boxes.
NEIGHBOUR_DISTANCE_M = 25.0  # Nor do those further apart along the drive.
ALREADY_HIDDEN_SHARE = 0.6
SAME_SIZE_RATIO = 2.0  # Between two neighbouring pictures nothing doubles its size twice.
SEARCH_SIDES = 2.5  # How far a box may move between neighbours, in its own longer sides,
SEARCH_SHARE = 0.04  # and at least this share of the picture's width.
SEARCH_SCALES = (1.0, 0.85, 1.18)
FOLLOW_CORRELATION = 0.6
CARRIED_GROWTH = 1.15  # A carried box is a guess: make it a little larger.


class Detector(Protocol):
    """Finds things in pictures, such as `Detectors`; called from several threads at once."""

    def detect(self, rgb: Pixels) -> tuple[Detection, ...]:
        """Return what is in a picture `(H, W, 3) uint8`, boxes in its pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A frame and what was found in it."""

    frame: RawFrame
    detections: tuple[Detection, ...]


def redact_sequence(
    frames: Iterable[RawFrame],
    detectors: Detector,
    *,
    lookaround: int = 1,
    workers: int = 1,
    neighbour_time_s: float = NEIGHBOUR_TIME_S,
    neighbour_distance_m: float = NEIGHBOUR_DISTANCE_M,
    margins: Margins | None = None,
    jpeg_quality: int = JPEG_QUALITY,
) -> Iterator[RedactedPicture]:
    """Yield one redacted picture a frame, in order.

    At most `2 * lookaround + workers + 1` frames are in memory.

    Args:
        frames: In the order of the drive; consumed as pictures are taken.
        detectors: Shared by all workers.
        lookaround: How many neighbours on either side lend their finds; 0 for none.
        workers: Threads that detect at once; each runs one picture.
        neighbour_time_s: Frames further apart than this share no boxes.
        neighbour_distance_m: The same along the drive.
        margins: See `redact`.
        jpeg_quality: See `redact`.

    Raises:
        InputError: When `lookaround` is negative or `workers` is under 1.
    """
    if lookaround < 0 or workers < 1:
        raise InputError(f"lookaround {lookaround} must be 0 or more, and workers {workers} 1 or more")
    window: deque[Seen] = deque(maxlen=2 * lookaround + 1)
    place = 0  # Where in the window the next picture to give out is.

    def picture(index: int) -> RedactedPicture:
        now = window[index]
        near = [other for other in window if other is not now]
        near = [
            other
            for other in near
            if is_near(other.frame, now.frame, time_s=neighbour_time_s, distance_m=neighbour_distance_m)
        ]
        before = [other for other in near if other.frame.offset_s <= now.frame.offset_s]
        after = [other for other in near if other.frame.offset_s > now.frame.offset_s]
        found = now.detections + carried(now, before, after)
        return redact(now.frame, found, margins=margins, jpeg_quality=jpeg_quality)

    for seen in seen_in(frames, detectors, workers=workers):
        if len(window) == window.maxlen:
            place -= 1
        window.append(seen)
        if len(window) > lookaround + place:
            yield picture(place)
            place += 1
    while place < len(window):
        yield picture(place)
        place += 1


def seen_in(frames: Iterable[RawFrame], detectors: Detector, *, workers: int) -> Iterator[Seen]:
    """Yield frames with what was found in them, in order, `workers` at a time."""
    if workers == 1:
        for frame in frames:
            yield Seen(frame, detectors.detect(frame.rgb))
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="detect") as pool:
        waiting: deque[tuple[RawFrame, Future[tuple[Detection, ...]]]] = deque()
        for frame in frames:
            waiting.append((frame, pool.submit(detectors.detect, frame.rgb)))
            if len(waiting) > workers:
                first, future = waiting.popleft()
                yield Seen(first, future.result())
        while waiting:
            first, future = waiting.popleft()
            yield Seen(first, future.result())


def is_near(first: RawFrame, second: RawFrame, *, time_s: float, distance_m: float) -> bool:
    """Say whether two frames are close enough, and alike enough, to share boxes."""
    return (
        first.size == second.size
        and abs(first.offset_s - second.offset_s) <= time_s
        and abs(first.travelled_m - second.travelled_m) <= distance_m
    )


def carried(now: Seen, before: Sequence[Seen], after: Sequence[Seen]) -> tuple[Detection, ...]:
    """Return what neighbours saw and `now` did not, where it should be now."""
    found = list(now.detections)
    between: list[Detection] = []
    for earlier, later in product(before, after):
        between += [each for each in interpolated(earlier, now, later) if is_new(each, found)]
    found += between
    held: list[Detection] = []
    for neighbour in (*before, *after):
        greys: dict[int, Pixels] = {}
        for detection in neighbour.detections:
            if detection.kind not in CARRIED_KINDS:
                continue
            box = followed(detection, neighbour.frame, now.frame, greys)
            guess = replace(detection, bbox_xyxy=enlarged(box, now.frame.size))
            if is_new(guess, [*found, *held]):
                held.append(guess)
    return (*between, *held)


def is_new(guess: Detection, found: Sequence[Detection]) -> bool:
    """Say whether no find of the same kind hides the guess already."""
    boxes = np.array([each.bbox_xyxy for each in found if each.kind == guess.kind], np.float32)
    return covered_share(np.array(guess.bbox_xyxy, np.float32), boxes.reshape(-1, 4)) < ALREADY_HIDDEN_SHARE


def interpolated(earlier: Seen, now: Seen, later: Seen) -> Iterator[Detection]:
    """Yield the boxes that were seen before and after, at their mean weighted by time."""
    span = later.frame.offset_s - earlier.frame.offset_s
    share = (now.frame.offset_s - earlier.frame.offset_s) / span if span > 0 else 0.5
    for detection in earlier.detections:
        if detection.kind not in CARRIED_KINDS:
            continue
        match = partner(detection, later.detections)
        if match is not None:
            first = np.array(detection.bbox_xyxy)
            second = np.array(match.bbox_xyxy)
            box = first * (1 - share) + second * share
            score = min(detection.score, match.score)
            yield Detection(detection.kind, enlarged(box.astype(np.float32), now.frame.size), score)


def partner(detection: Detection, others: Sequence[Detection]) -> Detection | None:
    """Return the nearest find of the same kind and about the same size, if one is near enough."""
    box = np.array(detection.bbox_xyxy)
    side = max(float(box[2] - box[0]), float(box[3] - box[1]), 1.0)
    best, best_distance = None, SEARCH_SIDES * side
    for other in others:
        if other.kind != detection.kind:
            continue
        candidate = np.array(other.bbox_xyxy)
        other_side = max(float(candidate[2] - candidate[0]), float(candidate[3] - candidate[1]), 1.0)
        if not 1 / SAME_SIZE_RATIO <= other_side / side <= SAME_SIZE_RATIO:
            continue
        distance = float(np.hypot(*(candidate[:2] + candidate[2:] - box[:2] - box[2:]))) / 2
        if distance < best_distance:
            best, best_distance = other, distance
    return best


def enlarged(box: Boxes, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return a guessed box a little larger, inside the picture."""
    width, height = size
    pads = (box[2:] - box[:2]) * (CARRIED_GROWTH - 1) / 2
    x_min, y_min = np.clip(box[:2] - pads, 0, [width, height])
    x_max, y_max = np.clip(box[2:] + pads, 0, [width, height])
    return float(x_min), float(y_min), float(x_max), float(y_max)


def followed(detection: Detection, source: RawFrame, target: RawFrame, greys: dict[int, Pixels]) -> Boxes:
    """Return where the pixels of a box went from one frame to another, `(4,) float32`.

    Frames are compared at half size, in grey; `greys` keeps those of the two frames between calls.
    """
    box = np.array(detection.bbox_xyxy, np.float32)
    first, second = (greys.setdefault(id(frame), half_grey(frame.rgb)) for frame in (source, target))
    x_min, y_min, x_max, y_max = np.round(box / 2).astype(int)
    patch = first[max(0, y_min) : y_max, max(0, x_min) : x_max]
    if min(patch.shape) < 4 or float(patch.std()) < 2.0:
        return box
    high, wide = patch.shape
    reach = int(max(SEARCH_SIDES * max(wide, high), SEARCH_SHARE * first.shape[1]))
    left, top = max(0, x_min - reach), max(0, y_min - reach)
    window = second[top : y_max + reach, left : x_max + reach]
    best, moved = FOLLOW_CORRELATION, box
    for scale in SEARCH_SCALES:
        size = (max(4, round(wide * scale)), max(4, round(high * scale)))
        if size[0] > window.shape[1] or size[1] > window.shape[0]:
            continue
        template = cv2.resize(patch, size, interpolation=cv2.INTER_LINEAR)
        _, correlation, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(window, template, cv2.TM_CCOEFF_NORMED))
        if correlation > best:
            best = correlation
            corner = np.array([left + x, top + y], np.float32)
            moved = np.concatenate([corner, corner + np.array(size, np.float32)]) * 2
    return np.asarray(moved, np.float32)


def half_grey(rgb: Pixels) -> Pixels:
    """Return the picture in grey at half its size."""
    height, width = rgb.shape[:2]
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)
