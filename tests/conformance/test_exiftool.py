"""exiftool, which many have, reads what we write and is asked for what our own readers do not know."""

import json
import subprocess
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from made_recordings import ZONE, drawn_frames, encode, fixes

from dashlight.edge.recordings import find_recordings
from dashlight.edge.recordings.locate import locate
from dashlight.edge.recordings.telemetry import exiftool
from dashlight.edge.recordings.telemetry.sources import EMBEDDED
from dashlight.errors import Rejected
from dashlight.model import Detection, RawFrame, distance_m
from dashlight.sim.mux import NovatekLayout, mux_camm, mux_gpmf, mux_novatek
from dashlight.sim.mux.mp4 import Rewriter, TimedTrack
from dashlight.sim.mux.sidecars import sentences_of
from dashlight.vision import redact

START = datetime(2025, 6, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = 8
NOTHING_TOLD = {"SourceFile", "ExifTool", "System", "File", "JFIF", "Composite"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Return a recording without positions."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return encode(path, drawn_frames(SECONDS * 5, (320, 176)), (320, 176), rate=5, bit_rate=300_000)


@pytest.fixture
def spoken(clip, tmp_path):
    """Return a recording that tells its positions in UTC as NMEA sentences in a text track, and its fixes."""
    drive = fixes(SECONDS - 1, start=START)
    samples = [((fix.at - START).total_seconds(), f"{sentences_of(fix)[0]}\r\n".encode()) for fix in drive]
    path = tmp_path / "spoken.mp4"
    rewriter = Rewriter(clip, created_at=START + ZONE)
    rewriter.write(path, track=TimedTrack(b"text", b"text", samples, b"Text"))
    rewriter.finish(path)
    return path, drive


@pytest.mark.usefixtures("without_exiftool")
def test_none_of_our_readers_knows_positions_in_a_text_track(spoken):
    path, _ = spoken
    (recording,) = find_recordings([path])

    assert [reader(path) for reader in EMBEDDED] == [None] * len(EMBEDDED)
    found = locate(recording, now=NOW)
    assert isinstance(found, Rejected)
    assert found.code == "no-positions"


@pytest.mark.usefixtures("with_exiftool")
def test_a_recording_that_only_exiftool_understands_is_located_through_it(spoken):
    path, drive = spoken
    (recording,) = find_recordings([path])

    located = locate(recording, now=NOW)

    assert located.source == "exiftool"
    assert [fix.at for fix in located.track.fixes] == [fix.at for fix in drive]
    for found, driven in zip(located.track.fixes, drive, strict=True):
        assert distance_m(found.position, driven.position) < 0.05
        assert found.speed_mps == pytest.approx(driven.speed_mps, abs=0.01)
        assert found.course_deg == pytest.approx(driven.course_deg, abs=0.01)
    assert abs(located.alignment.video_start - START) < timedelta(seconds=0.3)


def test_the_exiftool_that_is_asked_is_new_enough(with_exiftool):
    assert exiftool.program() == str(with_exiftool)


@pytest.mark.usefixtures("with_exiftool")
@pytest.mark.parametrize(
    ("mux", "within_m"),
    [
        (lambda *args: mux_novatek(*args, layout=NovatekLayout.A119), 1.5),
        (lambda *args: mux_novatek(*args, layout=NovatekLayout.A119_V3), 1.5),
        (lambda *args: mux_novatek(*args, layout=NovatekLayout.S1), 1.5),
        (mux_camm, 0.01),
        (mux_gpmf, 0.1),
    ],
    ids=["novatek-a119", "novatek-a119-v3", "novatek-s1", "camm", "gpmf"],
)
def test_what_the_simulator_writes_is_what_cameras_write(clip, tmp_path, mux, within_m):
    drive = fixes(SECONDS - 1, start=START)

    read = exiftool.read(mux(clip, drive, tmp_path / "v.mp4"))

    assert len(read.readings) == len(drive)
    for reading, fix in zip(read.readings, drive, strict=True):
        assert distance_m(reading.position, fix.position) < within_m


def test_a_redacted_picture_tells_nothing_but_its_pixels(tmp_path, with_exiftool):
    noise = np.random.default_rng(5).integers(0, 256, (180, 320, 3), np.uint8)
    picture = redact(RawFrame(noise), [Detection("face", (10.0, 10.0, 40.0, 50.0), 0.9)])
    for name, content in (("full.jpg", picture.jpeg), ("thumbnail.jpg", picture.thumbnail_jpeg)):
        (tmp_path / name).write_bytes(content)

    command = [
        with_exiftool,
        "-json",
        "-a",
        "-G1",
        "-u",
        "-U",
        "-ee",
        tmp_path / "full.jpg",
        tmp_path / "thumbnail.jpg",
    ]
    said = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)

    assert [(each["File:ImageWidth"], each["File:ImageHeight"]) for each in said] == [(320, 180), (320, 180)]
    for each in said:
        assert {key.partition(":")[0] for key in each} <= NOTHING_TOLD
        assert "ExifTool:Warning" not in each
