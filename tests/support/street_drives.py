"""Bundles of drawn streets, through the redactor as any other picture: for tests that look at a map."""

import math
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from uuid import UUID

import cv2
import numpy as np

from dashlight.model import Detection, LonLat, Month, PictureClaim, Policy, RawFrame, destination
from dashlight.vision import redact
from dashlight.wire import BundlePicture, bundle_key, deletion_commitment, deletion_secret, encode_bundle

SEED = bytes(range(32, 64))
WIDTH, HEIGHT = 640, 360
PLATE = Detection("plate", (300.0, 258.0, 340.0, 270.0), 0.9)
OVIEDO = LonLat(-5.8494, 43.3617)


@cache
def drawn_street(number):
    """Return a street with a car in front, `(H, W, 3) uint8`; each number looks different."""
    rgb = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    rgb[:180] = np.linspace((120, 165, 205), (205, 220, 228), 180)[:, None]
    rgb[180:] = (96, 122, 84)
    cv2.fillPoly(rgb, [np.array([(40, HEIGHT), (600, HEIGHT), (350, 180), (290, 180)])], (88, 88, 92))
    for dash in range(5):
        y = 190 + (number * 11 + dash * 34) % 170
        half = max(1, (y - 180) // 40)
        cv2.fillPoly(
            rgb, [np.array([(320 - half, y), (320 + half, y), (321 + half, y + 9), (319 - half, y + 9)])], (225,) * 3
        )
    for side in (-1, 1):
        for house in range(6):
            depth = 1.0 / (0.35 + (house - (number % 8) / 8) * 0.5 + 0.2)
            x, height = 320 + side * int(150 * depth), int(70 * abs(depth))
            shade = 130 + (house * 53 + number * 7) % 90
            cv2.rectangle(rgb, (x - 45, 200 - height), (x + 45, 215), (shade, shade - 18, shade - 40), -1)
    cv2.rectangle(rgb, (270, 215), (370, 280), (140 + number % 90, 40, 45), -1)
    cv2.rectangle(rgb, (282, 222), (358, 246), (60, 72, 84), -1)
    cv2.rectangle(rgb, (300, 258), (340, 270), (245, 245, 240), -1)
    return rgb


@cache
def redacted_street(number, *, is_personal=False):
    """Return the picture as the redactor makes it, the plate painted over; a `personal` one has 1280x720 pixels."""
    rgb = drawn_street(number)
    return redact(RawFrame(rgb.repeat(2, 0).repeat(2, 1) if is_personal else rgb), () if is_personal else [PLATE])


def archive(
    bundle_number,
    *,
    start=OVIEDO,
    heading_deg=60.0,
    bend_deg=0.0,
    count=6,
    apart_m=8.0,
    policy=Policy.FLEET,
    started_at=None,
    is_sequence=True,
    attribution=None,
    pictures=None,
):
    """Return the bytes of one bundle: a drive from `start`, bending by `bend_deg` a picture.

    Args:
        pictures: Returns the redacted picture of a number; drawn streets when not given.
    """
    started_at = started_at or datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=2)
    is_personal = policy is Policy.PERSONAL
    pictures = pictures or partial(redacted_street, is_personal=is_personal)
    month = Month(started_at.year, started_at.month)  # Weeks are told by large instances only.
    bundled, position, heading = [], start, heading_deg
    for number in range(count):
        captured = month if is_personal else started_at + timedelta(seconds=number)
        rounded = LonLat(round(position.lon, 6), round(position.lat, 6))
        claim = PictureClaim(rounded, captured, round(heading % 360.0, 1) % 360.0, None if is_personal else 3.5)
        commitment = deletion_commitment(deletion_secret(SEED, bundle_number, number))
        bundled.append(BundlePicture(pictures(number), claim, commitment))
        heading += bend_deg * math.sin(number / 9 + bundle_number)
        position = destination(position, heading % 360.0, apart_m)
    return encode_bundle(
        bundled,
        bundle_key(SEED, bundle_number),
        policy=policy,
        license_id="CC-BY-SA-4.0",
        sequence=UUID(int=bundle_number << 80 | 4 << 76 | 8 << 60) if is_sequence and not is_personal else None,
        attribution=attribution,
    )
