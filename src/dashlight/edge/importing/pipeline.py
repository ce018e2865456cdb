"""From selected raw frames to redacted pictures on two cores: decode, detect and encode side by side.

    decoding thread --queue of 4--> detectors (`workers` threads) --> redact and encode, here

Every queue has a bound, and who fills a full one waits: at most `4 + 2 * lookaround + workers + 1` raw frames exist.
They exist in memory only: core dumps are forbidden before the first one is decoded.
"""

from __future__ import annotations

import ctypes
import queue
import sys
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from dashlight.edge.recordings import SelectedFrame
from dashlight.model import LonLat, RawFrame, RedactedPicture
from dashlight.vision.detectors import Detectors
from dashlight.vision.tracking import redact_sequence

DECODED_AHEAD = 4
_PR_SET_DUMPABLE = 4  # linux/prctl.h
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Taken:
    """Where and when a picture was taken; a `SelectedFrame` without its pixels, and `at` as Unix seconds."""

    offset_s: float
    at_s: float
    position: LonLat
    heading_deg: float
    accuracy_m: float | None


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


class _End:
    """Nothing more will come."""


def forbid_core_dumps() -> None:
    """See to it that a crash of this process writes no memory, and so no raw pixel, to disk."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  # not on Windows

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":  # The limit does not bind programs that dumps are piped to; this does.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def redacted(
    frames: Iterator[SelectedFrame],
    detectors: Detectors,
    *,
    workers: int,
    stop: threading.Event,
    exact_size: tuple[int, int] | None = None,
) -> Iterator[tuple[Taken, RedactedPicture]]:
    """Yield the pictures of a recording in order, redacted.

    Args:
        frames: Consumed in a thread of its own.
        detectors: Shared by the workers.
        workers: Threads that look for faces and plates.
        stop: When set, nothing more is decoded; what was, is still yielded.
        exact_size: Cut and scale each frame to this width and height, or None to leave it.

    Raises:
        DashlightError: What reading the recording raised, after the pictures before it.
    """
    taken: deque[Taken] = deque()
    failed: list[BaseException] = []

    def raw_frames() -> Iterator[RawFrame]:
        for each in _decoded_ahead(frames, stop):
            if isinstance(each, _Failed):
                failed.append(each.error)
                return
            taken.append(
                Taken(each.raw.offset_s, each.at.timestamp(), each.position, each.heading_deg, each.accuracy_m)
            )
            yield each.raw if exact_size is None else cut_to(each.raw, exact_size)

    for picture in redact_sequence(raw_frames(), detectors, lookaround=1, workers=workers):
        yield taken.popleft(), picture
    if failed:
        raise failed[0]


def _decoded_ahead(frames: Iterator[SelectedFrame], stop: threading.Event) -> Iterator[SelectedFrame | _Failed]:
    ahead: queue.Queue[SelectedFrame | _Failed | _End] = queue.Queue(DECODED_AHEAD)
    is_abandoned = threading.Event()

    def put(each: SelectedFrame | _Failed | _End) -> bool:
        while not is_abandoned.is_set():
            try:
                ahead.put(each, timeout=_POLL_S)
            except queue.Full:
                continue
            return True
        return False

    def decode() -> None:
        try:
            for frame in frames:
                if stop.is_set() or not put(frame):
                    break
        except BaseException as exc:  # noqa: BLE001  # raised again where the pictures are consumed
            put(_Failed(exc))
        put(_End())

    thread = threading.Thread(target=decode, name="decode", daemon=True)
    thread.start()
    try:
        while not isinstance(each := ahead.get(), _End):
            yield each
    finally:
        is_abandoned.set()
        thread.join()


def cut_to(frame: RawFrame, size: tuple[int, int]) -> RawFrame:
    """Return a frame cut to the middle of that aspect, and scaled to exactly that width and height."""
    width, height = frame.size
    wide, high = size
    cut_width, cut_height = min(width, round(height * wide / high)), min(height, round(width * high / wide))
    left, top = (width - cut_width) // 2, (height - cut_height) // 2
    middle = frame.rgb[top : top + cut_height, left : left + cut_width]
    flag = cv2.INTER_AREA if cut_width > wide else cv2.INTER_LINEAR
    scaled = cv2.resize(middle, size, interpolation=flag)
    return RawFrame(np.ascontiguousarray(scaled, np.uint8), offset_s=frame.offset_s, travelled_m=frame.travelled_m)
