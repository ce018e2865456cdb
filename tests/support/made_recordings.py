"""Recordings made for tests and benchmarks: moving pictures with positions as a Novatek camera writes them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import cv2
import numpy as np

from dashlight.model import Fix, LonLat, destination
from dashlight.sim.mux import mux_novatek

START = datetime(2026, 6, 1, 9, tzinfo=UTC)
HERE = LonLat(10.0, 50.0)
ZONE = timedelta(hours=2)  # Summer time there; most cameras write local time without saying so.
FOOTAGE = Path(__file__).resolve().parents[3] / "shared" / "data" / "recordings" / "solidWhiteRight.mp4"


def fixes(seconds, *, speed_mps=15.0, start=START, here=HERE, heading_deg=80.0, accuracy_m=3.0):
    """Return a fix a second of a straight drive, one more than there are seconds."""
    return [
        Fix(
            start + timedelta(seconds=n),
            destination(here, heading_deg, n * speed_mps),
            speed_mps=speed_mps,
            course_deg=heading_deg,
            accuracy_m=accuracy_m,
        )
        for n in range(seconds + 1)
    ]


def drawn_frames(count, size):
    """Yield frames of a street of noise that slides by, with a moving plate on a car."""
    width, height = size
    rng = np.random.default_rng(7)
    scene = cv2.resize(rng.integers(40, 215, (height // 8, width // 4, 3), np.uint8), (2 * width, height))
    for n in range(count):
        left = (n * 6) % width
        frame = np.ascontiguousarray(scene[:, left : left + width])
        x, y = width // 3 + n % 40, int(height * 0.7)
        cv2.rectangle(frame, (x - 60, y - 90), (x + 160, y + 50), (90, 20, 20), -1)
        cv2.rectangle(frame, (x, y), (x + 100, y + 24), (245, 245, 245), -1)
        cv2.putText(frame, "DL 42 KM", (x + 5, y + 19), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (10, 10, 10), 2, cv2.LINE_AA)
        yield frame


def real_frames(count, size):
    """Yield frames of real footage, scaled and repeated."""
    done = 0
    while done < count:
        with av.open(str(FOOTAGE)) as source:
            for frame in source.decode(video=0):
                yield frame.to_ndarray(format="rgb24", width=size[0], height=size[1])
                done += 1
                if done == count:
                    return


def encode(path, frames, size, *, rate=30, bit_rate=8_000_000):
    """Write frames as H.264 in MP4."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = bit_rate
        stream.options = {"preset": "veryfast", "g": str(rate)}
        for frame in frames:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        output.mux(stream.encode())
    return path


def recording(path, seconds, *, size=(640, 360), rate=10, is_real=False, speed_mps=15.0, start=START, here=HERE):
    """Write a recording of a straight drive to `path` and return it."""
    plain = path.with_suffix(".plain.mp4")
    frames = (real_frames if is_real else drawn_frames)(seconds * rate, size)
    encode(plain, frames, size, rate=rate, bit_rate=8_000_000 if size[0] > 1000 else 1_000_000)
    mux_novatek(
        plain, fixes(seconds, speed_mps=speed_mps, start=start, here=here), path, video_start=start, utc_offset=ZONE
    )
    plain.unlink()
    return path
