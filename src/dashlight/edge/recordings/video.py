"""Decodes a recording once and yields the sharpest frame of each window; converts only the winners.

Whole groups of pictures in which nothing is wanted (a red light, a place that may not be told) are not decoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Interpolation

from dashlight.edge.recordings.probe import MAX_PIXELS, opened
from dashlight.errors import Corrupt, InputError, UsageError

ROW_STRIDE = 8  # Every eighth row of luma ranks frames of one window as all rows do, in an eighth of the time.
ENDS_WITHIN_S = 1.5  # Headers and frames of whole files disagree by less.
MAX_HELD_PACKETS = 120  # Of a group of pictures, until it is known whether anything of it is wanted.


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the video from which the sharpest frame is wanted; seconds from the first frame."""

    earliest_s: float
    latest_s: float
    best_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Winner:
    """The sharpest frame of a window.

    Attributes:
        window: Its index.
        offset_s: Of the frame, seconds from the first frame of the video.
        rgb: `(H, W, 3) uint8`, C-contiguous, full range, upright.
    """

    window: int
    offset_s: float
    rgb: npt.NDArray[np.uint8]


def sharpness(luma: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> float:
    """Return how much neighbouring pixels of a `(H, W)` luma plane differ, by every eighth row; 0 is a flat picture."""
    rows = luma[::ROW_STRIDE].astype(np.int32)
    below = luma[1::ROW_STRIDE].astype(np.int32)
    across = np.abs(rows[:, 1:] - rows[:, :-1]).mean() if rows.shape[1] > 1 else 0.0
    down = np.abs(below - rows[: len(below)]).mean() if len(below) else 0.0
    return float(across + down)


def luma_of(frame: av.VideoFrame) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """Return the luma plane of a frame without copying it; of frames that have none, grey."""
    if not frame.format.name.startswith(("yuv", "nv", "gray", "p0")):
        frame = frame.reformat(format="gray")
    plane = frame.planes[0]
    if frame.format.components[0].bits > 8:
        return np.frombuffer(memoryview(plane), np.uint16).reshape(plane.height, -1)[:, : plane.width]
    return np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, -1)[:, : plane.width]


