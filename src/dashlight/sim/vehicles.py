"""Cars: a few flat panels in space, with drawn sides, fronts and backs. RGB or RGBA `uint8`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dashlight.sim.town import Body, Car

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Rgb = tuple[int, int, int]

PX_PER_M: Final = 150
GLASS: Final[Rgb] = (46, 56, 66)


@dataclass(frozen=True, slots=True)
class Shape:
    """A body's measures in metres; lengths run from the back to the front.

    Attributes:
        length: Overall.
        width: Overall.
        belt: Height of the windows' lower edge.
        roof: Height of the roof.
        stations: Where along the length: the rear window's foot, the roof's back and front, the windscreen's foot.
        nose: Height of the bonnet's front edge.
        deck: Height of the back's upper edge.
        plate_height: Of the rear plate's middle.
    """

    length: float
    width: float
    belt: float
    roof: float
    stations: tuple[float, float, float, float]
    nose: float
    deck: float
    plate_height: float


SHAPES: Final[dict[Body, Shape]] = {
    "hatchback": Shape(4.1, 1.78, 0.94, 1.47, (0.0, 0.42, 2.35, 3.15), 0.80, 0.94, 0.62),
    "saloon": Shape(4.6, 1.82, 0.92, 1.43, (0.62, 1.25, 2.75, 3.55), 0.76, 0.98, 0.72),
    "van": Shape(4.9, 1.92, 1.10, 1.95, (0.0, 0.10, 3.35, 4.05), 0.98, 1.10, 0.78),
}
SILL_M: Final = 0.20
ROOF_TAPER: Final = 0.80  # The roof's width as a share of the body's.


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One flat piece of a car.

    Attributes:
        corners: `(4, 3)` x, y and height on the plane: top left, top right, bottom right, bottom left
            as seen from outside.
        picture: Which drawing covers it, or None for a plain colour.
        shade: The plain colour.
        middle: `(3,)`.
        normal: `(3,)`, of unit length, outwards.
    """

    corners: Floats
    picture: str | None
    shade: Rgb = (0, 0, 0)
    middle: Floats = field(init=False)
    normal: Floats = field(init=False)

    def __post_init__(self) -> None:
        (ax, ay, az), (bx, by, bz) = (self.corners[[3, 1]] - self.corners[0]).tolist()
        normal = np.array((ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx))
        object.__setattr__(self, "normal", normal / math.sqrt(float(normal @ normal)))
        object.__setattr__(self, "middle", self.corners.sum(axis=0) / 4)


def panels_of(car: Car) -> list[Panel]:
    """Return the panels of a car where it stands; plates come last and lie on the front and the back."""
    shape = SHAPES[car.body]
    half, top = shape.width / 2, shape.width / 2 * ROOF_TAPER
    foot, back, front, screen = shape.stations
    color = car.color
    glass = GLASS

    def panel(points: tuple[tuple[float, float, float], ...], picture: str | None, shade: Rgb = (0, 0, 0)) -> Panel:
        return Panel(_placed(car, shape, points), picture, shade)

    end = shape.length
    deck = shape.deck if foot > 0 else shape.belt
    panels = [
        panel(((0, -half, deck), (0, half, deck), (0, half, SILL_M), (0, -half, SILL_M)), "rear"),
        panel(((end, half, shape.nose), (end, -half, shape.nose), (end, -half, SILL_M), (end, half, SILL_M)), "front"),
        panel(((end, -half, shape.belt), (0, -half, shape.belt), (0, -half, 0.0), (end, -half, 0.0)), "side-left"),
        panel(((0, half, shape.belt), (end, half, shape.belt), (end, half, 0.0), (0, half, 0.0)), "side-right"),
        panel(
            ((back, -top, shape.roof), (back, top, shape.roof), (foot, half, shape.belt), (foot, -half, shape.belt)),
            "window-rear",
        ),
        panel(
            (
                (front, top, shape.roof),
                (front, -top, shape.roof),
                (screen, -half, shape.belt),
                (screen, half, shape.belt),
            ),
            "window-front",
        ),
        panel(
            (
                (front, -top, shape.roof),
                (back, -top, shape.roof),
                (foot, -half, shape.belt),
                (screen, -half, shape.belt),
            ),
            None,
            glass,
        ),
        panel(
            ((back, top, shape.roof), (front, top, shape.roof), (screen, half, shape.belt), (foot, half, shape.belt)),
            None,
            glass,
        ),
        panel(
            (
                (end, -half, shape.nose),
                (end, half, shape.nose),
                (screen, half, shape.belt),
                (screen, -half, shape.belt),
            ),
            None,
            _lit(color, 1.12),
        ),
        panel(
            ((front, -top, shape.roof), (front, top, shape.roof), (back, top, shape.roof), (back, -top, shape.roof)),
            None,
            _lit(color, 1.2),
        ),
    ]
    if foot > 0:
        panels.append(
            panel(
                ((foot, -half, shape.belt), (foot, half, shape.belt), (0, half, deck), (0, -half, deck)),
                None,
                _lit(color, 1.1),
            )
        )
    return panels


