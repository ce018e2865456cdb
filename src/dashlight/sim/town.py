"""The invented town: blocks of houses, pavements, markings, and everything that stands or drives in its streets.

Pure functions of a seed. The plane is the one of `drive`; streets have a lane each way, parked cars at both kerbs,
pavements and trees. Every text on a number plate is invented.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from dashlight.sim.drive import RED_LIGHTS, STREETS_X, STREETS_Y, Motion

KERB_M: Final = 5.5  # From the centre line.
FRONT_M: Final = 9.6  # From the centre line to the fronts of the houses.
PARKED_M: Final = 4.35  # From the centre line to the middle of a parked car.
OUTSKIRTS_M: Final = 170.0  # How far the streets go on beyond the last crossing.

Body = Literal["hatchback", "saloon", "van"]
PlateStyle = Literal["de", "fr", "gb", "nl", "it", "us"]
PLATE_STYLES: Final[tuple[PlateStyle, ...]] = ("de", "de", "de", "fr", "nl", "gb", "it", "us")


@dataclass(frozen=True, slots=True)
class Front:
    """One house's front: from `start` to `end` with the street on the right-hand side of that way."""

    start: tuple[float, float]
    end: tuple[float, float]
    variant: int


@dataclass(frozen=True, slots=True)
class Plate:
    """An invented number plate."""

    text: str
    style: PlateStyle


@dataclass(frozen=True, slots=True)
class Car:
    """A car; `x`, `y` is the middle of its footprint."""

    name: str
    x: float
    y: float
    heading_deg: float
    body: Body
    color: tuple[int, int, int]
    plate: Plate
    is_braking: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on foot who looks at the camera; `variant` picks the clothes, `stride` 0..1 the step."""

    name: str
    x: float
    y: float
    variant: int
    stride: float


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign on a pole that faces `heading_deg`, the way from which it is read."""

    name: str
    x: float
    y: float
    heading_deg: float
    drawing: str
    size_m: float
    center_m: float = 2.45


@dataclass(frozen=True, slots=True)
class Tree:
    """A street tree."""

    x: float
    y: float
    variant: int
    height_m: float


@dataclass(frozen=True, slots=True)
class Light:
    """A traffic light on a pole that faces `heading_deg`."""

    x: float
    y: float
    heading_deg: float
    crossing: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Mover:
    """A car that drives straight at a constant speed, or a person who walks so."""

    x: float
    y: float
    heading_deg: float
    speed_mps: float
    car: Car | None = None
    person: Person | None = None

    def at(self, t_s: float) -> tuple[float, float]:
        """Return the place after `t_s` seconds."""
        heading = math.radians(self.heading_deg)
        along = self.speed_mps * t_s
        return self.x + math.sin(heading) * along, self.y + math.cos(heading) * along


@dataclass(frozen=True, slots=True)
class Town:
    """Everything that there is to see."""

    blocks: tuple[tuple[float, float, float, float], ...]  # west, south, east, north of the houses
    fronts: tuple[Front, ...]
    parked: tuple[Car, ...]
    trees: tuple[Tree, ...]
    signs: tuple[Sign, ...]
    lights: tuple[Light, ...]
    standing: tuple[Person, ...]
    movers: tuple[Mover, ...]


CAR_COLORS: Final = (  # RGB
    (228, 230, 232), (30, 32, 36), (120, 126, 132), (168, 174, 180), (24, 52, 104), (146, 24, 28),
    (66, 78, 70), (198, 188, 168), (16, 90, 124), (88, 90, 98),
)  # fmt: skip


def town_of(seed: int, motion: Motion, *, duration_s: float) -> Town:
    """Return the town of a seed, whose traffic keeps clear of the drive `motion`."""
    random = np.random.default_rng([seed, 2])
    blocks = _blocks()
    fronts = tuple(front for block in blocks for front in _fronts_of(block, random))
    parked, trees = _kerbs(random)
    signs, lights = _signs(random)
    movers = (*_traffic(random, motion, duration_s), *_walkers(random, motion))
    return Town(blocks, fronts, parked, trees, signs, lights, _bystanders(random), movers)


