"""Reads a video's headers with PyAV; decodes nothing.

PyAV's log level is left at its default, none: any other lets FFmpeg's decoding threads wait for Python's lock to
log a damaged frame, while the thread that holds the lock waits for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import av
import av.error

from dashlight.errors import Corrupt, HostError, InputError

MAX_PIXELS = 8192 * 8192  # Larger than any camera; a header that says more is hostile or broken.


@dataclass(frozen=True, slots=True)
class Probed:
    """A video's headers; the attributes are those of `Recording`."""

    container: str
    codec: str
    width: int
    height: int
    duration_s: float
    created_at: datetime | None


def opened(path: Path) -> av.container.InputContainer:
    """Return the open container of a file.

    Raises:
        HostError: When the file cannot be read.
        Corrupt: When no demuxer knows the bytes.
    """
    try:
        return av.open(str(path), mode="r", metadata_errors="replace")
    except (av.error.InvalidDataError, av.error.EOFError, ValueError) as exc:
        raise Corrupt("this is no video, or its index is missing or damaged", code="not-a-video") from exc
    except OSError as exc:
        raise HostError(f"the file cannot be read: {exc.strerror or exc}", code="unreadable") from exc
    except av.error.FFmpegError as exc:
        raise Corrupt(f"this is no video that FFmpeg can read: {exc.strerror}", code="not-a-video") from exc


def probed(path: Path) -> Probed:
    """Return what the headers of `path` say.

    Raises:
        HostError: When the file cannot be read.
        Corrupt: When no demuxer knows the bytes, or the headers are nonsense.
        InputError: When it has no video stream.
    """
    with opened(path) as container:
        if not container.streams.video:
            raise InputError("there is no video in this file", code="no-video")
        stream = container.streams.video[0]
        context = stream.codec_context
        if not (context.width > 0 and context.height > 0 and context.width * context.height <= MAX_PIXELS):
            raise Corrupt(
                f"a frame of {context.width}x{context.height} pixels is outside 1..{MAX_PIXELS}", code="not-a-video"
            )
        duration_s = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
        if duration_s <= 0.0 and container.duration:
            duration_s = container.duration / av.time_base
        return Probed(
            container=_container_name(container.format.name, path),
            codec=context.name,
            width=context.width,
            height=context.height,
            duration_s=max(0.0, duration_s),
            created_at=_creation_time(container.metadata.get("creation_time", "")),
        )


def _container_name(demuxer: str, path: Path) -> str:
    if demuxer.startswith("mov,"):
        return "mov" if path.suffix.lower() == ".mov" else "mp4"
    return "ts" if demuxer == "mpegts" else demuxer.split(",", maxsplit=1)[0]


def _creation_time(text: str) -> datetime | None:
    """Return the wall clock of a container's `creation_time`, without a zone: cameras lie about the `Z`."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None  # Absent and unreadable are the same here: the container tells no time.
    if at.tzinfo is not None:
        at = at.astimezone(UTC)
    return at.replace(tzinfo=None) if at.year >= 2000 else None
