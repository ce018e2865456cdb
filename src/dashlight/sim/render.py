"""Frames of the simulated drive as the vehicle's camera sees them, and the truth about each of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from dashlight.errors import HostError, InputError
from dashlight.sim.camera import Camera
from dashlight.sim.canvas import Canvas, Coverings, hazed
from dashlight.sim.drive import lane_path, planned_motion
from dashlight.sim.furniture import paint_light, paint_sign
from dashlight.sim.ground import Ground, car_shadow, tree_shadow
from dashlight.sim.people import FIGURE_M, FIGURE_PX, HEAD_UV, STRIDES, VARIANTS, face_of, figure_picture
from dashlight.sim.plates import plate_picture, plate_size_m
from dashlight.sim.textures import (
    FRONT_VARIANTS,
    SKY_DEG_PX,
    asphalt_grain,
    house_front,
    sky_panorama,
    tree_picture,
)
from dashlight.sim.town import Car, Front, Light, Mover, Person, Plate, Sign, Tree, light_is_red, town_of
from dashlight.sim.truth import Truth, as_seen, box_of
from dashlight.sim.vehicles import Panel, footprint, panel_picture, panels_of, plate_corners
from dashlight.sim.windscreen import bonnet, lens_shade

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

CAMERA_HEIGHT_M: Final = 1.38
FOCAL_SHARE: Final = 0.66  # Focal length as a share of the width: 74 degrees across.
HORIZON_SHARE: Final = 0.48
CAR_REACH_M: Final = 95.0
FRONT_REACH_M: Final = 230.0
SHADOW_REACH_M: Final = 70.0
SUN: Final = (-0.77, -0.64)  # On the plane, the way to the sun; the shadows of `ground` fall the other way.
LEAD_S: Final = 0.9  # How far ahead in time the car in front is.
LEAD_M: Final = 7.5
LENS_BLUR_PX: Final = 0.65


@dataclass(frozen=True, slots=True)
class _Thing:
    """Something to paint, with the distance that puts it in order."""

    distance_m: float
    thing: Front | Car | Person | Sign | Tree | Light


class Renderer:
    """Paints one drive. Not shared between threads; painting a frame does not depend on those before it."""

    def __init__(self, *, seed: int, duration_s: float, width: int, height: int) -> None:
        """Draw everything that frames are made of.

        Args:
            seed: Of the town and its traffic.
            duration_s: Of the drive.
            width: Pixels, even.
            height: Pixels, even.

        Raises:
            InputError: When the size is not even or not 320..3840 pixels wide.
            HostError: When the drawings that the vendor step brings are not there.
        """
        if width % 2 or height % 2 or not 320 <= width <= 3840 or not 180 <= height <= 2160:
            raise InputError(
                f"a simulated picture of {width} x {height} pixels is not even or not within 320 x 180..3840 x 2160",
                code="bad-size",
            )
        self.motion = planned_motion(lane_path())
        self._lead = planned_motion(lane_path(), red_lights=())
        self.town = town_of(seed, self.motion, duration_s=duration_s)
        self.width, self.height = width, height
        self._focal_px = FOCAL_SHARE * width
        random = np.random.default_rng([seed, 3])
        self._random = np.random.default_rng([seed, 4])
        self._bumps = self._random.normal(0.0, 1.0, 600)
        self._coverings = Coverings()
        self._front_heights: list[float] = []
        self._draw_coverings(random)
        self._sky = sky_panorama(random, rows=round(0.56 * height), focal_px=self._focal_px)
        self._ground = Ground(
            self.town,
            asphalt_grain(random),
            width=width,
            height=height,
            focal_px=self._focal_px,
            height_m=CAMERA_HEIGHT_M,
        )
        self._corners = np.array([[(*f.start, 0.0), (*f.end, 0.0)] for f in self.town.fronts])
        self._blocks = np.array(self.town.blocks)
        town = self.town
        self._standing: tuple[Car | Sign | Light | Person | Tree, ...] = (
            *town.parked,
            *town.signs,
            *town.lights,
            *town.standing,
            *town.trees,
        )
        self._standing_at = np.array([(thing.x, thing.y) for thing in self._standing])
        self._panels: dict[Car, list[Panel]] = {}
        self._shadows: dict[Car | Tree, Floats] = {}
        self._lens = lens_shade(width, height)
        self._bonnet = bonnet(width, height)
        self._lead_car = Car(
            "lead", 0.0, 0.0, 0.0, "hatchback", (24, 52, 104), Plate("B KM 5283", "de"), is_braking=False
        )

    def camera_at(self, t_s: float) -> Camera:
        """Return the camera after `t_s` seconds; it nods when the driver brakes and over bumps."""
        pose = self.motion.pose_at(t_s)
        along = self.motion.distance_at(t_s)
        bump = float(np.interp(along / 3.0 % 599, np.arange(600), self._bumps)) * min(1.0, pose.speed_mps / 8.0)
        pitch_px = self._focal_px * (0.0022 * pose.acceleration_mps2 + 0.0011 * bump)
        return Camera(
            x=pose.x,
            y=pose.y,
            heading_deg=pose.heading_deg,
            height_m=CAMERA_HEIGHT_M,
            focal_px=self._focal_px,
            center_u=self.width / 2,
            horizon_v=float(round(HORIZON_SHARE * self.height + pitch_px)),
            width=self.width,
            height=self.height,
        )

    def frame(self, t_s: float) -> tuple[Pixels, list[Truth]]:
        """Return the frame at `t_s` seconds, `(height, width, 3)` RGB, and the truth about it."""
        camera = self.camera_at(t_s)
        canvas = Canvas(
            np.empty((self.height, self.width, 3), np.uint8),
            np.zeros((self.height // 2, self.width // 2), np.uint16),
            camera,
            self._coverings,
        )
        self._paint_sky(canvas)
        things = self._things(camera, t_s)
        near = [entry.thing for entry in things if entry.distance_m < SHADOW_REACH_M]
        self._ground.paint(canvas, [shadow for thing in near if (shadow := self._shadow_of(thing)) is not None])
        truths: list[tuple[Truth, int]] = []
        for owner, thing in enumerate(sorted(things, key=lambda t: -t.distance_m), start=1):
            truths += self._paint(canvas, thing, owner, t_s)
        found = [as_seen(truth, canvas, owner) for truth, owner in truths]
        softened = cv2.GaussianBlur(canvas.rgb, (3, 3), LENS_BLUR_PX)  # As a small lens draws.
        rgb = cv2.multiply(softened, self._lens, scale=1 / 255)
        top = self.height - len(self._bonnet)
        alpha = self._bonnet[..., 3:].astype(np.float32) / 255.0
        rgb[top:] = (rgb[top:] * (1 - alpha) + self._bonnet[..., :3] * alpha).astype(np.uint8)
        return np.asarray(rgb, np.uint8), [truth for truth in found if truth.visible > 0.0]

    def _draw_coverings(self, random: np.random.Generator) -> None:
        for variant in range(FRONT_VARIANTS):
            picture, height_m = house_front(variant, random)
            self._coverings.add(f"front-{variant}", picture)
            self._front_heights.append(height_m)
        for variant in range(4):
            self._coverings.add(f"tree-{variant}", tree_picture(variant, random))
        face = face_of(asset_picture("astronaut.png")[..., :3])
        for variant in range(VARIANTS):
            for stride in range(STRIDES):
                self._coverings.add(f"person-{variant}-{stride}", figure_picture(face, variant, stride))
        for drawing in {sign.drawing for sign in self.town.signs}:
            self._coverings.add(drawing, asset_picture(f"signs/{drawing}.png"))

    def _paint_sky(self, canvas: Canvas) -> None:
        camera = canvas.camera
        horizon = min(round(camera.horizon_v), len(self._sky))
        us = np.degrees(np.arctan((np.arange(self.width) - camera.center_u) / camera.focal_px))
        columns = ((camera.heading_deg + us) / SKY_DEG_PX).astype(np.int64) % self._sky.shape[1]
        rows = self._sky[len(self._sky) - horizon :]
        canvas.rgb[:horizon] = np.take(rows, columns, axis=1)

    def _things(self, camera: Camera, t_s: float) -> list[_Thing]:
        moving: list[Car | Person] = [_moved(mover, t_s) for mover in self.town.movers]
        lead = self._lead.pose_along(self._lead.distance_at(t_s + LEAD_S) + LEAD_M)
        is_braking = self._lead.pose_at(t_s + LEAD_S).acceleration_mps2 < -0.5
        moving.append(replace(self._lead_car, x=lead.x, y=lead.y, heading_deg=lead.heading_deg, is_braking=is_braking))
        everything: tuple[Car | Sign | Light | Person | Tree, ...] = (*self._standing, *moving)
        places = np.concatenate([self._standing_at, np.array([(thing.x, thing.y) for thing in moving])])
        radius = np.array([3.4 if isinstance(thing, Car | Tree) else 1.0 for thing in everything])
        reach = np.array([150.0 if isinstance(thing, Tree) else CAR_REACH_M for thing in everything])
        seen = np.nonzero(camera.sees(places, radius_m=radius, reach_m=reach))[0]
        seen = seen[~self._hidden(camera, places[seen])]
        far = np.hypot(places[seen, 0] - camera.x, places[seen, 1] - camera.y)
        things = [_Thing(float(d), everything[index]) for d, index in zip(far, seen, strict=True)]
        return self._fronts_in_view(camera) + things

    def _hidden(self, camera: Camera, places: Floats) -> npt.NDArray[np.bool_]:
        """Return behind which places a block of houses hides them from the camera (by the slabs of a box)."""
        west, south, east, north = self._blocks.T
        way = places - (camera.x, camera.y)
        way = np.where(np.abs(way) < 1e-9, 1e-9, way)
        ax, bx = (west + 3 - camera.x) / way[:, :1], (east - 3 - camera.x) / way[:, :1]
        ay, by = (south + 3 - camera.y) / way[:, 1:], (north - 3 - camera.y) / way[:, 1:]
        enter = np.maximum(np.minimum(ax, bx), np.minimum(ay, by))
        leave = np.minimum(np.maximum(ax, bx), np.maximum(ay, by))
        hidden: npt.NDArray[np.bool_] = ((enter < leave) & (leave > 0) & (enter < 1)).any(axis=1)
        return hidden

    def _fronts_in_view(self, camera: Camera) -> list[_Thing]:
        start, end = self._corners[:, 0, :2], self._corners[:, 1, :2]
        way = end - start
        to_camera = np.array((camera.x, camera.y)) - start
        faces = way[:, 0] * to_camera[:, 1] - way[:, 1] * to_camera[:, 0] < 0  # The camera is on the right-hand side.
        forward = np.array(camera.forward)
        depths = np.stack([(start - (camera.x, camera.y)) @ forward, (end - (camera.x, camera.y)) @ forward])
        right = np.array((forward[1], -forward[0]))
        laterals = np.stack([(start - (camera.x, camera.y)) @ right, (end - (camera.x, camera.y)) @ right])
        slope = camera.width / 2 / camera.focal_px
        limit = np.maximum(depths, 0.0) * slope
        beside = (laterals > limit).all(axis=0) | (laterals < -limit).all(axis=0)
        shown = faces & (depths.max(axis=0) > 1.0) & (depths.min(axis=0) < FRONT_REACH_M) & ~beside
        far = np.hypot(depths, laterals).max(axis=0)
        return [_Thing(float(far[index]), self.town.fronts[index]) for index in np.nonzero(shown)[0]]

    def _paint(self, canvas: Canvas, entry: _Thing, owner: int, t_s: float) -> list[tuple[Truth, int]]:
        thing = entry.thing
        match thing:
            case Front():
                self._paint_front(canvas, thing, owner)
                return []
            case Car():
                return self._paint_car(canvas, thing, owner)
            case Person():
                return self._paint_person(canvas, thing, owner)
            case Sign():
                return paint_sign(canvas, thing, owner, self._coverings)
            case Tree():
                size = (thing.height_m * 512 / 704, thing.height_m)
                canvas.figure(thing.x, thing.y, *size, f"tree-{thing.variant}")
                return []
            case Light():
                paint_light(canvas, thing, owner, is_red=light_is_red(thing, self.motion, t_s))
                return []

    def _paint_front(self, canvas: Canvas, front: Front, owner: int) -> None:
        (x0, y0), (x1, y1) = front.start, front.end
        length = math.hypot(x1 - x0, y1 - y0)
        normal = ((y1 - y0) / length, -(x1 - x0) / length)
        sun = max(0.0, normal[0] * SUN[0] + normal[1] * SUN[1])
        tall = self._front_heights[front.variant]
        corners = np.array([(x0, y0, tall), (x1, y1, tall), (x1, y1, 0.0), (x0, y0, 0.0)])
        canvas.quad(corners, f"front-{front.variant}", owner=owner, shade=0.72 + 0.36 * sun)

    def _paint_car(self, canvas: Canvas, car: Car, owner: int) -> list[tuple[Truth, int]]:
        camera = canvas.camera
        distance = math.hypot(car.x - camera.x, car.y - camera.y)
        eye = np.array((camera.x, camera.y, camera.height_m))
        look = f"{car.body}-{car.color}-{car.is_braking}"
        shown = []
        for panel in self._panels_of(car):
            way = eye - panel.middle
            if float(panel.normal @ way) > 0:
                shown.append((float(way @ way), panel))
        for _, panel in sorted(shown, key=lambda entry: -entry[0]):
            sun = max(0.0, float(panel.normal[0] * SUN[0] + panel.normal[1] * SUN[1]))
            if panel.picture is None:
                canvas.polygon(panel.corners, hazed(panel.shade, distance, 0.86 + 0.24 * sun), owner=owner)
                continue
            name = f"{look}-{panel.picture}"
            if name not in self._coverings.sizes:
                self._coverings.add(name, panel_picture(car, panel.picture))
            canvas.quad(panel.corners, name, owner=owner, shade=0.84 + 0.26 * sun)
        truths = []
        for is_front in (True, False):
            truths += self._paint_plate(canvas, car, owner, distance, is_front=is_front)
        return truths

    def _shadow_of(self, thing: Front | Car | Person | Sign | Tree | Light) -> Floats | None:
        if not isinstance(thing, Car | Tree):
            return None
        if thing in self._shadows:
            return self._shadows[thing]
        if isinstance(thing, Tree):
            shadow = tree_shadow(thing.x, thing.y, thing.height_m)
        else:
            shadow = car_shadow(footprint(thing, 0.1))
        if isinstance(thing, Tree) or thing.name.startswith("parked"):
            self._shadows[thing] = shadow
        return shadow

    def _panels_of(self, car: Car) -> list[Panel]:
        if not car.name.startswith("parked"):
            return panels_of(car)
        if car not in self._panels:
            self._panels[car] = panels_of(car)
        return self._panels[car]

    def _paint_plate(
        self, canvas: Canvas, car: Car, owner: int, distance: float, *, is_front: bool
    ) -> list[tuple[Truth, int]]:
        if is_front and car.plate.style == "us":
            return []
        corners = plate_corners(car, plate_size_m(car.plate), is_front=is_front)
        heading = math.radians(car.heading_deg + (0.0 if is_front else 180.0))
        camera = canvas.camera
        toward = (camera.x - corners[0, 0]) * math.sin(heading) + (camera.y - corners[0, 1]) * math.cos(heading)
        if toward <= 0.3:
            return []
        name = f"plate-{car.plate.text}-{car.plate.style}-{is_front}"
        if name not in self._coverings.sizes:
            self._coverings.add(name, plate_picture(car.plate, is_front=is_front))
        pixels = canvas.quad(corners, name, owner=owner)
        if pixels is None:
            return []
        x, y = (float(c) for c in corners[:, :2].mean(axis=0))
        end = "front" if is_front else "rear"
        name = f"{car.name}-{end}"
        return [(Truth("plate", name, box_of(pixels), 1.0, x, y, distance, car.plate.text), owner)]

    def _paint_person(self, canvas: Canvas, person: Person, owner: int) -> list[tuple[Truth, int]]:
        stride = int(person.stride * STRIDES) % STRIDES
        name = f"person-{person.variant}-{stride}"
        pixels = canvas.figure(person.x, person.y, *FIGURE_M, name, owner=owner)
        if pixels is None:
            return []
        share = np.array(HEAD_UV, np.float64) / (*FIGURE_PX, *FIGURE_PX)
        left, top, right, bottom = share * np.tile(pixels[2] - pixels[0], 2) + np.tile(pixels[0], 2)
        head = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        distance = math.hypot(person.x - canvas.camera.x, person.y - canvas.camera.y)
        return [(Truth("face", person.name, box_of(head), 1.0, person.x, person.y, distance, ""), owner)]


def asset_picture(name: str) -> Pixels:
    """Return a drawing that the vendor step brings, RGBA.

    Raises:
        HostError: When it is not there or not a picture.
    """
    resource = files("dashlight.sim").joinpath("assets", *name.split("/"))
    try:
        encoded = resource.read_bytes()
    except OSError as exc:
        raise HostError(f"the drawing {name} of the simulated drive is missing", hint="run `make vendor`") from exc
    picture: Any = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.ndim != 3:
        raise HostError(f"the drawing {name} of the simulated drive is damaged", hint="run `make vendor`")
    order = cv2.COLOR_BGRA2RGBA if picture.shape[2] == 4 else cv2.COLOR_BGR2RGBA
    return np.asarray(cv2.cvtColor(picture, order), np.uint8)


def _moved(mover: Mover, t_s: float) -> Car | Person:
    x, y = mover.at(t_s)
    if mover.car is not None:
        return replace(mover.car, x=x, y=y)
    if mover.person is None:
        raise InputError("a mover is neither a car nor a person")
    return replace(mover.person, x=x, y=y, stride=(mover.person.stride + t_s * mover.speed_mps / 1.5) % 1.0)