def plate_of(random: np.random.Generator) -> Plate:
    """Return an invented plate of one of several countries' styles."""
    style = PLATE_STYLES[int(random.integers(len(PLATE_STYLES)))]

    def letters(count: int) -> str:
        return "".join("ABCDEFGHJKLMNPRSTVWXYZ"[i] for i in random.integers(0, 22, count))

    def digits(count: int) -> str:
        return "".join(str(i) for i in random.integers(1, 10, count))

    text = {
        "de": lambda: f"{letters(1)} {letters(2)} {digits(4)}",
        "fr": lambda: f"{letters(2)}-{digits(3)}-{letters(2)}",
        "gb": lambda: f"{letters(2)}{digits(2)} {letters(3)}",
        "nl": lambda: f"{letters(2)}-{digits(3)}-{letters(1)}",
        "it": lambda: f"{letters(2)} {digits(3)}{letters(2)}",
        "us": lambda: f"{digits(1)}{letters(3)}{digits(3)}",
    }[style]()
    return Plate(text, style)


def light_is_red(light: Light, motion: Motion, t_s: float) -> bool:
    """Return whether a light is red at `t_s`: green for the driver again a second before the driver moves on."""
    for crossing, wait_s in RED_LIGHTS:
        if crossing != light.crossing:
            continue
        distances = np.hypot(motion.path[:, 0] - crossing[0], motion.path[:, 1] - crossing[1])
        row = max(1, int(np.argmin(distances)) - 54)
        moves_on = float(motion.at_s[row + 1])
        is_red = moves_on - wait_s - 9.0 <= t_s < moves_on - 0.8
        return is_red if light.heading_deg in (0.0, 180.0) else not is_red
    return False


def _car(random: np.random.Generator, name: str, x: float, y: float, heading_deg: float) -> Car:
    bodies: tuple[Body, ...] = ("hatchback", "saloon", "hatchback", "saloon", "van")
    body = bodies[int(random.integers(len(bodies)))]
    color = CAR_COLORS[int(random.integers(len(CAR_COLORS)))]
    return Car(name, x, y, heading_deg % 360.0, body, color, plate_of(random))


def _blocks() -> tuple[tuple[float, float, float, float], ...]:
    xs = (STREETS_X[0] - OUTSKIRTS_M, *STREETS_X, STREETS_X[-1] + OUTSKIRTS_M)
    ys = (STREETS_Y[0] - OUTSKIRTS_M, *STREETS_Y, STREETS_Y[-1] + OUTSKIRTS_M)
    return tuple(
        (west + FRONT_M, south + FRONT_M, east - FRONT_M, north - FRONT_M)
        for west, east in itertools.pairwise(xs)
        for south, north in itertools.pairwise(ys)
    )


def _fronts_of(block: tuple[float, float, float, float], random: np.random.Generator) -> list[Front]:
    west, south, east, north = block
    corners = ((west, south), (east, south), (east, north), (west, north))
    fronts: list[Front] = []
    for (x0, y0), (x1, y1) in zip(corners, (*corners[1:], corners[0]), strict=True):
        length = math.hypot(x1 - x0, y1 - y0)
        count = max(1, round(length / float(random.uniform(12.0, 15.0))))
        last = -1
        for index in range(count):
            variant = int(random.integers(0, 10))
            variant = (variant + 1) % 10 if variant == last else variant
            last = variant
            a, b = index / count, (index + 1) / count
            fronts.append(
                Front((x0 + a * (x1 - x0), y0 + a * (y1 - y0)), (x0 + b * (x1 - x0), y0 + b * (y1 - y0)), variant)
            )
    return fronts


