"""Make the training samples of `train_plate_net.py`: real frames, drawn plates, noise.

Three sources are mixed: frames with labelled plates; street pictures without plate
labels, on which plates are pasted and where everything unlabelled counts little,
because real plates may be there; and real plates cut out, recoloured, and pasted
somewhere else.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from plate_net_frames import Boxes, Frame, Pixels
from plate_painter import PlatePainter

Rng = np.random.Generator

STRIDE = 8
CROP_HEIGHT, CROP_WIDTH = 320, 448
UNSURE_WEIGHT = 0.2


class SampleMaker:
    """Makes samples from frames, backgrounds and drawn plates.

    With `min_contrast` above zero, a pasted plate whose grey levels spread less than that is neither a
    plate nor street: nobody could see it.
    """

    def __init__(
        self, frames: list[Frame], backgrounds: list[Frame], *, fonts: Path, min_contrast: float = 0.0
    ) -> None:
        self.frames, self.backgrounds = frames, backgrounds
        self.painter = PlatePainter(fonts)
        self.min_contrast = min_contrast

    def sample(self, rng: Rng) -> tuple[npt.NDArray[Any], ...]:
        """Return image `(H, W, 3) uint8`, heat, weight, distances, distance weight."""
        is_real = rng.random() < 0.5
        source = self.frames if is_real else self.backgrounds
        frame = source[int(rng.integers(len(source)))]
        image, boxes, sure, unsure = self._crop(rng, frame)
        pastes = int(rng.integers(1, 3)) if is_real and rng.random() < 0.35 else 0
        pastes = pastes if is_real else int(rng.integers(1, 5))
        around: list[npt.NDArray[np.float32]] = [*sure]
        for _ in range(pastes):
            box = self._paste(rng, image, boxes)
            if box is not None:
                boxes = np.concatenate([boxes, box[None]])
                around.append(box)
        if rng.random() < 0.3:
            self._paste(rng, image, boxes, is_decoy=True)
        image = degraded(rng, image)
        if rng.random() < 0.5:
            image = np.ascontiguousarray(image[:, ::-1])
            boxes, unsure = mirrored(boxes), mirrored(unsure)
            around = [mirrored(box[None])[0] for box in around]
        is_seen = np.array([contrast(image, box) >= self.min_contrast for box in boxes], np.bool_)
        hazy, boxes = boxes[~is_seen], boxes[is_seen]
        weight = 1.0 if is_real or frame.is_searched else UNSURE_WEIGHT
        return (image, *targets(boxes.astype(np.float32), around, hazy=hazy, unsure=unsure, street_weight=weight))

    def _crop(self, rng: Rng, frame: Frame) -> tuple[Pixels, Boxes, Boxes, Boxes]:
        """Cut a window out of a frame: scale, slight rotation and perspective."""
        height, width = frame.image.shape[:2]
        scale = uniform_log(rng, 0.5, 2.0) if frame.is_labelled else uniform_log(rng, 0.8, 2.5)
        anchors = frame.boxes if frame.is_labelled else frame.sure
        if len(anchors) and rng.random() < 0.75:
            box = anchors[int(rng.integers(len(anchors)))]
            centre = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
            if frame.is_labelled and rng.random() < 0.3:  # any size of plate, from far to near
                scale = uniform_log(rng, 22, 330) / max(1.0, float(box[2] - box[0]))
                scale = float(np.clip(scale, 0.35, 4.0))
            centre += rng.uniform(-0.42, 0.42, 2) * [CROP_WIDTH / scale, CROP_HEIGHT / scale]
        else:
            centre = rng.uniform(0.15, 0.85, 2) * [width, height]
        turn = float(np.radians(rng.normal(0, 4)))
        shape = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * scale
        shape = shape @ np.diag([uniform_log(rng, 0.85, 1.18), 1.0])
        matrix = np.eye(3)
        matrix[:2, :2] = shape
        matrix[:2, 2] = np.array([CROP_WIDTH / 2, CROP_HEIGHT / 2]) - shape @ centre
        bend = np.eye(3)
        bend[2, :2] = rng.normal(0, 0.12, 2) / [CROP_WIDTH, CROP_HEIGHT]
        middle = np.array([[1, 0, CROP_WIDTH / 2], [0, 1, CROP_HEIGHT / 2], [0, 0, 1.0]])
        matrix = middle @ bend @ np.linalg.inv(middle) @ matrix
        flags = cv2.INTER_AREA if scale < 0.7 else cv2.INTER_LINEAR
        out = cv2.warpPerspective(
            frame.image, matrix, (CROP_WIDTH, CROP_HEIGHT), flags=flags, borderMode=cv2.BORDER_REFLECT_101
        )
        if not frame.is_labelled:
            return out, frame.boxes, mapped(frame.sure, matrix), mapped(frame.unsure, matrix)
        # Reflection beyond the frame would show plates that are not labelled: paint it over.
        known = cv2.warpPerspective(np.full((height, width), 255, np.uint8), matrix, (CROP_WIDTH, CROP_HEIGHT))
        out[known < 128] = rng.integers(0, 200, 3)
        boxes = mapped(frame.boxes, matrix)
        return out, boxes, boxes, frame.unsure

    def _paste(self, rng: Rng, image: Pixels, boxes: Boxes, *, is_decoy: bool = False) -> Boxes | None:
        """Paste a plate where none is, in place; return its box, or none for lack of room."""
        if is_decoy:
            plate = self.painter.decoy(rng)
        elif rng.random() < 0.3:
            plate = self._cut_out(rng)
        else:
            plate = self.painter.plate(rng)
        wide = uniform_log(rng, 22, 300)
        high = float(np.clip(wide * plate.shape[0] / plate.shape[1] * uniform_log(rng, 0.85, 1.2), 8, 160))
        if wide * 1.1 > CROP_WIDTH or high * 1.1 > CROP_HEIGHT:
            return None
        x, y = rng.uniform(wide / 2, CROP_WIDTH - wide / 2), rng.uniform(high / 2, CROP_HEIGHT - high / 2)
        corner = np.array([[-wide, -high], [wide, -high], [wide, high], [-wide, high]]) / 2
        turn = float(np.radians(rng.normal(0, 5)))
        corner = corner @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        corner[:, 1] += corner[:, 0] * rng.normal(0, 0.06)
        corner += rng.normal(0, 0.025, (4, 2)) * [wide, high] + [x, y]
        box = np.array([*corner.min(axis=0), *corner.max(axis=0)], np.float32)
        if len(boxes) and (overlaps(box, boxes) > 0).any():
            return None
        self._blend(rng, image, plate, corner.astype(np.float32), box)
        return box

    def _cut_out(self, rng: Rng) -> Pixels:
        """Return a real plate of a training frame, perhaps in other colours."""
        frame = self.frames[int(rng.integers(len(self.frames)))]
        x0, y0, x1, y1 = np.round(frame.boxes[int(rng.integers(len(frame.boxes)))]).astype(int)
        plate = frame.image[max(0, y0) : y1, max(0, x0) : x1].astype(np.float32)
        if rng.random() < 0.25:
            plate = 255 - plate
        if rng.random() < 0.5:
            plate = plate * rng.uniform(0.5, 1.1, 3).astype(np.float32)
        return np.clip(plate, 0, 255).astype(np.uint8)

    def _blend(self, rng: Rng, image: Pixels, plate: Pixels, corner: Boxes, box: Boxes) -> None:
        height, width = plate.shape[:2]
        grown = np.array([box[0] - 8, box[1] - 8, box[2] + 8, box[3] + 8]).astype(int)
        x0, y0 = np.maximum(grown[:2], 0)
        x1, y1 = min(int(grown[2]), CROP_WIDTH), min(int(grown[3]), CROP_HEIGHT)
        window = image[y0:y1, x0:x1].astype(np.float32)
        wide, high = box[2] - box[0], box[3] - box[1]
        if rng.random() < 0.4:  # a holder, a bumper, a recess around the plate
            shade = rng.uniform(0, 120, 3) if rng.random() < 0.6 else rng.uniform(0, 255, 3)
            pad = rng.uniform(0.03, 0.25) * high
            low = np.maximum([box[0] - pad - x0, box[1] - pad - y0], 0).astype(int)
            window[low[1] : int(box[3] + pad - y0), low[0] : int(box[2] + pad - x0)] = shade
        small = max(1.0, width / max(4.0, float(wide)) * 0.5)
        if small > 1.2:
            plate = cv2.GaussianBlur(plate, (0, 0), small * 0.5)
        square = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        matrix = cv2.getPerspectiveTransform(square, corner - np.array([x0, y0], np.float32))
        size = (x1 - x0, y1 - y0)
        drawn: Pixels = cv2.warpPerspective(plate, matrix, size, flags=cv2.INTER_LINEAR).astype(np.float32)
        alpha = cv2.warpPerspective(np.ones((height, width), np.float32), matrix, size, flags=cv2.INTER_LINEAR)
        around = float(window.mean()) + 20
        light = float(np.clip(around / 130 * uniform_log(rng, 0.6, 1.6), 0.25, 1.4))
        first, last = (float(shade) for shade in rng.uniform(0.75, 1.25, 2))
        ramp = np.linspace(first, last, size[0])[None, :, None]
        drawn = drawn * light * ramp
        drawn = drawn.mean(axis=2, keepdims=True) * (mix := rng.uniform(0, 0.4)) + drawn * (1 - mix)
        alpha = alpha[:, :, None] * rng.uniform(0.85, 1.0)
        image[y0:y1, x0:x1] = np.clip(drawn * alpha + window * (1 - alpha), 0, 255).astype(np.uint8)


def uniform_log(rng: Rng, low: float, high: float) -> float:
    """Return a draw that is uniform in the logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def mapped(boxes: Boxes, matrix: npt.NDArray[np.float64]) -> Boxes:
    """Return the upright hulls of boxes under a projective map."""
    if not len(boxes):
        return boxes.reshape(0, 4)
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(1, -1, 2)
    moved = cv2.perspectiveTransform(corners.astype(np.float64), matrix).reshape(-1, 4, 2)
    return np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1).astype(np.float32)


