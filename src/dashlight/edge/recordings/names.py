"""What cameras say in the names of files and folders. Pure.

Seen on cards of 70mai (`NO20260215-144120-000002F.MP4`), BlackVue (`20260215_144120_NF.mp4`), Viofo
(`2026_0215_144120_002F.MP4`, `20260215144120_000002F.MP4`), Vantrue (`20260215_144120_00002_N_A.MP4`), Thinkware
(`REC_2026_02_15_14_41_20_F.MP4`), Garmin, Nextbase (`260215_144120_002_FH.MP4`), DDPai (`20260215144120_0060.mp4`),
Mio (`FILE260215-144120F.MP4`), Tesla (`2026-02-15_14-41-20-front.mp4`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dashlight.edge.recordings.recording import CameraPosition

# A date and a time, each with or without separators; a year of two digits only when both are six digits long.
_LONG = re.compile(
    r"(?<!\d)(20\d\d)([-_.]?)(\d\d)\2?(\d\d)(?:[-_ .T]*)(\d\d)[-_.]?(\d\d)[-_.]?(\d\d)(?!\d{3})", re.ASCII
)
_SHORT = re.compile(r"(?<!\d)(\d\d)(\d\d)(\d\d)[-_](\d\d)(\d\d)(\d\d)(?!\d)", re.ASCII)

_BLACKVUE = re.compile(r"(\d{8}_\d{6}_([a-z]))[fri]?", re.ASCII)  # Its `.gps` file has no camera's letter.

_FRONT_WORDS = frozenset({"front", "movie", "f", "cam1", "dcim1", "ch1", "nf", "ef", "mf", "pf", "fh", "fl"})
_REAR_WORDS = frozenset({"rear", "back", "r", "movie_r", "cam2", "ch2", "nr", "er", "mr", "pr", "rh", "rl", "b"})
_INTERIOR_WORDS = frozenset({"interior", "inside", "cabin", "in", "i", "cam3", "ch3", "ni", "ei", "mi", "pi"})
_PARKING_WORDS = frozenset({"parking", "park", "parked", "pa", "prk", "sentryclips", "motion_parking"})
_FOLDER_REAR = frozenset({"rear", "back", "movie_r", "r", "video_r", "normal_r", "dcim_r", "cam2"})
_FOLDER_FRONT = frozenset({"front", "movie_f", "f", "video_f", "normal_f", "cam1"})


@dataclass(frozen=True, slots=True)
class Named:
    """What a path tells.

    Attributes:
        at: The camera's wall clock, without a zone, when the name has one.
        camera_position: Which camera of a pair.
        is_parking: Whether the name or a folder says parking.
        pair: The name without the camera's letter: equal for the files of one moment.
    """

    at: datetime | None
    camera_position: CameraPosition
    is_parking: bool
    pair: str


def named(stem: str, folders: Iterable[str] = ()) -> Named:
    """Return what a file's stem and the names of the folders above it (nearest first) tell."""
    lowered = stem.lower()
    words = [word for word in re.split(r"[^a-z]+", lowered) if word]
    folder_words = [folder.lower() for folder in folders]
    every_word = {*words, *folder_words, *(part for folder in folder_words for part in re.split(r"[^a-z]+", folder))}
    position = _position_of_stem(lowered, words)
    if position is CameraPosition.UNKNOWN:
        position = _position_of_folders(folder_words)
    blackvue = _BLACKVUE.fullmatch(lowered)
    kind = blackvue.group(2) if blackvue else ""
    return Named(
        at=_wall_clock(stem),
        camera_position=position,
        is_parking=bool(every_word & _PARKING_WORDS) or kind == "p",
        pair=_pair(lowered),
    )


def _wall_clock(stem: str) -> datetime | None:
    for match in _LONG.finditer(stem):
        year, _, month, day, hour, minute, second = match.groups()
        at = _time(int(year), month, day, hour, minute, second)
        if at is not None:
            return at
    for match in _SHORT.finditer(stem):
        short_year, month, day, hour, minute, second = match.groups()
        at = _time(2000 + int(short_year), month, day, hour, minute, second)
        if at is not None:
            return at
    return None


def _time(year: int, *rest: str) -> datetime | None:
    month, day, hour, minute, second = map(int, rest)
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        return None
    if day > 28 and day > _days_in(year, month):
        return None
    return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 -- a wall clock whose zone is not known yet


def _days_in(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


_SUFFIX = re.compile(
    r"(?:\d|_|-)(f|r|b|i|nf|nr|ni|ef|er|ei|pf|pr|pi|mf|mr|mi|fh|rh|fl|rl|a|front|rear|back|cabin)(?:_s)?$"
)


def _position_of_stem(lowered: str, words: list[str]) -> CameraPosition:
    match = _SUFFIX.search(lowered)
    letter = match.group(1) if match else (words[-1] if words else "")
    # Vantrue writes A, B and C for front, interior or rear; with A beside B, A is the front.
    if letter in _REAR_WORDS:
        return CameraPosition.REAR
    if letter in _INTERIOR_WORDS:
        return CameraPosition.INTERIOR
    if letter in _FRONT_WORDS or (letter == "a" and match is not None):
        return CameraPosition.FRONT
    return CameraPosition.UNKNOWN


def _position_of_folders(folder_words: list[str]) -> CameraPosition:
    for folder in folder_words:
        if folder in _FOLDER_REAR:
            return CameraPosition.REAR
        if folder in _FOLDER_FRONT:
            return CameraPosition.FRONT
        if folder in ("interior", "inside", "cabin"):
            return CameraPosition.INTERIOR
    return CameraPosition.UNKNOWN


def _pair(lowered: str) -> str:
    blackvue = _BLACKVUE.fullmatch(lowered)
    if blackvue is not None:
        return blackvue.group(1)
    match = _SUFFIX.search(lowered)
    return lowered[: match.start(1)] if match else lowered