def fitted(width: int, height: int, max_size: tuple[int, int]) -> tuple[int, int]:
    """Return the largest even size within `max_size` with the same aspect, never larger than it is.

    >>> fitted(1920, 1080, (1280, 720)), fitted(848, 480, (1280, 720))
    ((1280, 720), (848, 480))

    Raises:
        UsageError: When `max_size` is below 16x16.
    """
    if min(max_size) < 16:
        raise UsageError(f"a picture of {max_size[0]}x{max_size[1]} is below 16x16 pixels")
    scale = min(1.0, max_size[0] / width, max_size[1] / height)
    if scale == 1.0:
        return width, height
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def rgb_of(frame: av.VideoFrame, max_size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Return a frame as upright full-range sRGB within `max_size`, `(H, W, 3) uint8`, C-contiguous.

    The matrix and range that the stream declares are honoured; where it declares none, BT.709 from 720 lines up and
    BT.601 below, limited range.
    """
    turns = round(frame.rotation / 90) % 4
    bound = max_size if turns % 2 == 0 else (max_size[1], max_size[0])
    width, height = fitted(frame.width, frame.height, bound)
    is_full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    converted = frame.reformat(
        width=width,
        height=height,
        format="rgb24",
        src_colorspace=_matrix(frame),
        src_color_range=ColorRange.JPEG if is_full else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=Interpolation.AREA if width < frame.width else Interpolation.BICUBIC,
    )
    upright = np.rot90(converted.to_ndarray(), turns)
    return np.ascontiguousarray(upright)


def _matrix(frame: av.VideoFrame) -> int:
    """Return swscale's number of the frame's matrix (the enum's of H.273 differ from it for none that occur)."""
    declared = int(frame.colorspace)
    if declared in (1, 4, 5, 6, 7, 9):
        return declared if declared != 6 else 5
    return 1 if frame.height >= 720 else 5


class Sharpest:
    """Decodes once and yields the sharpest frame of each window.

    Iterate once; afterwards `damage` says whether the file broke off.

    Args:
        path: The recording.
        windows: In order of time, not overlapping.
        max_size: The pictures are made to fit within this many pixels, width and height; never larger than they are.
    """

    def __init__(self, path: Path, windows: Sequence[Window], *, max_size: tuple[int, int]) -> None:
        self._path = path
        self._windows = windows
        self._max_size = max_size
        self._next = 0
        self._best: tuple[float, float, av.VideoFrame] | None = None
        self._first_s: float | None = None
        self._seen_s = 0.0
        self.decoded_frames = 0
        self.skipped_packets = 0
        self.damage: Corrupt | None = None

    def __iter__(self) -> Iterator[Winner]:
        """Yield the winners in order of time.

        Raises:
            HostError: When the file cannot be read.
            Corrupt: When it is no video.
            InputError: When it has no video stream.
        """
        if not self._windows:
            return
        with opened(self._path) as container:
            if not container.streams.video:
                raise InputError("there is no video in this file", code="no-video")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            try:
                for frame in self._frames(container, stream):
                    yield from self._offered(frame)
                    if self._next >= len(self._windows):
                        return
            except (av.error.FFmpegError, OSError, ValueError, MemoryError) as exc:
                self.damage = Corrupt(f"the video breaks off after {self.decoded_frames} frames", code="truncated")
                self.damage.__cause__ = exc
            yield from self._closed()
            self._judge_length(stream)

    def _judge_length(self, stream: Any) -> None:
        """Tell of a file whose frames end before its headers say; the demuxer alone ends there without a word."""
        told_s = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
        if self.damage is None and self._next < len(self._windows) and self._seen_s + ENDS_WITHIN_S < told_s:
            self.damage = Corrupt(
                f"the video ends after {self._seen_s:.1f} s of the {told_s:.1f} s that it should have",
                code="truncated",
                hint="The camera lost power, or the copy of the file is not complete.",
            )

    def _frames(self, container: av.container.InputContainer, stream: Any) -> Iterator[av.VideoFrame]:
        held: list[Any] | None = None
        time_base = float(stream.time_base or 0)
        start = stream.start_time
        self._first_s = None if start is None else start * time_base
        broken = 0
        for packet in container.demux(stream):
            at_s = None if packet.pts is None else packet.pts * time_base - (self._first_s or 0.0)
            self._seen_s = max(self._seen_s, at_s or 0.0)
            if packet.is_keyframe and packet.size:
                self.skipped_packets += len(held or ())
                held = []
            if held is not None:
                held.append(packet)
                if not self._is_near(at_s) and len(held) < MAX_HELD_PACKETS and packet.size:
                    continue
                ready, held = held, None
            else:
                ready = [packet]
            for one in ready:
                try:
                    frames = one.decode()
                except av.error.InvalidDataError:
                    broken += 1
                    self.damage = Corrupt(f"{broken} packets of the video are damaged", code="damaged")
                    continue
                yield from frames

    def _is_near(self, at_s: float | None) -> bool:
        """Return whether frames up to this packet may be wanted; a second early for frames out of order."""
        return at_s is None or at_s + 1.0 >= self._windows[self._next].earliest_s

    def _offered(self, frame: Any) -> Iterator[Winner]:
        self.decoded_frames += 1
        if frame.is_corrupt or frame.time is None or frame.width * frame.height > MAX_PIXELS:
            return
        if self._first_s is None:
            self._first_s = float(frame.time)
        at_s = float(frame.time) - self._first_s
        while self._next < len(self._windows) and at_s > self._windows[self._next].latest_s:
            window = self._windows[self._next]
            if self._best is None and at_s - window.latest_s <= window.latest_s - window.earliest_s:
                self._best = (0.0, at_s, frame)  # A low or variable frame rate stepped over a narrow window.
            yield from self._closed()
        if self._next >= len(self._windows) or at_s < self._windows[self._next].earliest_s:
            return
        score = sharpness(luma_of(frame))
        if self._best is None or score > self._best[0]:
            self._best = (score, at_s, frame)

    def _closed(self) -> Iterator[Winner]:
        best, self._best = self._best, None
        index = self._next
        self._next += 1
        if best is not None:
            yield Winner(index, best[1], rgb_of(best[2], self._max_size))
