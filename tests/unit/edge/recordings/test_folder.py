import os
import shutil
from pathlib import Path

import pytest

from dashlight.edge.recordings import CameraPosition, Recording, Settling, drives, find_recordings
from dashlight.edge.recordings.folder import MAX_RECORDING_BYTES, SIDECAR_SUFFIXES
from dashlight.edge.recordings.telemetry.sources import SIDECARS
from dashlight.errors import Rejected


def card(tmp_path, clip, *names):
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, path)
    return tmp_path


def split(found):
    found = list(found)
    return [f for f in found if isinstance(f, Recording)], [f for f in found if isinstance(f, Rejected)]


def test_a_cameras_tree_is_read_as_it_is(tmp_path, clip):
    root = card(
        tmp_path,
        clip,
        "DCIM/Movie/2026_0215_144120_002F.MP4",
        "DCIM/Movie/2026_0215_144120_002R.MP4",
        "DCIM/Movie/RO/2026_0215_144520_006F.MP4",
        "DCIM/Movie/Parking/2026_0215_200000_020F.MP4",
    )
    (root / "DCIM" / "Movie" / "2026_0215_144120_002F.gpx").write_text("<gpx/>")
    (root / "DCIM" / "Movie" / "2026_0215_144120_002F.THM").write_bytes(b"thumbnail")

    found, rejected = split(find_recordings([root]))

    assert rejected == []
    by_name = {recording.path.name: recording for recording in found}
    front, rear = by_name["2026_0215_144120_002F.MP4"], by_name["2026_0215_144120_002R.MP4"]
    assert (front.camera_position, rear.camera_position) == (CameraPosition.FRONT, CameraPosition.REAR)
    assert (front.codec, front.container, front.width, front.height) == ("h264", "mp4", 320, 180)
    assert front.duration_s == pytest.approx(8.0, abs=0.2)
    assert [path.suffix for path in front.sidecars] == [".gpx"]
    assert [path.suffix for path in rear.sidecars] == [".gpx"]
    assert by_name["2026_0215_200000_020F.MP4"].is_parking
    assert not by_name["2026_0215_200000_020F.MP4"].is_source
    assert front.is_source


def test_a_cards_log_is_found_from_its_clips(tmp_path, clip):
    root = card(tmp_path, clip, "Normal/Front/NO20260215-144120-000002F.MP4")
    (root / "GPSData000001.txt").write_text("$V02\n")

    found, _ = split(find_recordings([root]))

    assert found[0].sidecars == (root / "GPSData000001.txt",)


def test_hidden_files_and_companions_are_passed_over(tmp_path, clip):
    root = card(tmp_path, clip, "._clip.mp4", ".Trashes/clip.mp4", "ok.mp4")
    (root / "notes.docx").write_bytes(b"x")

    found, rejected = split(find_recordings([root]))

    assert [recording.path.name for recording in found] == ["ok.mp4"]
    assert rejected == []


def test_a_loop_of_links_ends_and_a_file_is_offered_once(tmp_path, clip):
    root = card(tmp_path, clip, "a/clip.mp4")
    (root / "a" / "loop").symlink_to(root)
    (root / "again.mp4").symlink_to(root / "a" / "clip.mp4")
    (root / "nowhere.mp4").symlink_to(root / "gone.mp4")

    found, rejected = split(find_recordings([root, root]))

    assert len(found) == 1
    assert rejected == []


def test_bad_files_are_told_with_a_reason_and_stop_nothing(tmp_path, clip):
    root = card(tmp_path, clip, "good.mp4")
    (root / "empty.mp4").write_bytes(b"")
    (root / "letter.mp4").write_bytes(b"Dear camera, " * 1000)
    (root / "truncated.mp4").write_bytes(clip.read_bytes()[:20_000])
    with (root / "huge.mp4").open("wb") as file:
        file.truncate(MAX_RECORDING_BYTES + 1)

    found, rejected = split(find_recordings([root]))

    assert [recording.path.name for recording in found] == ["good.mp4"]
    assert {r.path.name: r.code for r in rejected} == {
        "empty.mp4": "empty",
        "letter.mp4": "not-a-video",
        "truncated.mp4": "not-a-video",
        "huge.mp4": "too-large",
    }
    assert str(MAX_RECORDING_BYTES) in next(r.reason for r in rejected if r.code == "too-large")


def test_a_missing_path_and_a_sound_file_are_told(tmp_path):
    (tmp_path / "song.mp3").write_bytes(b"ID3")

    _, rejected = split(find_recordings([tmp_path / "gone", tmp_path / "song.mp3"]))

    assert [r.code for r in rejected] == ["not-found", "not-a-video"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read every folder")
def test_an_unreadable_folder_is_told(tmp_path, clip):
    root = card(tmp_path, clip, "good.mp4", "locked/other.mp4")
    (root / "locked").chmod(0)
    try:
        found, rejected = split(find_recordings([root]))
    finally:
        (root / "locked").chmod(0o700)

    assert len(found) == 1
    assert [(r.path.name, r.code) for r in rejected] == [("locked", "unreadable")]


def test_a_file_that_is_being_written_is_left_for_later(tmp_path, clip):
    root = card(tmp_path, clip, "clip.mp4")
    path = root / "clip.mp4"
    os.utime(path, (1_000_000.0, 1_000_000.0))
    size = path.stat().st_size

    def count(**settling):
        return len(list(find_recordings([root], settling=Settling(**settling))))

    assert count(now_s=1_000_010.0, quiet_s=30.0) == 0
    assert count(now_s=1_000_040.0, quiet_s=30.0) == 1
    assert count(now_s=1_000_040.0, quiet_s=30.0, seen={path: (size - 1, 1_000_000.0)}) == 0
    assert count(now_s=1_000_040.0, quiet_s=30.0, seen={path: (size, 1_000_000.0)}) == 1


def test_clips_that_continue_each_other_are_one_drive(tmp_path, clip):
    root = card(
        tmp_path,
        clip,
        "20260215_144120_NF.mp4",
        "20260215_144128_NF.mp4",
        "20260215_144137_NF.mp4",
        "20260215_144120_NR.mp4",
        "20260215_160000_NF.mp4",
        "unnamed.mp4",
    )

    found, _ = split(find_recordings([root]))
    grouped = [[recording.path.stem for recording in drive.recordings] for drive in drives(found)]

    assert ["20260215_144120_NF", "20260215_144128_NF", "20260215_144137_NF"] in grouped
    assert ["20260215_144120_NR"] in grouped
    assert ["20260215_160000_NF"] in grouped
    assert len(grouped) == 4


def test_the_shared_recordings_are_all_found(shared_recordings):
    found, rejected = split(find_recordings([Path(shared_recordings)]))

    assert rejected == []
    assert {(r.path.name, r.codec) for r in found} >= {("max-heromode.mp4", "h264"), ("sample-5s_h265.mp4", "hevc")}


def test_each_kind_of_file_that_is_looked_for_beside_a_video_has_a_reader():
    assert set(SIDECAR_SUFFIXES) == set(SIDECARS)


def test_positions_without_a_video_are_told(tmp_path, clip):
    root = card(tmp_path, clip, "a/one.mp4")
    for name in ("a/one.gpx", "a/GPS/one.nmea", "b/three.NMEA", "b/letter.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")

    found, rejected = split(find_recordings([root]))

    assert [r.path.name for r in found] == ["one.mp4"]
    assert [(r.path.name, r.code) for r in rejected] == [("three.NMEA", "no-video")]