def plate_corners(car: Car, size_m: tuple[float, float], *, is_front: bool) -> Floats:
    """Return `(4, 3)` corners of a plate, clockwise from its top left as seen from outside."""
    shape = SHAPES[car.body]
    half, tall = size_m[0] / 2, size_m[1] / 2
    along, middle = (shape.length + 0.02, 0.46) if is_front else (-0.02, shape.plate_height)
    side = -1.0 if is_front else 1.0
    points = (
        (along, -half * side, middle + tall), (along, half * side, middle + tall),
        (along, half * side, middle - tall), (along, -half * side, middle - tall),
    )  # fmt: skip
    return _placed(car, shape, points)


def footprint(car: Car, margin_m: float = 0.0) -> Floats:
    """Return `(4, 3)` corners of the ground under a car."""
    shape = SHAPES[car.body]
    half, end = shape.width / 2 + margin_m, shape.length + margin_m
    return _placed(car, shape, ((-margin_m, -half, 0), (-margin_m, half, 0), (end, half, 0), (end, -half, 0)))


def panel_picture(car: Car, kind: str) -> Pixels:
    """Return what covers the panels of one kind."""
    shape = SHAPES[car.body]
    if kind == "rear":
        return _rear(shape, car.color, is_braking=car.is_braking, is_van=car.body == "van")
    if kind == "front":
        return _front(shape, car.color)
    if kind.startswith("window"):
        return _window(is_front=kind.endswith("front"), color=car.color)
    return _side(shape, car.color, is_mirrored=kind == "side-left")


def _placed(car: Car, shape: Shape, points: tuple[tuple[float, float, float], ...]) -> Floats:
    heading = math.radians(car.heading_deg)
    forward, right = np.array((math.sin(heading), math.cos(heading))), np.array((math.cos(heading), -math.sin(heading)))
    local = np.array(points)
    plane = (local[:, :1] - shape.length / 2) * forward + local[:, 1:2] * right + (car.x, car.y)
    return np.concatenate([plane, local[:, 2:]], axis=1)


def _lit(color: Rgb, factor: float) -> Rgb:
    red, green, blue = (min(255, int(c * factor + (6 if factor > 1 else 0))) for c in color)
    return red, green, blue


def _painted(rows: int, columns: int, color: Rgb, top: float, bottom: float) -> Pixels:
    shade = np.linspace(top, bottom, rows)[:, None, None]
    painted: Pixels = np.clip(np.array(color) * shade + np.zeros((1, columns, 1)), 0, 255).astype(np.uint8)
    return painted


