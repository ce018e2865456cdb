"""From raw fixes to a drive's motion: the gate, and position, heading and speed at any time.

Pure. A heading comes from the chord of at least five metres of positions around a time, not from the receiver's
course: the chord's median error is half as large, and it does not spin while the vehicle stands.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from dashlight.model import EARTH_RADIUS_M, NULL_ISLAND_DEG, Fix, LonLat, Track, distance_m, heading_between

MAX_SPEED_MPS = 70.0  # 252 km/h; a fix that needs more from its neighbour is a jump of the receiver.
MAX_ACCURACY_M = 50.0  # Worse than this and a picture lands on the wrong street.
MAX_GAP_S = 3.0  # A receiver that misses two fixes of one a second is in a tunnel; what lies between is not known.
SLOW_GAP_S = 6.0  # The same for loggers that write a fix each few seconds: two and a half of their intervals, to this.
MAX_LAT = 85.0  # Where Web Mercator ends and no road is.
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)  # Catches clocks in 1970 and 1980 and one rollover of GPS weeks.
CLOCK_TOLERANCE = timedelta(minutes=10)  # How far ahead of this machine's clock a fix may be.
FROZEN_AFTER_S = 2.0  # The same position for longer, at speed, is a receiver that repeats itself.
FROZEN_SPEED_MPS = 3.0
STANDING_MPS = 0.4  # Below this a receiver's positions wander more than the vehicle moves.
MIN_CHORD_M = 5.0
CHORD_S = 1.0
CHORD_FIXES = 2.0  # At one fix a second, of a camera that rounds to a metre, a chord over one fix is that rounding.


class DropReason(StrEnum):
    """Why the gate left a fix out."""

    NO_FIX = "no fix"
    NULL_ISLAND = "null island"
    POLE = "beyond 85 degrees of latitude"
    ACCURACY = "inaccurate"
    CLOCK_PAST = "clock before 2010"
    CLOCK_FUTURE = "clock in the future"
    CLOCK_JUMP = "clock going back"
    DUPLICATE = "same time twice"
    JUMP = "jump or speed above 70 m/s"
    FROZEN = "frozen position at speed"


@dataclass(frozen=True, slots=True)
class GateReport:
    """What the gate kept and left out.

    Attributes:
        kept: Fixes that stayed.
        dropped: How many were left out, by reason; only reasons that occurred, most frequent first.
    """

    kept: int
    dropped: tuple[tuple[DropReason, int], ...]

    @property
    def total(self) -> int:
        """How many fixes came in."""
        return self.kept + sum(count for _, count in self.dropped)

    @property
    def summary(self) -> str:
        """One line for a person, such as `57 of 60 positions; left out: 3 no fix`."""
        head = f"{self.kept} of {self.total} positions"
        if not self.dropped:
            return head
        return head + "; left out: " + ", ".join(f"{count} {reason}" for reason, count in self.dropped)


def gated(fixes: Iterable[Fix], *, now: datetime, max_accuracy_m: float = MAX_ACCURACY_M) -> tuple[Track, GateReport]:
    """Return the believable fixes in order of time, and what was left out.

    Args:
        fixes: As the camera wrote them, in its order; may be empty.
        now: This machine's time, aware; later fixes are not believed.
        max_accuracy_m: Fixes known to be worse are left out.
    """
    dropped: Counter[DropReason] = Counter()
    alone: list[Fix] = []
    for fix in fixes:
        reason = _reason_alone(fix, now=now, max_accuracy_m=max_accuracy_m)
        if reason is None:
            alone.append(fix)
        else:
            dropped[reason] += 1
    forward = _forward(alone, dropped)
    moving = _without_frozen(forward, dropped)
    kept = _without_jumps(moving, dropped)
    return Track(tuple(kept)), GateReport(len(kept), tuple(dropped.most_common()))


def _reason_alone(fix: Fix, *, now: datetime, max_accuracy_m: float) -> DropReason | None:
    position = fix.position
    checks = (
        (DropReason.NO_FIX, not fix.is_valid),
        (DropReason.NULL_ISLAND, abs(position.lon) < NULL_ISLAND_DEG and abs(position.lat) < NULL_ISLAND_DEG),
        (DropReason.POLE, abs(position.lat) > MAX_LAT),
        (DropReason.CLOCK_PAST, fix.at < EARLIEST),
        (DropReason.CLOCK_FUTURE, fix.at > now + CLOCK_TOLERANCE),
        (DropReason.ACCURACY, fix.accuracy_m is not None and not fix.accuracy_m <= max_accuracy_m),
        (DropReason.JUMP, fix.speed_mps is not None and not fix.speed_mps <= MAX_SPEED_MPS),
    )
    return next((reason for reason, is_so in checks if is_so), None)


def _forward(fixes: Sequence[Fix], dropped: Counter[DropReason]) -> list[Fix]:
    """Keep runs whose clock goes forward; of runs that overlap in time the longest."""
    runs: list[list[Fix]] = []
    for fix in fixes:
        if runs and fix.at == runs[-1][-1].at:
            dropped[DropReason.DUPLICATE] += 1
        elif runs and fix.at > runs[-1][-1].at:
            runs[-1].append(fix)
        else:
            runs.append([fix])
    kept: list[list[Fix]] = []
    for run in sorted(runs, key=len, reverse=True):
        if all(run[-1].at < other[0].at or run[0].at > other[-1].at for other in kept):
            kept.append(run)
        else:
            dropped[DropReason.CLOCK_JUMP] += len(run)
    kept.sort(key=lambda run: run[0].at)
    return [fix for run in kept for fix in run]


def _without_frozen(fixes: Sequence[Fix], dropped: Counter[DropReason]) -> list[Fix]:
    kept: list[Fix] = []
    first = 0
    for index in range(1, len(fixes) + 1):
        if index < len(fixes) and fixes[index].position == fixes[first].position:
            continue
        run = fixes[first:index]
        lasting_s = (run[-1].at - run[0].at).total_seconds()
        at_speed = [fix for fix in run[1:] if (fix.speed_mps or 0.0) >= FROZEN_SPEED_MPS]
        if lasting_s >= FROZEN_AFTER_S and at_speed:
            dropped[DropReason.FROZEN] += len(at_speed)
            kept.extend(fix for fix in run if fix is run[0] or (fix.speed_mps or 0.0) < FROZEN_SPEED_MPS)
        else:
            kept.extend(run)
        first = index
    return kept


def _is_reachable(a: Fix, b: Fix) -> bool:
    """Return whether a vehicle can have come from `a` to `b` in their time."""
    elapsed_s = (b.at - a.at).total_seconds()
    length_m = distance_m(a.position, b.position)
    allowed_mps = MAX_SPEED_MPS
    if a.speed_mps is not None and b.speed_mps is not None and elapsed_s <= MAX_GAP_S:
        allowed_mps = min(MAX_SPEED_MPS, 2.0 * max(a.speed_mps, b.speed_mps) + 10.0)
    return length_m <= allowed_mps * elapsed_s + 10.0


def _without_jumps(fixes: Sequence[Fix], dropped: Counter[DropReason]) -> list[Fix]:
    """Drop the shorter side of every jump, unless the receiver stayed on both sides for three fixes."""
    runs: list[list[Fix]] = []
    for fix in fixes:
        if runs and _is_reachable(runs[-1][-1], fix):
            runs[-1].append(fix)
        elif len(runs) >= 2 and len(runs[-1]) <= len(runs[-2]) and _is_reachable(runs[-2][-1], fix):
            dropped[DropReason.JUMP] += len(runs.pop())
            runs[-1].append(fix)
        else:
            runs.append([fix])
    kept = [run for run in runs if len(run) >= 3] if len(runs) > 1 else runs
    dropped_count = sum(map(len, runs)) - sum(map(len, kept))
    if dropped_count:
        dropped[DropReason.JUMP] += dropped_count
    return [fix for run in kept for fix in run]


@dataclass(frozen=True, slots=True)
class _Leg:
    """Positions without a gap: `(N,) float64` each; `s` and `lon` are continuous, `t` strictly increases."""

    t: npt.NDArray[np.float64]
    lon: npt.NDArray[np.float64]
    lat: npt.NDArray[np.float64]
    s: npt.NDArray[np.float64]
    accuracy: npt.NDArray[np.float64]
    interval: float

    def position(self, t: float) -> LonLat:
        lon = float(np.interp(t, self.t, self.lon))
        return LonLat((lon + 540.0) % 360.0 - 180.0, float(np.interp(t, self.t, self.lat)))


class Motion:
    """Where a vehicle was, at what speed and heading, at any time of a gated track.

    Answers are None outside of the track and inside its gaps: what lies there is not known. Building costs
    O(n), each answer O(log n).

    Args:
        track: From `gated`; may be empty.
        max_gap_s: Longer pauses between fixes are gaps; when not given 3 s, or up to 6 s where fixes are far apart.
    """

    def __init__(self, track: Track, *, max_gap_s: float | None = None) -> None:
        if max_gap_s is None:
            max_gap_s = _usual_gap_s(track.fixes)
        self._epoch = track.fixes[0].at if track.fixes else EARLIEST
        self._legs: list[_Leg] = []
        travelled_m = 0.0
        previous: Fix | None = None
        for fixes in _legs_of(track.fixes, max_gap_s=max_gap_s):
            if previous is not None:
                travelled_m += distance_m(previous.position, fixes[0].position)
            leg = self._leg(fixes, travelled_m)
            travelled_m = float(leg.s[-1])
            previous = fixes[-1]
            self._legs.append(leg)
        self._starts = [float(leg.t[0]) for leg in self._legs]
        self._length_m = travelled_m

    def _leg(self, fixes: Sequence[Fix], travelled_m: float) -> _Leg:
        t = np.array([(fix.at - self._epoch).total_seconds() for fix in fixes])
        lon = np.rad2deg(np.unwrap(np.deg2rad([fix.position.lon for fix in fixes])))
        lat = np.array([fix.position.lat for fix in fixes])
        steps = _steps_m(lon, lat)
        told = np.array([np.nan if fix.speed_mps is None else fix.speed_mps for fix in fixes])
        derived = _derived_speed(t, lon, lat)
        speed = np.where(np.isnan(told), derived, told)
        moves = (speed[1:] + speed[:-1]) / 2 >= STANDING_MPS
        s = travelled_m + np.concatenate(([0.0], np.cumsum(np.where(moves, steps, 0.0))))
        accuracy = np.array([np.nan if fix.accuracy_m is None else fix.accuracy_m for fix in fixes])
        interval = float(np.median(np.diff(t))) if len(t) > 1 else 0.0
        return _Leg(t, lon, lat, s, accuracy, interval)

    @property
    def length_m(self) -> float:
        """Metres from the first to the last fix, gaps by the straight line, wandering while standing left out."""
        return self._length_m

    def spans(self) -> tuple[tuple[datetime, datetime], ...]:
        """Return the stretches of time for which there are answers."""
        return tuple((self._time(float(leg.t[0])), self._time(float(leg.t[-1]))) for leg in self._legs)

    def travelled_spans(self) -> tuple[tuple[float, float], ...]:
        """Return the metres along the drive at both ends of each of `spans()`."""
        return tuple((float(leg.s[0]), float(leg.s[-1])) for leg in self._legs)

    def position_at(self, at: datetime) -> LonLat | None:
        """Return the position, on the straight line between the two nearest fixes."""
        found = self._find(at)
        return None if found is None else found[0].position(found[1])

    def travelled_at(self, at: datetime) -> float | None:
        """Return the metres along the drive."""
        found = self._find(at)
        return None if found is None else float(np.interp(found[1], found[0].t, found[0].s))

    def speed_at(self, at: datetime) -> float | None:
        """Return the speed in m/s over the second around `at`, from positions."""
        found = self._find(at)
        if found is None:
            return None
        leg, t = found
        half = max(CHORD_S, leg.interval) / 2
        start, end = max(float(leg.t[0]), t - half), min(float(leg.t[-1]), t + half)
        if end <= start:
            return 0.0
        s_start, s_end = np.interp((start, end), leg.t, leg.s)
        return float((s_end - s_start) / (end - start))

    def heading_at(self, at: datetime) -> float | None:
        """Return the heading of the chord of at least 5 m, 1 s and two fixes around `at`.

        While the vehicle stands it is the heading that it had; None also where there are less than 5 m.
        """
        found = self._find(at)
        speed = self.speed_at(at)
        if found is None or speed is None:
            return None
        leg, t = found
        first, last = float(leg.s[0]), float(leg.s[-1])
        if last - first < MIN_CHORD_M:
            return None
        half = min(max(MIN_CHORD_M, speed * max(CHORD_S, CHORD_FIXES * leg.interval)), last - first) / 2
        middle = min(max(float(np.interp(t, leg.t, leg.s)), first + half), last - half)
        t_start, t_end = _times_of(leg, middle - half), _times_of(leg, middle + half)
        start, end = leg.position(t_start), leg.position(t_end)
        return heading_between(start, end)

    def accuracy_at(self, at: datetime) -> float | None:
        """Return the worse accuracy of the two nearest fixes in metres, when both tell one."""
        found = self._find(at)
        if found is None:
            return None
        leg, t = found
        after = min(int(np.searchsorted(leg.t, t)), len(leg.t) - 1)
        worst = float(np.max(leg.accuracy[max(0, after - 1) : after + 1]))
        return None if np.isnan(worst) else worst

    def time_at_travelled(self, travelled_m: float) -> datetime | None:
        """Return when the vehicle had come `travelled_m` along; the last such time when it stood there."""
        for leg in self._legs:
            if leg.s[0] <= travelled_m <= leg.s[-1] and leg.s[-1] > leg.s[0]:
                return self._time(_times_of(leg, travelled_m))
        return None

    def _time(self, t: float) -> datetime:
        return self._epoch + timedelta(seconds=t)

    def _find(self, at: datetime) -> tuple[_Leg, float] | None:
        t = (at - self._epoch).total_seconds()
        index = bisect_right(self._starts, t) - 1
        if index < 0 or t > self._legs[index].t[-1]:
            return None
        return self._legs[index], t


def _usual_gap_s(fixes: Sequence[Fix]) -> float:
    steps = sorted((b.at - a.at).total_seconds() for a, b in pairwise(fixes))
    return min(SLOW_GAP_S, max(MAX_GAP_S, 2.5 * steps[len(steps) // 2])) if steps else MAX_GAP_S


def _legs_of(fixes: Sequence[Fix], *, max_gap_s: float) -> Iterable[Sequence[Fix]]:
    first = 0
    for index, (a, b) in enumerate(pairwise(fixes), start=1):
        if (b.at - a.at).total_seconds() > max_gap_s or not _is_reachable(a, b):
            yield fixes[first:index]
            first = index
    if fixes:
        yield fixes[first:]


def _steps_m(lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the lengths between neighbours; on the plane, which for steps of a vehicle is exact to millimetres."""
    rad = np.pi / 180.0
    east = np.diff(lon) * rad * np.cos((lat[1:] + lat[:-1]) / 2 * rad)
    return np.asarray(np.hypot(east, np.diff(lat) * rad) * EARTH_RADIUS_M, np.float64)


def _derived_speed(
    t: npt.NDArray[np.float64], lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the speed of the chord over two seconds around each fix, which wandering does not inflate."""
    if len(t) < 2:
        return np.zeros(len(t))
    before, after = np.maximum(t - 1.0, t[0]), np.minimum(t + 1.0, t[-1])
    ends = np.stack((before, after), axis=1).ravel()
    steps = _steps_m(np.interp(ends, t, lon), np.interp(ends, t, lat))[::2]
    return np.asarray(steps / np.maximum(after - before, 1e-9), np.float64)


def _times_of(leg: _Leg, travelled_m: float) -> float:
    """Return the last time at which `leg` is at `travelled_m`."""
    after = int(np.searchsorted(leg.s, travelled_m, side="right"))
    if after >= len(leg.s):
        after = int(np.searchsorted(leg.s, travelled_m, side="left"))
        return float(leg.t[min(after, len(leg.t) - 1)])
    if after == 0:
        return float(leg.t[0])
    s_before, s_after = float(leg.s[after - 1]), float(leg.s[after])
    fraction = (travelled_m - s_before) / (s_after - s_before)
    return float(leg.t[after - 1] + fraction * (leg.t[after] - leg.t[after - 1]))
