"""What things are covered with: house fronts, foliage, asphalt, sky. RGB or RGBA `uint8`, made from a seed.

Everything here is drawn, none of it is photographed.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Rgb = tuple[int, int, int]

FRONT_VARIANTS: Final = 10
FRONT_PX_PER_M: Final = 36
STOREY_M: Final = 3.4
SKY_DEG_PX: Final = 0.06  # Degrees a pixel of the sky's panorama.

_WALLS: Final[tuple[Rgb, ...]] = (
    (214, 200, 172), (186, 160, 132), (222, 216, 204), (176, 98, 78), (205, 178, 120),
    (168, 176, 178), (212, 176, 158), (158, 136, 118), (196, 204, 190), (142, 78, 66),
)  # fmt: skip
_ROOFS: Final[tuple[Rgb, ...]] = ((120, 66, 52), (72, 74, 80), (134, 84, 62), (90, 80, 76))
_AWNINGS: Final[tuple[Rgb, ...]] = ((40, 92, 70), (140, 40, 40), (50, 66, 110), (186, 152, 60), (90, 60, 90))


def fractal_noise(shape: tuple[int, int], random: np.random.Generator, *, octaves: tuple[int, ...]) -> Pixels:
    """Return tiling noise about 128: the sum of ever finer random grids, `octaves` cells across."""
    total: npt.NDArray[np.float32] = np.zeros(shape, np.float32)
    for cells in octaves:
        rows = max(1, cells * shape[0] // shape[1])
        grid = random.normal(0.0, 1.0, (rows, cells)).astype(np.float32)
        tiled = np.pad(grid, 2, mode="wrap")
        margin_v, margin_u = 2 * shape[0] // rows, 2 * shape[1] // cells
        large = cv2.resize(tiled, (shape[1] + 2 * margin_u, shape[0] + 2 * margin_v), interpolation=cv2.INTER_CUBIC)
        middle = large[margin_v : margin_v + shape[0], margin_u : margin_u + shape[1]]
        total += np.asarray(middle / math.sqrt(cells), np.float32)
    total *= 40.0 / float(total.std())
    noise: Pixels = np.clip(total + 128.0, 0, 255).astype(np.uint8)
    return noise


def asphalt_grain(random: np.random.Generator) -> Pixels:
    """Return a tile of 1024 x 1024: grain and cracks about 128; 1.4 cm a pixel."""
    fine = cv2.GaussianBlur(random.normal(0.0, 17.0, (1024, 1024)), (0, 0), 0.8)
    patches = fractal_noise((1024, 1024), random, octaves=(4, 8, 16, 64)).astype(np.float64) - 128.0
    grain = np.clip(128.0 + fine + 0.22 * patches, 0, 255).astype(np.uint8)
    for _ in range(4):
        steps = random.normal(0.0, 5.0, (40, 2)).cumsum(axis=0) + random.uniform(0, 1024, 2)
        steps[:, 0] += np.linspace(0.0, 300.0, 40)
        cv2.polylines(grain, [steps.astype(np.int32)], isClosed=False, color=104, thickness=2, lineType=cv2.LINE_AA)
    return grain


def sky_panorama(random: np.random.Generator, *, rows: int, focal_px: float) -> Pixels:
    """Return the sky all round, `(rows, 360 / SKY_DEG_PX, 3)`; the last row is the horizon."""
    columns = round(360.0 / SKY_DEG_PX)
    up = (rows - np.arange(rows, dtype=np.float32)) / focal_px  # Tangent of the elevation.
    zenith, haze = np.array((92, 142, 204), np.float32), np.array((214, 224, 232), np.float32)
    weight = np.clip(up / 0.62, 0, 1)[:, None, None] ** 0.7
    sky = np.repeat(haze + weight * (zenith - haze), columns, axis=1)
    clouds = fractal_noise((rows * 2, columns), random, octaves=(14, 30, 66, 140, 300)).astype(np.float32)
    flattened = cv2.resize(clouds, (columns, rows), interpolation=cv2.INTER_AREA)
    cover = np.clip((flattened - 128.0) / 60.0, 0, 1)[..., None] * np.clip(0.25 + up[:, None, None] * 1.4, 0, 0.95)
    shaded = np.clip(cv2.GaussianBlur(flattened, (0, 0), 6) - 150, 0, 60)[..., None] * 0.5
    sky = sky * (1 - cover) + (np.array((247, 248, 250), np.float32) - shaded) * cover
    skyline = fractal_noise((8, columns), random, octaves=(90, 200))[0].astype(np.float32)
    heights = np.clip((skyline - 96.0) * 0.34, 2, 40).astype(np.int32)
    rows_up = rows - np.arange(rows)
    sky = np.where((rows_up[:, None] < heights[None, :])[..., None], np.array((176, 186, 194), np.float32), sky)
    panorama: Pixels = np.clip(sky, 0, 255).astype(np.uint8)
    return panorama


def house_front(variant: int, random: np.random.Generator) -> tuple[Pixels, float]:
    """Return a house's front, RGB, and its height in metres; it is 13.5 m wide, whatever it is stretched to."""
    scale = FRONT_PX_PER_M
    storeys = 3 + variant % 3
    width, roof_m, ground_m = 13.5, 2.6 if variant % 4 else 0.9, 4.0
    height = ground_m + storeys * STOREY_M + roof_m
    rows, columns = round(height * scale), round(width * scale)
    wall = np.array(_WALLS[variant % len(_WALLS)], np.float32)
    image = np.empty((rows, columns, 3), np.float32)
    image[:] = wall
    stain = fractal_noise((1024, 512), random, octaves=(6, 14, 60, 200)).astype(np.float32)[:rows, :columns] - 128.0
    image += cv2.resize(stain, (columns, rows))[..., None] * 0.14
    if variant in (3, 9):
        _lay_bricks(image, scale)
    image *= np.linspace(1.03, 0.9, rows, dtype=np.float32)[:, None, None]
    front = np.clip(image, 0, 255).astype(np.uint8)
    roof_rows, ground_row = round(roof_m * scale), rows - round(ground_m * scale)
    _draw_roof(front, roof_rows, _ROOFS[variant % len(_ROOFS)], random)
    bays = 4 + variant % 2
    has_balconies = variant in (2, 5, 8)
    for storey in range(storeys):
        top = roof_rows + round(storey * STOREY_M * scale)
        for bay in range(bays):
            center = (bay + 0.5) * columns / bays
            _draw_window(front, center, top + 0.75 * scale, scale, random)
            if has_balconies and bay % 2 == storey % 2:
                _draw_balcony(front, center, top + 2.2 * scale, scale)
        cv2.line(front, (0, top + 4), (columns, top + 4), _toned(wall, 0.86), 2)
    _draw_ground_floor(front, ground_row, variant, scale)
    return front, height


