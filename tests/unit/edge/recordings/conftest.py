from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from dashlight.model import Fix, LonLat, destination

START = datetime(2025, 6, 1, 12, 0, 0, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
BUCHAREST = LonLat(26.1, 44.43)
SHARED = Path(__file__).resolve().parents[4].parent / "shared" / "data" / "recordings"


def straight_drive(
    seconds=8, *, start=START, origin=BUCHAREST, heading_deg=45.0, speed_mps=15.0, rate=1, accuracy_m=3.0
):
    return [
        Fix(
            start + timedelta(seconds=i / rate),
            destination(origin, heading_deg, speed_mps * i / rate),
            speed_mps=speed_mps,
            course_deg=heading_deg,
            accuracy_m=accuracy_m,
            altitude_m=80.0,
        )
        for i in range(seconds * rate + 1)
    ]


def noise(width, height, *, seed, blur=1):
    picture = np.random.default_rng(seed).integers(0, 256, (height // blur + 1, width // blur + 1, 3), np.uint8)
    return np.ascontiguousarray(np.kron(picture, np.ones((blur, blur, 1), np.uint8))[:height, :width])


def encoded(
    path, pictures, *, rate=10, codec="libx264", times=None, options=None, range_and_matrix=None, container_options=None
):
    """Write a video of `(H, W, 3) uint8` pictures; `times` in seconds makes its frame rate vary."""
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.options = {"preset": "ultrafast", "g": "10", **(options or {})}
        stream.pix_fmt = "yuv420p"
        for index, picture in enumerate(pictures):
            if index == 0:
                stream.height, stream.width = picture.shape[:2]
                stream.codec_context.time_base = Fraction(1, 1000)
                if range_and_matrix is not None:
                    stream.codec_context.color_range, stream.codec_context.colorspace = range_and_matrix
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            if range_and_matrix is not None:
                frame = frame.reformat(
                    format="yuv420p", dst_color_range=range_and_matrix[0], dst_colorspace=range_and_matrix[1]
                )
            frame.pts = round(1000 * (index / rate if times is None else times[index]))
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """Eight seconds of noise at 10 frames a second, 320x180."""
    pictures = [noise(320, 180, seed=i, blur=4) for i in range(80)]
    return encoded(tmp_path_factory.mktemp("clip") / "clip.mp4", pictures)


@pytest.fixture
def shared_recordings():
    if not SHARED.is_dir():
        pytest.skip("the recordings of ../shared/data are not on this machine")
    return SHARED


@pytest.fixture(scope="session")
def encode():
    return encoded


@pytest.fixture(scope="session")
def noise_picture():
    return noise


@pytest.fixture(scope="session")
def drive():
    return straight_drive
