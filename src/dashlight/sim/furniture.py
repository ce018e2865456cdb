"""What stands on poles beside the simulated street: signs and traffic lights."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from dashlight.sim.canvas import Canvas, Coverings, hazed
from dashlight.sim.town import Light, Sign
from dashlight.sim.truth import Truth, box_of

Floats = npt.NDArray[np.float64]


def paint_sign(canvas: Canvas, sign: Sign, owner: int, coverings: Coverings) -> list[tuple[Truth, int]]:
    """Paint a sign on its pole; return what of its front is seen, with the owner of its pixels."""
    camera = canvas.camera
    distance = math.hypot(sign.x - camera.x, sign.y - camera.y)
    _paint_pole(canvas, sign.x, sign.y, sign.center_m + sign.size_m / 2, owner, distance)
    heading = math.radians(sign.heading_deg)
    toward = (camera.x - sign.x) * -math.sin(heading) + (camera.y - sign.y) * -math.cos(heading)
    across = np.array((math.cos(heading), -math.sin(heading)))
    rows, columns = coverings.sizes[sign.drawing][0].shape[:2]
    half, tall = sign.size_m / 2, sign.size_m / 2 * rows / columns
    if toward <= 0:
        plate = _upright(sign.x, sign.y, across, half * 0.8, sign.center_m - tall * 0.8, sign.center_m + tall * 0.8)
        canvas.polygon(plate, hazed((142, 146, 150), distance), owner=owner)
        return []
    front = _upright(sign.x, sign.y, across, half, sign.center_m - tall, sign.center_m + tall)
    pixels = canvas.quad(front, sign.drawing, owner=owner, shade=0.98)
    if pixels is None:
        return []
    return [(Truth("sign", sign.name, box_of(pixels), 1.0, sign.x, sign.y, distance, sign.drawing), owner)]


def paint_light(canvas: Canvas, light: Light, owner: int, *, is_red: bool) -> None:
    """Paint a traffic light on its pole."""
    camera = canvas.camera
    distance = math.hypot(light.x - camera.x, light.y - camera.y)
    _paint_pole(canvas, light.x, light.y, 3.5, owner, distance)
    heading = math.radians(light.heading_deg)
    across = np.array((math.cos(heading), -math.sin(heading)))
    housing = _upright(light.x, light.y, across, 0.17, 2.5, 3.5)
    canvas.polygon(housing, hazed((26, 28, 30), distance), owner=owner)
    if (camera.x - light.x) * -math.sin(heading) + (camera.y - light.y) * -math.cos(heading) <= 0:
        return
    lamps = ((3.32, (255, 52, 40), is_red), (3.0, (255, 190, 40), False), (2.68, (60, 240, 130), not is_red))
    turn = np.linspace(0, 2 * math.pi, 16, endpoint=False)
    for height, color, is_lit in lamps:
        ring = np.stack(
            [
                light.x + across[0] * 0.11 * np.cos(turn),
                light.y + across[1] * 0.11 * np.cos(turn),
                height + 0.11 * np.sin(turn),
            ],
            axis=1,
        )
        dim = tuple(c // 5 for c in color)
        shown = color if is_lit else (dim[0], dim[1], dim[2])
        canvas.polygon(ring, hazed(shown, distance * 0.5), owner=owner)


def _paint_pole(canvas: Canvas, x: float, y: float, height_m: float, owner: int, distance: float) -> None:
    forward = canvas.camera.forward
    across = np.array((forward[1], -forward[0]))
    canvas.polygon(_upright(x, y, across, 0.035, 0.0, height_m), hazed((128, 132, 136), distance), owner=owner)
    canvas.polygon(_upright(x, y, across, 0.012, 0.0, height_m), hazed((176, 180, 184), distance), owner=owner)


def _upright(x: float, y: float, across: Floats, half_m: float, bottom_m: float, top_m: float) -> Floats:
    left, right = (x - across[0] * half_m, y - across[1] * half_m), (x + across[0] * half_m, y + across[1] * half_m)
    return np.array([(*left, top_m), (*right, top_m), (*right, bottom_m), (*left, bottom_m)])