def tree_picture(variant: int, random: np.random.Generator) -> Pixels:
    """Return a street tree, RGBA, 512 x 704 pixels; the trunk's foot is at the bottom's middle."""
    rows, columns = 704, 512
    tree = np.zeros((rows, columns, 4), np.uint8)
    trunk = np.array([[244, rows], [249, 380], [263, 380], [270, rows]], np.int32)
    cv2.fillPoly(tree, [trunk], (84, 72, 62, 255), cv2.LINE_AA)
    cv2.line(tree, (267, rows), (261, 390), (58, 50, 44, 255), 6, cv2.LINE_AA)
    for end in ((150, 250), (350, 240), (256, 180), (200, 200), (310, 190)):
        cv2.line(tree, (256, 400), end, (74, 62, 54, 255), 7, cv2.LINE_AA)
    greens = (((52, 78, 38), (120, 152, 66)), ((44, 72, 42), (98, 138, 70)),
              ((92, 82, 34), (186, 156, 62)), ((60, 84, 36), (142, 158, 64)))  # fmt: skip
    dark, light = (np.array(c, np.float64) for c in greens[variant % 4])
    count = 620
    radius = np.sqrt(random.uniform(0, 1, count))
    turn = random.uniform(0, 2 * math.pi, count)
    us = 256 + radius * np.cos(turn) * 208
    vs = 236 + radius * np.sin(turn) * 196 + 14 * np.sin(us / 37.0)
    for u, v in sorted(zip(us, vs, strict=True), key=lambda at: -at[1]):
        lit = np.clip(0.82 - (v - 40.0) / 470.0 - (u - 256.0) / 900.0 + random.normal(0, 0.13), 0, 1)
        color = tuple(int(c) for c in dark + (light - dark) * lit)
        axes = (int(random.uniform(9, 26)), int(random.uniform(7, 18)))
        cv2.ellipse(tree, (int(u), int(v)), axes, random.uniform(0, 180), 0, 360, (*color, 255), -1, cv2.LINE_AA)
    holes = fractal_noise((rows, columns), random, octaves=(24, 60, 120))
    tree[..., 3] = np.where((holes < 74) & (np.arange(rows)[:, None] < 430), 0, tree[..., 3])
    tree[..., :3] = np.clip(tree[..., :3].astype(np.int16) + random.normal(0, 9, (rows, columns, 1)), 0, 255)
    return tree