def _rear(shape: Shape, color: Rgb, *, is_braking: bool, is_van: bool) -> Pixels:
    scale = PX_PER_M
    top = shape.deck if shape.stations[0] > 0 else shape.belt
    rows, columns = round((top - SILL_M) * scale), round(shape.width * scale)
    panel = _painted(rows, columns, color, 1.08, 0.74)
    cv2.rectangle(panel, (0, rows - round(0.2 * scale)), (columns, rows), (40, 42, 44), -1)
    cv2.line(panel, (0, rows - round(0.38 * scale)), (columns, rows - round(0.38 * scale)), _lit(color, 0.6), 2)
    lamp = (236, 46, 40) if is_braking else (150, 22, 26)
    tall = round((0.42 if is_van else 0.2) * scale)
    for left in (4, columns - 4 - round(0.32 * scale)):
        right, upper = left + round(0.32 * scale), round(0.06 * scale)
        cv2.rectangle(panel, (left, upper), (right, upper + tall), lamp, -1)
        cv2.rectangle(panel, (left + 5, upper + tall // 2), (right - 5, upper + tall * 3 // 4), (232, 224, 214), -1)
        cv2.rectangle(panel, (left, upper), (right, upper + tall), _lit(lamp, 0.55), 2)
    middle = rows - round((shape.plate_height - SILL_M) * scale)
    wide = round(0.36 * scale)
    cv2.rectangle(
        panel,
        (columns // 2 - wide, middle - round(0.1 * scale)),
        (columns // 2 + wide, middle + round(0.1 * scale)),
        _lit(color, 0.62),
        -1,
    )
    cv2.circle(panel, (columns // 2, max(10, middle - round(0.17 * scale))), 7, (196, 200, 204), -1, cv2.LINE_AA)
    return panel


def _front(shape: Shape, color: Rgb) -> Pixels:
    scale = PX_PER_M
    rows, columns = round((shape.nose - SILL_M) * scale), round(shape.width * scale)
    panel = _painted(rows, columns, color, 1.06, 0.76)
    grille_top, grille_bottom = round(0.1 * scale), round(0.26 * scale)
    cv2.rectangle(panel, (columns // 4, grille_top), (columns * 3 // 4, grille_bottom), (26, 28, 30), -1)
    for v in range(grille_top + 4, grille_bottom, 6):
        cv2.line(panel, (columns // 4 + 4, v), (columns * 3 // 4 - 4, v), (88, 92, 96), 1)
    cv2.circle(panel, (columns // 2, (grille_top + grille_bottom) // 2), 8, (212, 216, 220), -1, cv2.LINE_AA)
    cv2.rectangle(panel, (0, rows - round(0.12 * scale)), (columns, rows), (34, 36, 38), -1)
    cv2.rectangle(
        panel,
        (columns // 6, rows - round(0.24 * scale)),
        (columns * 5 // 6, rows - round(0.1 * scale)),
        (30, 32, 34),
        -1,
    )
    for center in (round(0.13 * columns), round(0.87 * columns)):
        axes = (round(0.19 * scale), round(0.085 * scale))
        cv2.ellipse(panel, (center, round(0.17 * scale)), axes, 0, 0, 360, (70, 76, 82), -1, cv2.LINE_AA)
        cv2.ellipse(
            panel,
            (center, round(0.17 * scale)),
            (axes[0] - 6, axes[1] - 4),
            0,
            0,
            360,
            (226, 232, 238),
            -1,
            cv2.LINE_AA,
        )
        cv2.circle(panel, (center, round(0.17 * scale)), 6, (252, 252, 250), -1, cv2.LINE_AA)
    return panel


def _window(*, is_front: bool, color: Rgb) -> Pixels:
    rows, columns = 96, 240
    glass = _painted(rows, columns, (150, 172, 190) if is_front else (92, 108, 122), 0.95, 0.36)
    cv2.fillPoly(glass, [np.array([[30, rows], [86, 0], [120, 0], [64, rows]], np.int32)], (128, 148, 164), cv2.LINE_AA)
    if is_front:
        cv2.rectangle(glass, (0, 74), (columns, rows), (38, 42, 46), -1)
        for u in (70, 168):
            cv2.ellipse(glass, (u, 72), (24, 22), 0, 180, 360, (62, 72, 80), -1, cv2.LINE_AA)
        cv2.rectangle(glass, (112, 12), (130, 20), (46, 52, 58), -1)
    cv2.rectangle(glass, (0, 0), (columns - 1, rows - 1), _lit(color, 0.8), 12)
    return glass


def _side(shape: Shape, color: Rgb, *, is_mirrored: bool) -> Pixels:
    """Draw a side from the back (left) to the front (right); mirrored for the left-hand one."""
    scale = PX_PER_M
    rows, columns = round(shape.belt * scale), round(shape.length * scale)
    side = np.zeros((rows, columns, 4), np.uint8)
    body = _painted(rows, columns, color, 1.1, 0.62)
    sill = rows - round(SILL_M * scale)
    side[:sill, :, :3], side[:sill, :, 3] = body[:sill], 255
    nose = np.array(
        [[columns, 0], [columns, round((shape.belt - shape.nose) * scale)], [round(shape.stations[3] * scale), 0]]
    )
    cv2.fillPoly(side, [nose.astype(np.int32)], (0, 0, 0, 0))
    cv2.line(side, (0, round(0.3 * scale)), (columns, round(0.3 * scale)), (*_lit(color, 0.8), 255), 2)
    for station in (
        shape.stations[1] + 0.5,
        (shape.stations[1] + shape.stations[2]) / 2 + 0.4,
        shape.stations[3] - 0.1,
    ):
        u = round(station * scale)
        cv2.line(side, (u, 0), (u - 6, sill - 8), (*_lit(color, 0.55), 255), 2)
        cv2.rectangle(side, (u - 46, round(0.14 * scale)), (u - 22, round(0.17 * scale)), (*_lit(color, 0.7), 255), -1)
    for station in (0.78, shape.length - 0.85):
        hub = (round(station * scale), rows - round(0.31 * scale))
        cv2.circle(side, hub, round(0.37 * scale), (16, 16, 18, 255), -1, cv2.LINE_AA)
        cv2.circle(side, hub, round(0.31 * scale), (30, 31, 33, 255), -1, cv2.LINE_AA)
        cv2.circle(side, hub, round(0.21 * scale), (150, 154, 160, 255), -1, cv2.LINE_AA)
        for spoke in range(5):
            turn = 2 * math.pi * spoke / 5
            end = (round(hub[0] + 28 * math.cos(turn)), round(hub[1] + 28 * math.sin(turn)))
            cv2.line(side, hub, end, (70, 74, 80, 255), 5, cv2.LINE_AA)
        cv2.circle(side, hub, 7, (60, 62, 66, 255), -1, cv2.LINE_AA)
    return side[:, ::-1].copy() if is_mirrored else side