def _street_runs() -> list[tuple[float, float, float, float]]:
    """Return start x, y, heading and length of each stretch between crossings."""
    runs: list[tuple[float, float, float, float]] = []
    for x in STREETS_X:
        marks = (STREETS_Y[0] - OUTSKIRTS_M, *STREETS_Y, STREETS_Y[-1] + OUTSKIRTS_M)
        runs += [(x, a, 0.0, b - a) for a, b in itertools.pairwise(marks)]
    for y in STREETS_Y:
        across = (STREETS_X[0] - OUTSKIRTS_M, *STREETS_X, STREETS_X[-1] + OUTSKIRTS_M)
        runs += [(a, y, 90.0, b - a) for a, b in itertools.pairwise(across)]
    return runs


def _placed(x: float, y: float, heading_deg: float, along: float, right: float) -> tuple[float, float]:
    heading = math.radians(heading_deg)
    return (
        x + math.sin(heading) * along + math.cos(heading) * right,
        y + math.cos(heading) * along - math.sin(heading) * right,
    )


def _kerbs(random: np.random.Generator) -> tuple[tuple[Car, ...], tuple[Tree, ...]]:
    cars: list[Car] = []
    trees: list[Tree] = []
    for x, y, heading, length in _street_runs():
        for side in (1.0, -1.0):
            along = 19.0 + float(random.uniform(0.0, 5.0))
            while along < length - 19.0:
                if random.random() < 0.68:
                    place = _placed(x, y, heading, along, side * (PARKED_M + float(random.uniform(-0.12, 0.12))))
                    faces = heading if side > 0 else heading + 180.0
                    faces += float(random.normal(0.0, 1.2))
                    cars.append(_car(random, f"parked-{len(cars)}", *place, faces))
                along += float(random.uniform(5.6, 7.4))
            along = 17.0 + float(random.uniform(0.0, 8.0))
            while along < length - 16.0:
                place = _placed(x, y, heading, along, side * 6.5)
                if random.random() < 0.75:
                    trees.append(Tree(*place, int(random.integers(0, 4)), float(random.uniform(6.2, 9.4))))
                along += float(random.uniform(13.0, 19.0))
    return tuple(cars), tuple(trees)


MIDBLOCK_SIGNS: Final = (
    ("regulatory--maximum-speed-limit-30--g1", 0.6), ("warning--children--g2", 0.9), ("information--parking--g1", 0.6),
    ("regulatory--no-parking--g1", 0.6), ("warning--road-bump--g1", 0.9), ("warning--roadworks--g1", 0.9),
    ("regulatory--maximum-speed-limit-50--g1", 0.6), ("warning--slippery-road-surface--g1", 0.9),
)  # fmt: skip
CORNER_SIGNS: Final = (
    ("regulatory--priority-road--g1", 0.6), ("regulatory--yield--g1", 0.9), ("regulatory--stop--g1", 0.9),
    ("information--pedestrians-crossing--g1", 0.6),
)  # fmt: skip


def _signs(random: np.random.Generator) -> tuple[tuple[Sign, ...], tuple[Light, ...]]:
    signs: list[Sign] = []
    lights: list[Light] = []
    lit = [crossing for crossing, _ in RED_LIGHTS]
    for x, y, heading, length in _street_runs():
        for facing, start, way in (
            (heading, (x, y), 1.0),
            (heading + 180.0, _placed(x, y, heading, length, 0.0), -1.0),
        ):
            course = heading if way > 0 else heading + 180.0
            far = _placed(*start, course, length, 0.0)
            crossing = (round(far[0], 6), round(far[1], 6))
            if crossing in lit:
                place = _placed(*start, course, length - 10.2, 6.1)
                lights.append(Light(*place, facing % 360.0, crossing))
            else:
                drawing, size = CORNER_SIGNS[int(random.integers(len(CORNER_SIGNS)))]
                place = _placed(*start, course, length - 13.0, 6.0)
                signs.append(Sign(f"sign-{len(signs)}", *place, facing % 360.0, drawing, size))
            for share in (0.3, 0.62):
                drawing, size = MIDBLOCK_SIGNS[int(random.integers(len(MIDBLOCK_SIGNS)))]
                place = _placed(*start, course, length * share, 5.95)
                signs.append(Sign(f"sign-{len(signs)}", *place, facing % 360.0, drawing, size))
    return tuple(signs), tuple(lights)


