"""Aligns a camera's clocks with UTC and its telemetry with its frames. Pure.

The receiver's UTC is the truth. Two questions remain. First, what a written time means: many cameras write the
receiver's time moved to the driver's zone, without saying so; the zone then comes from the user's setting or from
the position, and whether it applies from comparing with the wall clock in the file's name or container. Second,
when the first frame was taken: from telemetry that the container ties to the frames, or from those wall clocks.
What was found is told to the user in `ClockAlignment.note`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from statistics import median

from dashlight.edge.recordings.telemetry import Reading, Telemetry, TelemetryClock
from dashlight.errors import InputError
from dashlight.model import Fix, LonLat

SAME_CLOCK_S = 15 * 60.0  # Two clocks of one camera that differ by less are the same, and one of them drifts.
AGREE_S = 5.0  # Readings whose clock and offset into the video agree within this count as consistent.
NEAR_S = 60.0  # What of a log of many drives is kept around the video.
CLOCK_TOLERANCE_S = 600.0


class ClockSource(StrEnum):
    """How the time of the first frame was known."""

    RECEIVER = "receiver"  # Telemetry with UTC, tied to the frames by the container.
    FILE_NAME = "file name"
    CONTAINER = "container"
    ASSUMED_START = "assumed"  # A sidecar of the same name, and no clock that fits: both start together.


@dataclass(frozen=True, slots=True)
class ClockAlignment:
    """What was found about the clocks of a recording.

    Attributes:
        video_start: UTC of the first frame.
        offset_s: What was added to the telemetry's written times to make them UTC.
        zone: The zone that explains the offset, when one was needed.
        source: How `video_start` was known.
        note: The finding in a sentence or two, for the user.
    """

    video_start: datetime
    offset_s: float
    zone: str | None
    source: ClockSource
    note: str

    def at(self, offset_s: float) -> datetime:
        """Return UTC of a moment `offset_s` seconds after the first frame."""
        return self.video_start + timedelta(seconds=offset_s)


@dataclass(frozen=True, slots=True)
class Wall:
    """The clocks around a recording that are not the receiver's.

    Attributes:
        named_at: The wall clock in the file's name; no zone.
        created_at: That in the container; no zone, and it may be the start or the end.
        modified_s: When the file was last written, seconds since 1970.
        duration_s: Of the video.
    """

    named_at: datetime | None
    created_at: datetime | None
    modified_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class _Candidate:
    start_s: float
    source: ClockSource
    label: str


def aligned(
    telemetry: Telemetry,
    wall: Wall,
    *,
    zone_at: Callable[[LonLat], tzinfo | None],
    timezone: tzinfo | None,
    now: datetime,
    is_own_sidecar: bool,
) -> tuple[ClockAlignment, tuple[Fix, ...]]:
    """Return how the clocks lie, and the readings that belong to the video as fixes in UTC.

    Args:
        telemetry: As read.
        wall: The other clocks.
        zone_at: The zone at a position, None where there is none.
        timezone: The zone of the camera's clock, when the user has set one.
        now: This machine's time, aware.
        is_own_sidecar: Whether the telemetry is a sidecar of this recording's own name.

    Raises:
        InputError: When nothing tells the time, when the clocks contradict each other within the telemetry, or when
            the telemetry is of another time than the video.
    """
    zone = timezone
    where = next((reading.position for reading in telemetry.readings if reading.is_valid), None)
    if zone is None and where is not None:
        zone = zone_at(where)
    shift_s, zone_name, meaning = _shift(telemetry, wall, zone, is_set=timezone is not None, now=now)
    tied = _tied_start_s(telemetry.readings, shift_s)
    if tied is not None:
        start_s, source, how = tied, ClockSource.RECEIVER, "the container ties positions to frames"
    else:
        chosen = _start_by_wall(telemetry, wall, zone, shift_s, now=now, is_own_sidecar=is_own_sidecar)
        start_s, source, how = chosen.start_s, chosen.source, chosen.label
    alignment = ClockAlignment(
        video_start=_utc(start_s),
        offset_s=shift_s,
        zone=zone_name,
        source=source,
        note=f"{telemetry.source}: {meaning}; first frame {_utc(start_s):%Y-%m-%d %H:%M:%S} UTC, {how}.",
    )
    return alignment, _fixes(telemetry, start_s, shift_s, wall.duration_s, source)


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _wall_s(at: datetime) -> float:
    return at.replace(tzinfo=UTC).timestamp()


def _offset_of_zone_s(zone: tzinfo | None, wall_s: float) -> float:
    """Return how far the zone is ahead of UTC at a wall clock time of it."""
    if zone is None:
        return 0.0
    ahead = _utc(wall_s).replace(tzinfo=zone).utcoffset()
    return 0.0 if ahead is None else ahead.total_seconds()


def _shift(
    telemetry: Telemetry, wall: Wall, zone: tzinfo | None, *, is_set: bool, now: datetime
) -> tuple[float, str | None, str]:
    """Return what makes the written times UTC, the zone if one was needed, and why, in words."""
    clocks = [reading.clock_s for reading in telemetry.readings if reading.clock_s is not None and reading.is_valid]
    if not clocks or telemetry.clock is TelemetryClock.NONE:
        return 0.0, None, "positions without a time"
    first_s = clocks[0]
    if telemetry.clock is TelemetryClock.UTC:
        return _shift_of_utc(telemetry, wall, zone, clocks, now=now)
    ahead_s = _offset_of_zone_s(zone, first_s)
    name = "the camera's zone" if zone is None else str(zone)
    origin = "your setting" if is_set else "the position"
    local = (-ahead_s, name, f"times are local, zone {name} from {origin}")
    if zone is None or ahead_s == 0.0:
        return 0.0, None, "times are UTC, or local in a zone without an offset"
    if first_s - ahead_s > now.timestamp() + CLOCK_TOLERANCE_S:
        return 0.0, None, "times are taken as UTC (as local times they would be in the future)"
    return _local_or_utc(telemetry, wall, first_s, ahead_s, local)


def _local_or_utc(
    telemetry: Telemetry, wall: Wall, first_s: float, ahead_s: float, local: tuple[float, str | None, str]
) -> tuple[float, str | None, str]:
    start_s = _tied_start_s(telemetry.readings, 0.0)
    start_s = first_s if start_s is None else start_s
    by_name = _by_name(wall, start_s, ahead_s, local)
    if by_name is not None:
        return by_name
    if wall.created_at is not None:
        apart_s = min((start_s + end_s - _wall_s(wall.created_at) for end_s in (0.0, wall.duration_s)), key=abs)
        readings = (
            (apart_s + ahead_s, (0.0, None, "times are UTC: the container's time is local and differs by the zone")),
            (apart_s - ahead_s, (*local[:2], f"{local[2]}; the container's time is UTC and differs by the zone")),
            (apart_s, (*local[:2], f"{local[2]}; the container shows the same clock")),
        )
        for apart, meaning in readings:
            if abs(apart) <= SAME_CLOCK_S:
                return meaning
    if abs(wall.modified_s + ahead_s - (start_s + wall.duration_s)) <= SAME_CLOCK_S:
        return local[0], local[1], f"{local[2]}; the file's modification time agrees"
    return 0.0, None, "times are taken as UTC; no other clock of the file agrees with them, local or not"


def _by_name(
    wall: Wall, start_s: float, ahead_s: float, local: tuple[float, str | None, str]
) -> tuple[float, str | None, str] | None:
    """Return what the wall clock in the file's name tells of the telemetry's, if it is one of the two."""
    if wall.named_at is None:
        return None
    apart_s = start_s - _wall_s(wall.named_at)
    if abs(apart_s + ahead_s) <= SAME_CLOCK_S:
        return 0.0, None, f"times are UTC: the file's name is {ahead_s / 3600:+g} h from them, as local time is"
    if abs(apart_s) > SAME_CLOCK_S:
        return None
    if abs(wall.modified_s - (start_s + wall.duration_s)) <= SAME_CLOCK_S:
        return 0.0, None, "times are UTC: file name and modification time agree"
    return local[0], local[1], f"{local[2]}; the file's name shows the same clock"


def _shift_of_utc(
    telemetry: Telemetry, wall: Wall, zone: tzinfo | None, clocks: Sequence[float], *, now: datetime
) -> tuple[float, str | None, str]:
    shifts = (0.0, *telemetry.other_clock_shifts_s)
    possible = [shift for shift in shifts if clocks[0] + shift <= now.timestamp() + CLOCK_TOLERANCE_S]
    if len(shifts) == 1 or not possible:
        return 0.0, None, "times are UTC"
    starts = [candidate.start_s for candidate in _candidates(wall, zone)]
    for shift in possible:
        if any(_covers(clocks, start_s - shift, wall.duration_s) for start_s in starts):
            return shift, None, "times are UTC" + (f", corrected by {shift / 3600:+.1f} h" if shift else "")
    return possible[0], None, "times are UTC"


def _covers(clocks: Sequence[float], start_s: float, duration_s: float) -> bool:
    return any(start_s - SAME_CLOCK_S <= clock_s <= start_s + duration_s + SAME_CLOCK_S for clock_s in clocks)


def _tied_start_s(readings: Sequence[Reading], shift_s: float) -> float | None:
    """Return UTC of the first frame from readings that have both a time and an offset into the video.

    Raises:
        InputError: When less than half of them agree: the clock jumped.
    """
    starts = [
        reading.clock_s + shift_s - reading.offset_s
        for reading in readings
        if reading.is_valid and reading.clock_s is not None and reading.offset_s is not None
    ]
    if not starts:
        return None
    start_s = median(starts)
    agreeing = sum(1 for other_s in starts if abs(other_s - start_s) <= AGREE_S)
    if agreeing * 2 < len(starts):
        raise InputError(
            f"the clock of the positions jumps: only {agreeing} of {len(starts)} agree within {AGREE_S:g} s",
            code="clock-jumps",
        )
    return start_s


def _candidates(wall: Wall, zone: tzinfo | None) -> list[_Candidate]:
    """Return when the first frame may have been taken, likeliest first."""
    found: list[_Candidate] = []
    zones = [(zone, f"in {zone}")] if zone is not None else []
    if wall.named_at is not None:
        named_s = _wall_s(wall.named_at)
        for where, words in (*zones, (None, "as UTC")):
            start_s = named_s - _offset_of_zone_s(where, named_s)
            found.append(_Candidate(start_s, ClockSource.FILE_NAME, f"from the file's name, read {words}"))
    if wall.created_at is not None:
        created_s = _wall_s(wall.created_at)
        for where, words in ((None, "as UTC"), *zones):
            for back_s, edge in ((0.0, "start"), (wall.duration_s, "end")):
                start_s = created_s - _offset_of_zone_s(where, created_s) - back_s
                label = f"from the container's time, read {words} and as the {edge} of the recording"
                found.append(_Candidate(start_s, ClockSource.CONTAINER, label))
    return found


def _start_by_wall(
    telemetry: Telemetry, wall: Wall, zone: tzinfo | None, shift_s: float, *, now: datetime, is_own_sidecar: bool
) -> _Candidate:
    latest_s = now.timestamp() + CLOCK_TOLERANCE_S
    candidates = [candidate for candidate in _candidates(wall, zone) if candidate.start_s <= latest_s]
    clocks = [reading.clock_s + shift_s for reading in telemetry.readings if reading.clock_s is not None]
    if not clocks:
        if not candidates:
            raise InputError(
                "nothing tells when this was recorded: no receiver's time, none in the file's name or container",
                hint="Name the file after its start, such as 20260215_144120.mp4.",
                code="no-time",
            )
        return candidates[0]
    for candidate in candidates:
        inside = sum(1 for clock_s in clocks if -1.0 <= clock_s - candidate.start_s <= wall.duration_s + 1.0)
        if inside >= 2:
            return candidate
    if is_own_sidecar:
        label = "assumed: no clock of the video fits the track, which has the file's own name, so both start together"
        return _Candidate(min(clocks), ClockSource.ASSUMED_START, label)
    told = ", ".join(dict.fromkeys(f"{_utc(c.start_s):%Y-%m-%d %H:%M}" for c in candidates)) or "unknown"
    raise InputError(
        f"the positions are of {_utc(min(clocks)):%Y-%m-%d %H:%M} to {_utc(max(clocks)):%Y-%m-%d %H:%M} UTC, "
        f"the video starts at {told}",
        hint="Set the time zone of the camera, or give the track the name of its video.",
        code="no-overlap",
    )


def _fixes(
    telemetry: Telemetry, start_s: float, shift_s: float, duration_s: float, source: ClockSource
) -> tuple[Fix, ...]:
    """Return the readings near the video as fixes; timed by the receiver where all are, else by their offsets."""
    valid = [reading for reading in telemetry.readings if reading.is_valid]
    by_clock = source is not ClockSource.RECEIVER or all(reading.clock_s is not None for reading in valid)
    fixes: list[Fix] = []
    for reading in telemetry.readings:
        at_s: float | None = None
        if by_clock and reading.clock_s is not None:
            at_s = reading.clock_s + shift_s
        elif reading.offset_s is not None:
            at_s = start_s + reading.offset_s
        if at_s is None or not 0 <= at_s < _YEAR_3000_S:
            continue
        if telemetry.is_whole_drive and not start_s - NEAR_S <= at_s <= start_s + duration_s + NEAR_S:
            continue
        fixes.append(
            Fix(
                _utc(at_s),
                reading.position,
                speed_mps=reading.speed_mps,
                course_deg=reading.course_deg,
                accuracy_m=reading.accuracy_m,
                is_valid=reading.is_valid,
                altitude_m=reading.altitude_m,
            )
        )
    return tuple(fixes)


_YEAR_3000_S = 32_503_680_000.0
