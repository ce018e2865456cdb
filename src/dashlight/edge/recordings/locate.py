"""The two calls of the edge's first half: where was a recording, and which of its frames are wanted."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from dashlight.edge.recordings.clock import ClockAlignment, Wall, aligned
from dashlight.edge.recordings.recording import Recording
from dashlight.edge.recordings.telemetry import Telemetry, sources_of
from dashlight.edge.recordings.video import Sharpest, Window, Winner
from dashlight.edge.select import EVERY_M, MIN_SPEED_MPS, Candidate, NotTaken, Tally, candidates_along
from dashlight.edge.track import GateReport, Motion, gated
from dashlight.errors import DashlightError, InputError, Rejected
from dashlight.model import LonLat, RawFrame, Track

MAX_SIZE = (1280, 720)  # What is published: the detectors are measured at it.


@dataclass(frozen=True, slots=True)
class Located:
    """Where a recording was.

    Attributes:
        track: The believable fixes, those up to a minute before and after the video among them.
        alignment: How the clocks lie; its note is for the user.
        report: What the gate kept and left out.
        source: Which telemetry it came from.
    """

    track: Track
    alignment: ClockAlignment
    report: GateReport
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class SelectedFrame:
    """A frame that is wanted as a picture; raw, in memory only.

    Attributes:
        raw: The pixels; their metres count along this recording's track.
        at: When it was taken, aware UTC.
        position: Where the camera was then.
        heading_deg: Which way the camera looked, 0 <= h < 360.
        accuracy_m: Horizontal, when known.
    """

    raw: RawFrame = field(repr=False)
    at: datetime
    position: LonLat
    heading_deg: float
    accuracy_m: float | None


def locate(recording: Recording, *, now: datetime, timezone: tzinfo | None = None) -> Located | Rejected:
    """Return where a recording was, from the first of its sources of positions that can be believed.

    Args:
        recording: As found.
        now: This machine's time, aware.
        timezone: The zone of the camera's clock, when the user has set one.
    """
    complaint: Rejected | None = None
    for path, read in sources_of(recording):
        try:
            telemetry = read()
            if telemetry is None:
                continue
            is_own = path != recording.path and path.stem.lower() == recording.path.stem.lower()
            return _located(recording, telemetry, now=now, timezone=timezone, is_own_sidecar=is_own)
        except DashlightError as exc:
            complaint = complaint or Rejected(recording.path, exc.message, exc.code, exc.hint)
    return complaint or Rejected(
        recording.path,
        "there are no positions in this video and none beside it",
        "no-positions",
        "Switch the camera's GPS on, or put a GPX or NMEA file of the same name beside it.",
    )


def _located(
    recording: Recording, telemetry: Telemetry, *, now: datetime, timezone: tzinfo | None, is_own_sidecar: bool
) -> Located:
    if not any(reading.is_valid for reading in telemetry.readings):
        raise InputError(
            f"the receiver had no fix: 0 of {len(telemetry.readings)} positions are valid",
            code="no-fix",
            hint="A receiver needs a minute of open sky after a cold start.",
        )
    wall = Wall(recording.named_at, recording.created_at, recording.modified_s, recording.duration_s)
    alignment, fixes = aligned(
        telemetry, wall, zone_at=zone_at, timezone=timezone, now=now, is_own_sidecar=is_own_sidecar
    )
    track, report = gated(fixes, now=now)
    if len(track.fixes) < 2:
        worst = report.dropped[0][0].value if report.dropped else "too few"
        raise InputError(f"no track is left: {report.summary}", code=_CODES.get(worst, "no-track"))
    return Located(track, alignment, report, telemetry.source)


_CODES = {"no fix": "no-fix", "clock before 2010": "clock-past", "clock in the future": "clock-future"}


def zone_at(position: LonLat) -> tzinfo | None:
    """Return the time zone at a position, or None at sea and where this machine does not know the zone."""
    from tzfpy import get_tz  # noqa: PLC0415 -- its map of zones takes 40 MB, and most sources tell UTC

    name = get_tz(position.lon, position.lat)
    if not name:
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None


def candidates_of(
    recording: Recording,
    located: Located,
    motion: Motion,
    *,
    every_m: float = EVERY_M,
    min_speed_mps: float = MIN_SPEED_MPS,
) -> Iterator[Candidate]:
    """Yield the places of which the video may have a picture, in order of time; its track reaches further than it."""
    for place in candidates_along(motion, every_m=every_m, min_speed_mps=min_speed_mps):
        if _window(place, located.alignment, recording.duration_s) is not None:
            yield place


def selected_frames(
    recording: Recording,
    located: Located,
    *,
    every_m: float = EVERY_M,
    min_speed_mps: float = MIN_SPEED_MPS,
    max_size: tuple[int, int] = MAX_SIZE,
    left_out_for: Callable[[datetime, LonLat], str | None] | None = None,
    tally: Tally | None = None,
    on_damage: Callable[[Rejected], None] | None = None,
) -> Iterator[SelectedFrame]:
    """Yield the frames that are wanted as pictures, in order of time, decoding the file once.

    Args:
        recording: The video.
        located: Where it was.
        every_m: Metres between pictures.
        min_speed_mps: No pictures below this speed.
        max_size: Pixels within which the pictures are made to fit.
        left_out_for: The publication policy's reason to leave out a time and place, or None to take it; asked before
            anything there is decoded, and asked again for the frame that won.
        tally: Counts the candidates, and those that are left out here.
        on_damage: Told once, after the last frame, when a part of the video could not be decoded.

    Raises:
        HostError: When the file cannot be read (any more).
        Corrupt: When it is no video.
        InputError: When it has no video stream.
    """
    tally = Tally() if tally is None else tally
    motion = Motion(located.track)
    places: list[Candidate] = []
    windows: list[Window] = []
    for place in candidates_of(recording, located, motion, every_m=every_m, min_speed_mps=min_speed_mps):
        tally.candidates += 1
        reason = NotTaken.STANDING if place.is_standing else left_out_for and left_out_for(place.at, place.position)
        window = _window(place, located.alignment, recording.duration_s)
        if reason:
            tally.leave_out(reason)
        elif window is not None:
            places.append(place)
            windows.append(window)
    decoding = Sharpest(recording.path, windows, max_size=max_size)
    won = 0
    try:
        for winner in decoding:
            won += 1
            at = located.alignment.at(winner.offset_s)
            selected = _selected(recording, motion, at, winner, places[winner.window])
            if selected is None:
                tally.leave_out(NotTaken.NO_HEADING)
            elif left_out_for is not None and (reason := left_out_for(selected.at, selected.position)):
                tally.leave_out(reason)
            else:
                yield selected
    except DashlightError:
        tally.leave_out(NotTaken.NO_FRAME, len(windows) - won)
        raise
    tally.leave_out(NotTaken.NO_FRAME, len(windows) - won)
    if decoding.damage is not None and on_damage is not None:
        on_damage(Rejected(recording.path, decoding.damage.message, decoding.damage.code, decoding.damage.hint))


def _window(place: Candidate, alignment: ClockAlignment, duration_s: float) -> Window | None:
    """Return the stretch of the video that shows a place; None where it does not reach."""
    earliest_s, latest_s, best_s = (
        (moment - alignment.video_start).total_seconds() for moment in (place.earliest, place.latest, place.at)
    )
    if latest_s < 0.0 or (duration_s > 0.0 and earliest_s > duration_s):
        return None
    return Window(max(0.0, earliest_s), latest_s, best_s)


def _selected(
    recording: Recording, motion: Motion, at: datetime, winner: Winner, place: Candidate
) -> SelectedFrame | None:
    """Return the frame with its own position; None where its heading cannot be told."""
    position = motion.position_at(at) or place.position
    course_deg = motion.heading_at(at)
    travelled_m = motion.travelled_at(at)
    if course_deg is None:
        return None
    raw = RawFrame(
        winner.rgb, offset_s=winner.offset_s, travelled_m=place.travelled_m if travelled_m is None else travelled_m
    )
    return SelectedFrame(raw, at, position, recording.looks_deg(course_deg), motion.accuracy_at(at))
