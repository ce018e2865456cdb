"""Drives made for tests: straight ways at constant speed, with stops."""

from datetime import UTC, datetime, timedelta

from dashlight.model import Fix, LonLat, Track, destination

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
HOME = LonLat(-3.70, 40.40)
SECRET = bytes(range(32))


def straight(start=HOME, *, length_m=10_000.0, at=START, speed_mps=10.0, heading_deg=90.0, every_s=1.0):
    """Return the fixes of a straight way."""
    count = int(length_m / speed_mps / every_s) + 1
    return [
        Fix(at + timedelta(seconds=n * every_s), destination(start, heading_deg, n * every_s * speed_mps), speed_mps)
        for n in range(count)
    ]


def standing(position, *, at, duration_s, every_s=1.0):
    """Return the fixes of a receiver that jitters by up to 10 m."""
    count = int(duration_s / every_s)
    return [
        Fix(at + timedelta(seconds=n * every_s), destination(position, 137.0 * n % 360, 10.0 * (n % 7) / 7), 0.0)
        for n in range(1, count)
    ]


def with_stop(*, duration_s, length_m=10_000.0, at=START, start=HOME):
    """Return a track that drives, stands and drives on."""
    first = straight(start, length_m=length_m, at=at)
    stop = standing(first[-1].position, at=first[-1].at, duration_s=duration_s)
    on_at = first[-1].at + timedelta(seconds=duration_s)
    return Track((*first, *stop, *straight(first[-1].position, length_m=length_m, at=on_at)))