def _toned(color: Rgb | npt.NDArray[np.float32], factor: float) -> Rgb:
    red, green, blue = (min(255, int(float(c) * factor)) for c in color)
    return red, green, blue


def _lay_bricks(image: npt.NDArray[np.float32], scale: int) -> None:
    rows, columns = image.shape[:2]
    course = max(3, round(0.16 * scale))
    for index, row in enumerate(range(0, rows, course)):
        image[row] *= 0.8
        for column in range((index % 2) * 6, columns, 12):
            image[row : row + course, column] *= 0.88


def _draw_roof(front: Pixels, rows: int, color: Rgb, random: np.random.Generator) -> None:
    columns = front.shape[1]
    shade = np.linspace(1.12, 0.84, rows)[:, None, None]
    front[:rows] = np.clip(np.array(color) * shade + random.normal(0, 7, (rows, columns, 1)), 0, 255).astype(np.uint8)
    for row in range(0, rows, 8):
        front[row : row + 1] = (front[row : row + 1] * 0.86).astype(np.uint8)
    if rows > 60:
        for center in np.linspace(columns * 0.2, columns * 0.8, 3):
            left, top = int(center) - 22, rows - 66
            cv2.rectangle(front, (left - 4, top - 5), (left + 48, rows - 10), _toned(color, 1.25), -1)
            cv2.rectangle(front, (left, top), (left + 44, rows - 14), (72, 84, 98), -1)
            cv2.line(front, (left + 22, top), (left + 22, rows - 14), (216, 216, 212), 3)
    cv2.rectangle(front, (0, rows - 7), (columns, rows + 5), (226, 220, 208), -1)
    cv2.rectangle(front, (0, rows + 6), (columns, rows + 12), (96, 88, 80), -1)


def _draw_window(front: Pixels, center: float, top: float, scale: int, random: np.random.Generator) -> None:
    left, right = int(center - 0.62 * scale), int(center + 0.62 * scale)
    upper, lower = int(top), int(top + 1.9 * scale)
    frame = (232, 230, 224)
    cv2.rectangle(front, (left - 6, upper - 8), (right + 6, lower + 4), _toned(front[upper - 10, left - 8], 1.1), -1)
    cv2.rectangle(front, (left - 8, lower + 1), (right + 8, lower + 6), (210, 204, 194), -1)
    cv2.rectangle(front, (left - 6, lower + 7), (right + 6, lower + 9), (98, 90, 82), -1)
    glass_top = np.array(random.choice(((118, 142, 168), (86, 104, 124), (52, 62, 74))), np.float64)
    glass = np.linspace(1.0, 0.5, lower - upper)[:, None, None] * glass_top
    front[upper:lower, left:right] = np.clip(glass, 0, 255).astype(np.uint8)
    if random.random() < 0.4:
        reach = int(random.uniform(0.15, 0.42) * (right - left))
        for edge in (left, right - reach):
            front[upper:lower, edge : edge + reach] = (206, 198, 184)
    if random.random() < 0.16:
        front[upper + 4 : lower - 4, left + 4 : right - 4] = (246, 214, 150)
    cv2.rectangle(front, (left, upper), (right, lower), frame, 3)
    cv2.line(front, (int(center), upper), (int(center), lower), frame, 3)
    cv2.line(front, (left, upper + int(0.55 * scale)), (right, upper + int(0.55 * scale)), frame, 3)
    front[upper : upper + 4, left:right] = (front[upper : upper + 4, left:right] * 0.6).astype(np.uint8)


