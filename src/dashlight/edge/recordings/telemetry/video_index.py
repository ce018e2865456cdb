"""Where in time a byte of a video file lies, from the container's own index."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

from dashlight.edge.recordings.probe import opened
from dashlight.errors import DashlightError


def offsets_of_bytes(path: Path, places: Sequence[int]) -> list[float | None]:
    """Return for each byte offset the seconds from the first frame of the next frame after it.

    A camera writes a telemetry block between the frames of its moment. None where the index does not tell.
    """
    try:
        with opened(path) as container:
            if not container.streams.video:
                return [None] * len(places)
            stream = container.streams.video[0]
            base = float(stream.time_base or 0)
            entries = sorted((entry.pos, entry.timestamp * base) for entry in stream.index_entries)
    except DashlightError:
        return [None] * len(places)  # The positions are good without it; who decodes will tell what is wrong.
    if not entries or base <= 0.0:
        return [None] * len(places)
    first_s = min(time_s for _, time_s in entries)
    positions = [position for position, _ in entries]
    times = [time_s - first_s for _, time_s in entries]
    return [times[min(bisect_left(positions, place), len(times) - 1)] for place in places]