def overlaps(box: Boxes, boxes: Boxes) -> Boxes:
    """Return the area that `box` shares with each of `boxes`."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[2:], boxes[:, 2:])
    return np.prod(np.clip(high - low, 0, None), axis=1).astype(np.float32)


def mirrored(boxes: Boxes) -> Boxes:
    """Return boxes of a crop in its mirror image."""
    flipped = boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [CROP_WIDTH, 0, CROP_WIDTH, 0]
    return np.asarray(flipped, np.float32)


def contrast(image: Pixels, box: Boxes) -> float:
    """Return the standard deviation of the grey levels inside a box."""
    x_min, y_min, x_max, y_max = (max(0, int(side)) for side in box)
    window = image[y_min:y_max, x_min:x_max]
    return float(window.mean(axis=2).std()) if window.size else 0.0


def degraded(rng: Rng, image: Pixels) -> Pixels:
    """Return the picture as another camera, hour and weather would give it."""
    out = image.astype(np.float32) / 255
    out = out ** uniform_log(rng, 0.6, 1.7)
    out = (out - 0.5) * rng.uniform(0.6, 1.35) + 0.5 + rng.uniform(-0.15, 0.15)
    out = out * rng.uniform(0.85, 1.15, 3).astype(np.float32)
    if rng.random() < 0.5:
        grey = out.mean(axis=2, keepdims=True)
        out = grey + (out - grey) * (0.0 if rng.random() < 0.15 else rng.uniform(0.3, 1.6))
    if rng.random() < 0.12:
        out = out * rng.uniform(0.2, 0.5)
    out8: Pixels = np.clip(out * 255, 0, 255).astype(np.uint8)
    if rng.random() < 0.35:
        out8 = cv2.GaussianBlur(out8, (0, 0), rng.uniform(0.4, 1.8))
    elif rng.random() < 0.2:
        length = int(rng.integers(3, 9))
        kernel = np.zeros((length, length), np.float32)
        cv2.line(kernel, (0, int(rng.integers(length))), (length - 1, int(rng.integers(length))), 1.0)
        out8 = cv2.filter2D(out8, -1, kernel / max(1.0, kernel.sum()))
    if rng.random() < 0.4:
        noise = rng.normal(0, rng.uniform(2, 14), (CROP_HEIGHT, CROP_WIDTH, 1)).astype(np.float32)
        out8 = np.clip(out8 + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 96))]
        out8 = np.asarray(cv2.imdecode(cv2.imencode(".jpg", out8, quality)[1], cv2.IMREAD_COLOR))
    return np.ascontiguousarray(out8)


def targets(
    boxes: Boxes, around: list[Boxes], *, hazy: Boxes, unsure: Boxes, street_weight: float
) -> tuple[npt.NDArray[np.float32], ...]:
    """Return heat and weight `(h, w)`, distances `(4, h, w)` and their weight `(h, w)`.

    Args:
        boxes: Plates.
        around: Boxes around which the labels are certain.
        hazy: Plates that cannot be seen: they say nothing either way.
        unsure: Places outside `around` that say nothing either way.
        street_weight: How much everything else counts as no plate.
    """
    high, wide = CROP_HEIGHT // STRIDE, CROP_WIDTH // STRIDE
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32) * STRIDE + STRIDE / 2
    heat = np.zeros((high, wide), np.float32)
    weight = np.full((high, wide), street_weight, np.float32)
    distance = np.ones((4, high, wide), np.float32)
    distance_weight = np.zeros((high, wide), np.float32)
    for box in unsure:
        weight[(x > box[0] - 8) & (x < box[2] + 8) & (y > box[1] - 8) & (y < box[3] + 8)] = 0.0
    for box in around:
        pad = (box[3] - box[1]) * 0.8
        near = (x > box[0] - pad) & (x < box[2] + pad) & (y > box[1] - pad) & (y < box[3] + pad)
        weight[near] = 1.0
    for box in hazy:
        weight[(x > box[0] - 8) & (x < box[2] + 8) & (y > box[1] - 8) & (y < box[3] + 8)] = 0.0
    bound = np.array([CROP_WIDTH, CROP_HEIGHT, CROP_WIDTH, CROP_HEIGHT], np.float32)
    for whole in boxes:
        box = np.clip(whole, 0, bound)
        width, height = box[2] - box[0], box[3] - box[1]
        if width <= 0 or height <= 0:
            continue
        seen = width * height / max(1.0, float((whole[2] - whole[0]) * (whole[3] - whole[1])))
        inside = (x > box[0] - 4) & (x < box[2] + 4) & (y > box[1] - 4) & (y < box[3] + 4)
        if seen < 0.5 or width < 14 or height < 5:  # too little of it to say either way
            weight[inside] = 0.0
            continue
        centre_x, centre_y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        spread_x, spread_y = max(width * 0.14, 4.0), max(height * 0.2, 4.0)
        blob = np.exp(-(((x - centre_x) / spread_x) ** 2 + ((y - centre_y) / spread_y) ** 2) / 2)
        column, row = int(min(centre_x / STRIDE, wide - 1)), int(min(centre_y / STRIDE, high - 1))
        blob[row, column] = 1.0
        nearer = blob > heat
        heat = np.where(nearer, blob, heat)
        own = nearer & (blob > 0.3)
        to_edges = np.stack([x - box[0], y - box[1], box[2] - x, box[3] - y])
        distance[:, own] = np.maximum(to_edges[:, own], 0.5)
        distance_weight[own] = blob[own]
    return heat, weight, distance, distance_weight