def _traffic(random: np.random.Generator, motion: Motion, duration_s: float) -> list[Mover]:
    movers: list[Mover] = []
    times = np.arange(0.0, duration_s, 0.5)
    ego = np.array([[(pose := motion.pose_at(t)).x, pose.y] for t in times])
    for x, y, heading, length in _street_runs():
        for course, start in ((heading, (x, y)), (heading + 180.0, _placed(x, y, heading, length, 0.0))):
            for _ in range(9):
                speed = float(random.uniform(8.5, 11.5))
                behind = float(random.uniform(-1.0, 1.0)) * speed * duration_s
                place = _placed(*start, course, behind, 1.7)
                car = _car(random, f"moving-{len(movers)}", *place, course)
                mover = Mover(*place, course % 360.0, speed, car=car)
                if _keeps_clear(mover, movers, ego, times):
                    movers.append(mover)
    return movers


def _keeps_clear(mover: Mover, others: list[Mover], ego: np.ndarray, times: np.ndarray) -> bool:
    place = np.array([mover.at(t) for t in times])
    gap = np.hypot(*(place - ego).T)
    heading = math.radians(mover.heading_deg)
    lateral = np.abs((place - ego) @ np.array([math.cos(heading), -math.sin(heading)]))
    if bool(((gap < 14.0) & (lateral < 2.6)).any()) or not bool((gap < 120.0).any()):
        return False
    return all(bool((np.hypot(*(np.array([o.at(t) for t in times]) - place).T) > 7.0).all()) for o in others)


def _walkers(random: np.random.Generator, motion: Motion) -> list[Mover]:
    """Return people on the pavements along the drive, and one who crosses while the driver waits."""
    movers: list[Mover] = []
    for row in range(80, len(motion.path) - 60, 62):
        x, y, heading = motion.path[row]
        course = math.degrees(heading)
        if abs((course + 45.0) % 90.0 - 45.0) > 2.0:
            continue
        right = float(random.choice((6.2, 7.1, 7.8))) - 1.65
        side = right if random.random() < 0.72 else -right - 3.3
        place = _placed(x, y, course, float(random.uniform(-6.0, 6.0)), side)
        person = Person(f"walker-{len(movers)}", *place, int(random.integers(0, 6)), float(random.random()))
        back = (
            place[0] + math.sin(heading) * 1.3 * motion.at_s[row],
            place[1] + math.cos(heading) * 1.3 * motion.at_s[row],
        )
        movers.append(Mover(*back, (course + 180.0) % 360.0, 1.3, person=person))
    for crossing, wait_s in RED_LIGHTS:
        row = int(np.argmin(np.hypot(motion.path[:, 0] - crossing[0], motion.path[:, 1] - crossing[1]))) - 54
        x, y, heading = motion.path[row]
        starts = float(motion.at_s[row]) - 1.5
        for delay_s, ahead, speed in ((0.0, 5.6, 1.4), (1.2, 6.4, 1.2), (wait_s * 0.4, 5.9, 1.5)):
            place = _placed(x, y, math.degrees(heading), ahead, 4.6)
            course = (math.degrees(heading) - 90.0) % 360.0
            origin = _placed(*place, course, -speed * (starts + delay_s), 0.0)
            person = Person(f"crossing-{len(movers)}", *origin, int(random.integers(0, 6)), float(random.random()))
            movers.append(Mover(*origin, course, speed, person=person))
    return movers


def _bystanders(random: np.random.Generator) -> tuple[Person, ...]:
    people: list[Person] = []
    for x, y, heading, length in _street_runs():
        for share in random.uniform(0.1, 0.9, 3):
            place = _placed(x, y, heading, length * float(share), float(random.choice((-7.6, -6.6, 6.6, 7.6))))
            people.append(Person(f"standing-{len(people)}", *place, int(random.integers(0, 6)), 0.5))
    return tuple(people)
