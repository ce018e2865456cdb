"""BlackVue's positions: NMEA behind the camera's clock in milliseconds, in `.gps` files or the video's `free/gps `."""

from __future__ import annotations

import re
from contextlib import closing
from mmap import ACCESS_READ, mmap
from pathlib import Path

from dashlight.edge.recordings.telemetry.boxes import boxes_in
from dashlight.edge.recordings.telemetry.nmea import readings_of_sentences
from dashlight.edge.recordings.telemetry.reading import Telemetry, TelemetryClock
from dashlight.edge.recordings.telemetry.sidecar import MAX_SIDECAR_BYTES, text_of
from dashlight.errors import Corrupt, HostError

_LINE = re.compile(r"\[(\d{10,14})\]\s*(\$G[A-Z](?:RMC|GGA),[ -Z^-~]*)", re.ASCII)


def read(path: Path) -> Telemetry | None:
    """Return the positions of a `.gps` file, or None when there is none in it.

    Raises:
        TooLarge: When it is larger than a sidecar may be.
        HostError: When it cannot be read.
    """
    return parsed(text_of(path))


def read_embedded(path: Path) -> Telemetry | None:
    """Return the positions of a BlackVue's MP4, or None when it has no such box.

    Raises:
        HostError: When the file cannot be read.
        Corrupt: When it is empty.
    """
    try:
        with path.open("rb") as file, closing(mmap(file.fileno(), 0, access=ACCESS_READ)) as content:
            for box in boxes_in(content):
                if box.kind == b"free":
                    inner = next((b for b in boxes_in(content, box.start, box.end) if b.kind == b"gps "), None)
                    if inner is not None:
                        end = min(inner.end, inner.start + MAX_SIDECAR_BYTES)
                        return parsed(bytes(content[inner.start : end]).decode("ascii", "replace"))
    except OSError as exc:
        raise HostError(f"the file cannot be read: {exc.strerror or exc}", code="unreadable") from exc
    except ValueError as exc:
        raise Corrupt("an empty file has no telemetry", code="empty") from exc
    return None


def parsed(text: str) -> Telemetry | None:
    """Return the positions in text; the camera's clock ties each to the video, which starts with the first line."""
    lines = [(int(match.group(1)) / 1000.0, match.group(2)) for match in _LINE.finditer(text)]
    if not lines:
        return None
    first_s = lines[0][0]
    readings = tuple(readings_of_sentences((sentence, clock_s - first_s) for clock_s, sentence in lines))
    if not readings:
        return None
    return Telemetry("BlackVue", readings, TelemetryClock.UTC)