def _draw_balcony(front: Pixels, center: float, floor: float, scale: int) -> None:
    left, right, bottom = int(center - 1.0 * scale), int(center + 1.0 * scale), int(floor + 0.55 * scale)
    top = bottom - int(1.0 * scale)
    cv2.rectangle(front, (left, bottom), (right, bottom + 7), (170, 164, 156), -1)
    cv2.rectangle(front, (left, bottom + 8), (right, bottom + 16), (86, 80, 74), -1)
    for u in range(left, right + 1, 6):
        cv2.line(front, (u, top), (u, bottom), (46, 46, 50), 2)
    cv2.line(front, (left, top), (right, top), (40, 40, 44), 3)


def _draw_ground_floor(front: Pixels, row: int, variant: int, scale: int) -> None:
    rows, columns = front.shape[:2]
    base = _toned(front[row - 20, 4], 0.82)
    cv2.rectangle(front, (0, row), (columns, rows), base, -1)
    for line in range(row, rows, round(0.5 * scale)):
        cv2.line(front, (0, line), (columns, line), _toned(base, 0.88), 1)
    cv2.rectangle(front, (0, row - 4), (columns, row + 3), _toned(base, 1.22), -1)
    cv2.rectangle(front, (0, rows - round(0.45 * scale)), (columns, rows), (104, 100, 96), -1)
    door_left = round((0.42 if variant % 2 else 0.08) * columns)
    door = (66, 50, 40) if variant % 3 else (40, 62, 58)
    top = row + round(1.1 * scale)
    cv2.rectangle(front, (door_left - 6, top - 6), (door_left + 50, rows), (218, 210, 196), -1)
    cv2.rectangle(front, (door_left, top), (door_left + 44, rows - 6), door, -1)
    cv2.rectangle(front, (door_left + 8, top + 8), (door_left + 36, top + 38), (120, 140, 156), -1)
    cv2.line(front, (door_left + 22, top + 44), (door_left + 22, rows - 6), _toned(door, 0.6), 2)
    shops = [(0.16, 0.38), (0.56, 0.96)] if variant % 2 else [(0.24, 0.56), (0.62, 0.95)]
    awning = _AWNINGS[variant % len(_AWNINGS)]
    for start, end in shops:
        left, right = round(start * columns), round(end * columns)
        upper, lower = row + round(0.95 * scale), rows - round(0.5 * scale)
        glass = np.linspace(0.95, 0.55, lower - upper)[:, None, None] * np.array((104, 118, 130))
        front[upper:lower, left:right] = glass.astype(np.uint8)
        goods = front[lower - 34 : lower - 6, left + 6 : right - 6]
        goods[:] = (goods * 0.6 + np.array(awning) * 0.25 + 22).astype(np.uint8)
        for edge in np.linspace(left, right, 4):
            cv2.line(front, (int(edge), upper), (int(edge), lower), (52, 52, 54), 4)
        cv2.rectangle(front, (left, lower), (right, lower + 6), (52, 52, 54), -1)
        # Plain cloth: stripes look like letters to a text detector, in a drawing more than in a street.
        cloth = np.linspace(1.12, 0.82, 28)[:, None, None] * np.array(awning)
        front[upper - 14 : upper + 14, left - 6 : right + 8] = np.clip(cloth, 0, 255).astype(np.uint8)
        cv2.rectangle(front, (left - 6, upper + 13), (right + 8, upper + 17), (40, 44, 48), -1)
