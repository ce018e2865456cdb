"""Finds recordings in a camera's folder tree, as the camera left it.

A bad file or folder is a `Rejected` beside the good ones and never stops the rest. Links to folders are followed
once, so that a loop ends; hidden files, the `._` files of macOS, thumbnails and other companions are passed over.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dashlight.edge.recordings.names import named
from dashlight.edge.recordings.probe import probed
from dashlight.edge.recordings.recording import CameraPosition, Drive, Recording
from dashlight.errors import DashlightError, Rejected

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".ts", ".m2ts", ".mts", ".m4v", ".360", ".avi", ".mkv"})
SIDECAR_SUFFIXES = (".gpx", ".nmea", ".nma", ".gps", ".log", ".txt")
POSITION_SUFFIXES = frozenset({".gpx", ".nmea", ".nma", ".3gf"})  # Of the sidecars, those that are nothing else.
MAX_RECORDING_BYTES = 64 * 2**30  # A day of 4K; larger is a disk image with a wrong name.
MAX_DEPTH = 16
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- wall clocks without a zone are compared with each other only
CONTINUES_WITHIN_S = 5.0  # Cameras lose up to a few seconds between one file and the next.


@dataclass(frozen=True, slots=True)
class Settling:
    """When a file counts as finished; for a folder that a camera may still be writing to.

    Attributes:
        now_s: This machine's time, seconds since 1970.
        quiet_s: A file changed later than this many seconds ago is left for the next look.
        seen: Size and modification time of each file at the last look; a file that differs is left, too.
    """

    now_s: float
    quiet_s: float = 30.0
    seen: dict[Path, tuple[int, float]] | None = None

    def is_settled(self, path: Path, size_bytes: int, modified_s: float) -> bool:
        """Return whether the file has stopped changing."""
        if 0 <= self.now_s - modified_s < self.quiet_s:
            return False
        if self.seen is None or path not in self.seen:
            return self.seen is None or modified_s > self.now_s + 86_400 or modified_s < self.now_s
        return self.seen[path] == (size_bytes, modified_s)


def find_recordings(
    paths: Iterable[Path], *, settling: Settling | None = None, below: Sequence[Path] = ()
) -> Iterator[Recording | Rejected]:
    """Yield each video under `paths` (files or folders), folders in order of name.

    Args:
        paths: What the user named. A file named directly is looked at whatever its suffix.
        settling: In a folder that is being written to: unfinished files are passed over, silently.
        below: Folders that were named before; for a path in one of them the names and logs between count as they did.
    """
    visited: set[tuple[int, int]] = set()
    offered: set[tuple[int, int]] = set()
    alone: list[Path] = []
    used: set[Path | str] = set()  # Sidecars, and the stems and folders of the videos.
    for path in paths:
        root = next((folder for folder in below if path.is_relative_to(folder)), path)
        for found in _walked(path, path, visited, depth=0):
            if isinstance(found, Rejected):
                yield found
                continue
            if found != path and found.suffix.lower() in POSITION_SUFFIXES:
                alone.append(found)
                continue
            used.update((found.stem.lower(), found.parent))
            result = _examined(found, root, settling, offered)
            if isinstance(result, Recording):
                used.update(result.sidecars)
            if result is not None:
                yield result
    yield from (_without_video(each) for each in alone if used.isdisjoint((each, each.stem.lower(), each.parent)))


def _without_video(path: Path) -> Rejected:
    return Rejected(
        path, "these are positions, and there is no video of them", "no-video", "Put it beside its video, if any."
    )


def _walked(path: Path, root: Path, visited: set[tuple[int, int]], *, depth: int) -> Iterator[Path | Rejected]:
    try:
        status = path.stat()
        if not stat.S_ISDIR(status.st_mode):
            if path == root or (
                path.suffix.lower() in VIDEO_SUFFIXES | POSITION_SUFFIXES and stat.S_ISREG(status.st_mode)
            ):
                yield path
            return
        identity = (status.st_dev, status.st_ino)
        if identity in visited:
            return
        visited.add(identity)
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry in entries)
    except FileNotFoundError:
        if path == root:
            yield Rejected(path, "there is no such file or folder", "not-found", "Check the path and the card.")
        return  # A camera deletes while we look, and a link may point nowhere.
    except OSError as exc:
        yield Rejected(
            path, f"cannot be read: {exc.strerror or exc}", "unreadable", "Check its permissions and the card."
        )
        return
    if depth >= MAX_DEPTH:
        yield Rejected(path, f"folders are nested deeper than {MAX_DEPTH}", "too-deep", "Name the inner folder.")
        return
    for name in names:
        if not name.startswith((".", "$RECYCLE", "System Volume")):
            yield from _walked(path / name, root, visited, depth=depth + 1)


def _examined(
    path: Path, root: Path, settling: Settling | None, offered: set[tuple[int, int]]
) -> Recording | Rejected | None:
    try:
        status = path.stat()
    except OSError as exc:
        return Rejected(
            path, f"cannot be read: {exc.strerror or exc}", "unreadable", "Check its permissions and the card."
        )
    identity = (status.st_dev, status.st_ino)
    if identity in offered:
        return None
    if settling is not None and not settling.is_settled(path, status.st_size, status.st_mtime):
        return None
    offered.add(identity)
    refused = _refused(path, status)
    if refused is not None:
        return refused
    try:
        video = probed(path)
    except DashlightError as exc:
        return Rejected(path, exc.message, exc.code, exc.hint)
    folders = _folders_between(path, root)
    told = named(path.stem, folders)
    return Recording(
        path=path,
        container=video.container,
        codec=video.codec,
        width=video.width,
        height=video.height,
        duration_s=video.duration_s,
        named_at=told.at,
        created_at=video.created_at,
        modified_s=status.st_mtime,
        camera_position=told.camera_position,
        is_parking=told.is_parking,
        sidecars=sidecars_of(path, root),
        size_bytes=status.st_size,
    )


def _refused(path: Path, status: os.stat_result) -> Rejected | None:
    if not stat.S_ISREG(status.st_mode):
        return Rejected(path, "is not a regular file", "not-a-file")
    if status.st_size == 0:
        return Rejected(path, "the file is empty (0 bytes)", "empty", "The camera lost power before it wrote.")
    if status.st_size > MAX_RECORDING_BYTES:
        return Rejected(
            path,
            f"{status.st_size} bytes are more than {MAX_RECORDING_BYTES}",
            "too-large",
            "Cut it into shorter files.",
        )
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        known = " ".join(sorted(VIDEO_SUFFIXES))
        return Rejected(path, f"the suffix {path.suffix!r} is none of {known}", "not-a-video")
    return None


def _folders_between(path: Path, root: Path) -> list[str]:
    """Return the names of the folders above a file, nearest first, not above the folder that the user named."""
    parents = list(path.parents)
    top = root if root != path else path.parent
    stop = parents.index(top) + 1 if top in parents else 1
    return [parent.name for parent in parents[:stop]]


def sidecars_of(path: Path, root: Path) -> tuple[Path, ...]:
    """Return the files that may hold the positions of a recording: of its stem, then logs of its card.

    Files of the same stem are looked for beside it and in sibling folders such as `GPS` or `Gps`; a rear camera's
    file shares those of its front camera. 70mai keeps one `GPSData*.txt` at the root of the card.
    """
    pair = named(path.stem).pair
    own: list[tuple[int, int, Path]] = []
    card: list[Path] = []
    folder = path.parent
    for level, place in enumerate((folder, *_below(folder, "gps", "nmea", "gpx"), folder.parent)):
        for sibling in _listed(place):
            suffix = sibling.suffix.lower()
            if suffix not in SIDECAR_SUFFIXES:
                continue
            if sibling.stem.lower() == path.stem.lower() or named(sibling.stem).pair == pair:
                is_other = sibling.stem.lower() != path.stem.lower()
                own.append((level + 10 * is_other, SIDECAR_SUFFIXES.index(suffix), sibling))
    top = root if root.is_dir() else folder
    for place in dict.fromkeys((folder, *folder.parents)):
        card.extend(p for p in _listed(place) if p.suffix.lower() == ".txt" and p.stem.lower().startswith("gpsdata"))
        if place == top:
            break
    ordered = [path for _, _, path in sorted(own, key=lambda item: (item[0], item[1], str(item[2])))]
    return tuple(dict.fromkeys((*ordered, *card)))


def _below(folder: Path, *wanted: str) -> list[Path]:
    places = [*_listed(folder), *_listed(folder.parent)]
    return [place for place in places if place.name.lower() in wanted]


def _listed(folder: Path) -> list[Path]:
    """Return what a folder holds, hidden files left out; nothing when it cannot be read (the walk told of it)."""
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if not entry.name.startswith("."))
    except OSError:
        return []


def drives(recordings: Iterable[Recording], *, within_s: float = CONTINUES_WITHIN_S) -> list[Drive]:
    """Group recordings of one camera that continue each other, by the time in their names.

    A recording without a time in its name or container is a drive of its own. Parking recordings group apart.
    """
    lone: list[Drive] = []
    lanes: dict[tuple[CameraPosition, bool], list[Recording]] = {}
    for recording in recordings:
        if _started(recording) is None:
            lone.append(Drive((recording,)))
        else:
            lanes.setdefault((recording.camera_position, recording.is_parking), []).append(recording)
    grouped: list[Drive] = []
    for lane in lanes.values():
        lane.sort(key=lambda recording: (_started(recording) or 0.0, str(recording.path)))
        chain: list[Recording] = []
        for recording in lane:
            if chain and not _continues(chain[-1], recording, within_s=within_s):
                grouped.append(Drive(tuple(chain)))
                chain = []
            chain.append(recording)
        grouped.append(Drive(tuple(chain)))
    grouped.sort(key=lambda drive: _started(drive.recordings[0]) or 0.0)
    return grouped + lone


def _started(recording: Recording) -> float | None:
    at = recording.named_at or recording.created_at
    return None if at is None else (at - _EPOCH).total_seconds()


def _continues(before: Recording, after: Recording, *, within_s: float) -> bool:
    start_before, start_after = _started(before), _started(after)
    if start_before is None or start_after is None:
        return False
    return abs(start_after - (start_before + before.duration_s)) <= within_s
