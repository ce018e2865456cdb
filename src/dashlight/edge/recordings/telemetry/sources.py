"""Which readers are tried on a recording, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from dashlight.edge.recordings.recording import Recording
from dashlight.edge.recordings.telemetry import blackvue, camm, exiftool, gpmf, gpx, nmea, novatek, seventymai
from dashlight.edge.recordings.telemetry.reading import Telemetry

Reader = Callable[[Path], Telemetry | None]

EMBEDDED: tuple[Reader, ...] = (novatek.read, gpmf.read, camm.read, blackvue.read_embedded)
SIDECARS: dict[str, Reader] = {
    ".gpx": gpx.read,
    ".nmea": nmea.read,
    ".nma": nmea.read,
    ".log": nmea.read,
    ".gps": blackvue.read,
    ".txt": seventymai.read,
}


def sources_of(recording: Recording) -> Iterator[tuple[Path, Callable[[], Telemetry | None]]]:
    """Yield each place that may hold the positions, likeliest first, and how to read it.

    What is in the video comes first: its clock is tied to the frames. exiftool is asked last.
    Reading may raise any `DashlightError`.
    """
    for reader in EMBEDDED:
        if recording.container in ("mp4", "mov") or reader is novatek.read:
            yield recording.path, _bound(reader, recording.path)
    for sidecar in recording.sidecars:
        reader_of = SIDECARS.get(sidecar.suffix.lower())
        if reader_of is not None:
            if reader_of is seventymai.read:
                yield sidecar, _of_card(recording, sidecar)
            else:
                yield sidecar, _bound(reader_of, sidecar)
    yield recording.path, _bound(exiftool.read, recording.path)


def _bound(reader: Reader, path: Path) -> Callable[[], Telemetry | None]:
    return lambda: reader(path)


def _of_card(recording: Recording, sidecar: Path) -> Callable[[], Telemetry | None]:
    return lambda: seventymai.read(sidecar, clip=recording.path.name)
