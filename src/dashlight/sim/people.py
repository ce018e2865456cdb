"""People on foot as flat figures that look at the camera: drawn clothes, and a face in the public domain.

The face is NASA's portrait of the astronaut Eileen Collins, which the vendor step brings.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dashlight.errors import HostError

Pixels = npt.NDArray[np.uint8]

FIGURE_M: Final = (0.95, 1.76)  # Width and height that a figure's picture stands for.
FIGURE_PX: Final = (380, 704)
HEAD_UV: Final = (151, 6, 229, 104)  # Where the head is in the figure's picture: chin to hair.
STRIDES: Final = 6
VARIANTS: Final = 6

_FACE_UV: Final = (168, 40, 282, 190)  # The head in the portrait.
_COATS: Final = ((46, 62, 92), (148, 60, 52), (86, 92, 74), (196, 168, 122), (52, 52, 58), (92, 116, 140))
_LEGS: Final = ((40, 46, 60), (60, 58, 56), (38, 40, 46), (70, 86, 112), (92, 82, 72), (34, 34, 38))


def face_of(portrait: Pixels) -> Pixels:
    """Return the head of the portrait, RGBA, cut out along a soft oval.

    Raises:
        HostError: When the portrait is not the one that the vendor step brings.
    """
    if portrait.shape != (512, 512, 3):
        raise HostError(
            f"the portrait of the simulated drive is {portrait.shape}, not 512 x 512 x 3", hint="run `make vendor`"
        )
    left, top, right, bottom = _FACE_UV
    head = portrait[top:bottom, left:right]
    rows, columns = head.shape[:2]
    oval = np.zeros((rows, columns), np.uint8)
    cv2.ellipse(oval, (columns // 2, rows // 2), (columns // 2 - 3, rows // 2 - 2), 0, 0, 360, 255, -1, cv2.LINE_AA)
    return np.dstack([head, cv2.GaussianBlur(oval, (0, 0), 1.6)])


def figure_picture(face: Pixels, variant: int, stride: int) -> Pixels:
    """Return a person, RGBA, of one variant of clothes at one of `STRIDES` moments of a step."""
    columns, rows = FIGURE_PX
    figure = np.zeros((rows, columns, 4), np.uint8)
    coat, legs = _COATS[variant % VARIANTS], _LEGS[variant % VARIANTS]
    swing = math.sin(2 * math.pi * stride / STRIDES)
    middle = columns // 2
    for side in (-1, 1):
        knee_v = 548 - max(0, round(26 * swing * side))
        foot_v = 690 - max(0, round(44 * swing * side))
        hip, knee, foot = (middle + 24 * side, 396), (middle + 28 * side, knee_v), (middle + 27 * side, foot_v)
        shade = 0.82 if swing * side > 0 else 1.0
        cv2.line(figure, hip, knee, _rgba(legs, shade), 46, cv2.LINE_AA)
        cv2.line(figure, knee, foot, _rgba(legs, shade * 0.92), 36, cv2.LINE_AA)
        cv2.ellipse(figure, (foot[0] + 3 * side, foot[1] + 4), (22, 11), 0, 0, 360, (28, 26, 26, 255), -1, cv2.LINE_AA)
    for side in (-1, 1):
        hand = (middle + 92 * side, 372 - round(26 * swing * side))
        elbow = (middle + 90 * side, 268)
        cv2.line(figure, (middle + 66 * side, 148), elbow, _rgba(coat, 0.84), 38, cv2.LINE_AA)
        cv2.line(figure, elbow, hand, _rgba(coat, 0.8), 32, cv2.LINE_AA)
        cv2.circle(figure, hand, 15, (206, 164, 142, 255), -1, cv2.LINE_AA)
    body = np.array([[-80, 146], [-44, 118], [44, 118], [80, 146], [74, 290], [70, 430], [-70, 430], [-74, 290]])
    cv2.fillPoly(figure, [np.add(body, (middle, 0)).astype(np.int32)], _rgba(coat, 1.0), cv2.LINE_AA)
    cv2.line(figure, (middle, 130), (middle, 428), _rgba(coat, 0.7), 3, cv2.LINE_AA)
    for side in (-1, 1):
        cv2.line(figure, (middle + 30 * side, 350), (middle + 56 * side, 372), _rgba(coat, 0.7), 3, cv2.LINE_AA)
    cv2.fillPoly(
        figure,
        [np.array([[middle - 25, 84], [middle + 25, 84], [middle + 36, 128], [middle - 36, 128]], np.int32)],
        (188, 146, 124, 255),
    )
    scarf = _COATS[(variant + 2) % VARIANTS]
    cv2.ellipse(figure, (middle, 122), (46, 16), 0, 0, 360, _rgba(scarf, 1.0), -1, cv2.LINE_AA)
    _shade(figure)
    left, top, right, bottom = HEAD_UV
    head = cv2.resize(face, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    if variant % 2:
        head = head[:, ::-1]
    alpha = head[..., 3:].astype(np.float32) / 255.0
    under = figure[top:bottom, left:right].astype(np.float32)
    under[..., :3] += (head[..., :3] - under[..., :3]) * alpha
    under[..., 3:] = np.maximum(under[..., 3:], 255.0 * alpha)
    figure[top:bottom, left:right] = under.astype(np.uint8)
    return figure


def _rgba(color: tuple[int, int, int], factor: float) -> tuple[int, int, int, int]:
    red, green, blue = (min(255, int(c * factor)) for c in color)
    return red, green, blue, 255


def _shade(figure: Pixels) -> None:
    """Light the clothes from the upper left, and give the cloth a grain."""
    rows, columns = figure.shape[:2]
    across = np.linspace(1.14, 0.8, columns)[None, :, None]
    down = np.linspace(1.04, 0.9, rows)[:, None, None]
    folds = (
        1.0
        + 0.05 * np.sin(np.linspace(0, 34, rows))[:, None, None] * np.sin(np.linspace(0, 19, columns))[None, :, None]
    )
    figure[..., :3] = np.clip(figure[..., :3] * (across * down * folds), 0, 255).astype(np.uint8)
