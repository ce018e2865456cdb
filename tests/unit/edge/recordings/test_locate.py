import shutil
from datetime import UTC, datetime, timedelta

import pytest

from dashlight.edge.recordings import Located, find_recordings, locate, selected_frames
from dashlight.errors import Rejected
from dashlight.model import Fix, LonLat, destination, distance_m, heading_difference_deg
from dashlight.sim.mux import (
    mux_camm,
    mux_gpmf,
    mux_novatek,
    mux_novatek_ts,
    write_70mai,
    write_blackvue,
    write_gpx,
    write_nmea,
)

START = datetime(2025, 6, 1, 12, 0, 0, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOURS_3 = timedelta(hours=3)
BUCHAREST = LonLat(26.1, 44.43)


def only(path):
    found = [item for item in find_recordings([path]) if not isinstance(item, Rejected)]
    assert len(found) == 1
    return found[0]


WAYS = {
    "novatek local": lambda clip, fixes, folder: mux_novatek(clip, fixes, folder / "v.mp4", utc_offset=HOURS_3),
    "novatek named": lambda clip, fixes, folder: mux_novatek(clip, fixes, folder / "20250601_150000_F.mp4"),
    "novatek ts": lambda clip, fixes, folder: mux_novatek_ts(
        clip, fixes, folder / "20250601_150000_F.ts", utc_offset=HOURS_3
    ),
    "camm": lambda clip, fixes, folder: mux_camm(clip, fixes, folder / "v.mp4"),
    "gpmf": lambda clip, fixes, folder: mux_gpmf(clip, fixes, folder / "v.mp4"),
    "gpx": lambda clip, fixes, folder: (shutil.copy(clip, folder / "v.mp4"), write_gpx(fixes, folder / "v.gpx")),
    "nmea": lambda clip, fixes, folder: (shutil.copy(clip, folder / "v.mp4"), write_nmea(fixes, folder / "v.nmea")),
    "blackvue": lambda clip, fixes, folder: (
        shutil.copy(clip, folder / "20250601_150000_NF.mp4"),
        write_blackvue(fixes, folder / "20250601_150000_N.gps", utc_offset=HOURS_3),
    ),
    "70mai": lambda clip, fixes, folder: (
        shutil.copy(clip, folder / "NO20250601-150000-000001F.MP4"),
        write_70mai([("NO20250601-150000-000001F.MP4", START, fixes)], folder / "GPSData000001.txt"),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_kind_of_telemetry_leads_to_the_same_pictures(tmp_path, clip, drive, way):
    WAYS[way](clip, drive(8, speed_mps=10.0), tmp_path)

    recording = only(tmp_path)
    located = locate(recording, now=NOW)
    assert isinstance(located, Located), located
    frames = list(selected_frames(recording, located, every_m=10.0))

    assert located.alignment.video_start == START
    assert 7 <= len(frames) <= 9
    for frame in frames:
        travelled_s = (frame.at - START).total_seconds()
        assert distance_m(frame.position, destination(BUCHAREST, 45.0, 10.0 * travelled_s)) < 2.0
        assert heading_difference_deg(frame.heading_deg, 45.0) < 5.0
        assert frame.raw.offset_s == pytest.approx(travelled_s, abs=0.002)
        assert frame.raw.size == (320, 180)
    assert [frame.at for frame in frames] == sorted(frame.at for frame in frames)


def test_a_rear_camera_looks_back_along_the_road(tmp_path, clip, drive):
    fixes = drive(8, speed_mps=10.0)  # To the north-east, 45 degrees.
    for letter in "FR":
        mux_novatek(clip, fixes, tmp_path / f"20250601_150000_{letter}.mp4", utc_offset=HOURS_3)
    front, rear = sorted(find_recordings([tmp_path]), key=lambda r: r.path.name)

    headings = {
        pair.camera_position.value: [f.heading_deg for f in selected_frames(pair, locate(pair, now=NOW))]
        for pair in (front, rear)
    }

    assert set(headings) == {"front", "rear"}
    assert headings["front"]
    assert all(heading_difference_deg(heading, 45.0) < 5.0 for heading in headings["front"])
    assert headings["rear"]
    assert all(heading_difference_deg(heading, 225.0) < 5.0 for heading in headings["rear"])


def test_the_policy_is_asked_before_decoding_and_has_the_last_word(tmp_path, clip, drive):
    path = mux_camm(clip, drive(8, speed_mps=10.0), tmp_path / "v.mp4")
    recording = only(path)
    located = locate(recording, now=NOW)

    none = list(selected_frames(recording, located, left_out_for=lambda _at, _position: "hidden-place"))
    early = list(
        selected_frames(
            recording, located, left_out_for=lambda at, _: None if at < START + timedelta(seconds=3) else "drive-end"
        )
    )

    assert none == []
    assert early
    assert all(frame.at < START + timedelta(seconds=3) for frame in early)


def test_standing_gives_no_pictures(tmp_path, clip, drive):
    path = mux_camm(clip, drive(8, speed_mps=0.0), tmp_path / "v.mp4")
    recording = only(path)

    assert list(selected_frames(recording, locate(recording, now=NOW))) == []


@pytest.mark.parametrize(
    ("fixes", "code"),
    [
        ([Fix(START + timedelta(seconds=i), LonLat(0.0, 0.0), is_valid=False) for i in range(8)], "no-fix"),
        ([Fix(START + timedelta(seconds=i), LonLat(0.0, 0.0)) for i in range(8)], "no-track"),
        ([Fix(START + timedelta(seconds=i), LonLat(26.1, 88.0)) for i in range(8)], "no-track"),
        ([Fix(datetime(2031, 1, 1, 0, 0, i, tzinfo=UTC), BUCHAREST) for i in range(8)], "clock-future"),
        ([Fix(datetime(2006, 1, 1, 0, 0, i, tzinfo=UTC), BUCHAREST) for i in range(8)], "clock-past"),
    ],
)
def test_tracks_that_cannot_be_believed_are_refused_with_a_reason(tmp_path, clip, fixes, code):
    path = mux_novatek(clip, fixes, tmp_path / "v.mp4")

    rejected = locate(only(path), now=NOW)

    assert isinstance(rejected, Rejected)
    assert rejected.code == code
    assert "8" in rejected.reason


def test_a_camera_whose_clock_is_in_1980_is_told(tmp_path, clip):
    fixes = [Fix(datetime(1980, 1, 6, 0, 0, i, tzinfo=UTC), destination(BUCHAREST, 0.0, 10.0 * i)) for i in range(8)]

    shutil.copy(clip, tmp_path / "v.mp4")
    write_gpx(fixes, tmp_path / "v.gpx")
    rejected = locate(only(tmp_path), now=NOW)

    assert isinstance(rejected, Rejected)
    assert rejected.code == "clock-past"
    assert "clock before 2010" in rejected.reason


def test_video_without_positions_is_told_with_what_to_do(clip):
    rejected = locate(only(clip), now=NOW)

    assert isinstance(rejected, Rejected)
    assert (rejected.code, "GPX" in rejected.hint) == ("no-positions", True)


def test_a_damaged_sidecar_is_the_reason_when_nothing_else_is_there(tmp_path, clip):
    shutil.copy(clip, tmp_path / "v.mp4")
    (tmp_path / "v.gpx").write_text("<gpx")

    assert locate(only(tmp_path), now=NOW).code == "bad-telemetry"


def test_a_truncated_recording_yields_its_beginning_and_tells(tmp_path, drive, encode, noise_picture):
    whole = encode(
        tmp_path / "whole.mp4",
        [noise_picture(320, 180, seed=i, blur=4) for i in range(80)],
        container_options={"movflags": "faststart"},
    )
    cut = tmp_path / "cut" / "v.mp4"
    cut.parent.mkdir()
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    write_gpx(drive(8, speed_mps=10.0), cut.with_suffix(".gpx"))
    recording = only(cut.parent)
    told = []

    frames = list(selected_frames(recording, locate(recording, now=NOW), on_damage=told.append))

    assert 4 <= len(frames) <= 12
    assert [rejected.code for rejected in told] in (["truncated"], ["damaged"])


def test_the_gopro_max_is_at_its_place_and_time(shared_recordings):
    recording = only(shared_recordings / "max-heromode.mp4")
    located = locate(recording, now=NOW)

    frames = list(selected_frames(recording, located, every_m=2.0))

    assert located.report.total == 191
    assert abs(located.alignment.video_start - datetime(2019, 11, 18, 23, 45, 15, tzinfo=UTC)) < timedelta(seconds=1)
    assert len(frames) >= 5
    for frame in frames:
        assert distance_m(frame.position, LonLat(-117.3273, 33.1267)) < 20.0
        assert frame.raw.size == (848, 480)


@pytest.mark.parametrize("name", ["solidWhiteRight.mp4", "test_video.mp4"])
def test_real_videos_with_a_real_gpx_beside_them(tmp_path, shared_recordings, name):
    shutil.copy(shared_recordings / name, tmp_path / name)
    shutil.copy(shared_recordings / "sf_30km_h.gpx", (tmp_path / name).with_suffix(".gpx"))
    recording = only(tmp_path)
    located = locate(recording, now=NOW)

    frames = list(selected_frames(recording, located))

    assert located.alignment.source == "assumed"
    assert len(frames) >= int(recording.duration_s * 30 / 3.6 / 5.0) - 1
    assert all(max(frame.raw.size) <= 1280 for frame in frames)
