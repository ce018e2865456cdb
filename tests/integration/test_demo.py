"""The whole way, as `make demo` takes it: a recording, the real edge, the real server, what any reader sees."""

import json
import shutil
import signal
from datetime import UTC, datetime, timedelta

import demo_runs
import pytest

from dashlight.model import LonLat, distance_m, heading_difference_deg
from dashlight.sim.drive import Place, lane_path, noisy_fixes, planned_motion
from dashlight.sim.mux import mux_camm, mux_novatek, write_gpx, write_nmea
from dashlight.sim.recording import DriveSettings, recorded_drive

STARTED_AT = datetime(2026, 1, 15, 10, 15, tzinfo=UTC)
READABLE_PX = 24.0  # Of width; seven letters have three pixels each.
RECORDINGS = demo_runs.DATA / "recordings"
needs_recordings = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the real recordings of ../shared are not here")


@pytest.fixture(scope="module")
def drive(tmp_path_factory):
    settings = DriveSettings(duration_s=12, clip_s=6, frames_per_s=10)
    return recorded_drive(tmp_path_factory.mktemp("drives"), settings, started_at=STARTED_AT)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def first(drive, home):
    before = snapshot(drive.card)
    code, result, stderr = demo_runs.run_demo(home, "--recordings", drive.card)
    assert code == 0, stderr
    assert snapshot(drive.card) == before
    return result


@pytest.fixture(scope="module")
def features(first, drive, home):
    """What any reader sees, of a demo that was ended by Ctrl-C."""
    with demo_runs.staying_demo(home, "--recordings", drive.card) as demo:
        found = demo.features()
        assert demo.result["pictures"] == len(found) == first["pictures"]
        assert demo.end(signal.SIGINT) == 0
        assert not demo.is_served()
    return found


@pytest.fixture(scope="module")
def truths(drive):
    return [json.loads(path.read_text()) for path in sorted((drive.folder / "truth").glob("*.json"))]


def snapshot(folder):
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_a_drive_goes_through_everything(first):
    assert first["recordings"] == first["new_recordings"] == 2
    assert first["pictures"] == first["new_pictures"] >= 15
    assert first["redactions"] > 0
    assert first["rejected"] == []
    assert first["seconds"] > 0
    assert first["urls"]["map"].startswith("http://127.0.0.1:")


def test_a_second_run_says_what_was_there_already(first, drive, home):
    code, again, stderr = demo_runs.run_demo(home, "--recordings", drive.card)

    assert code == 0, stderr
    assert again["new_recordings"] == again["new_pictures"] == 0
    for name in ("recordings", "pictures", "redactions"):
        assert again[name] == first[name]


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_staying_demo_ends_its_server_when_it_ends(drive, home, number):
    with demo_runs.staying_demo(home, "--recordings", drive.card) as demo:
        assert demo.is_served()

        code = demo.end(number)

        assert code == 0
        assert not demo.is_served()


def test_pictures_are_where_and_when_the_vehicle_was(features, truths):
    for feature in features:
        frame = demo_runs.frame_near(truths, feature["properties"]["captured"])
        lon, lat = feature["geometry"]["coordinates"][:2]
        assert distance_m(LonLat(lon, lat), LonLat(frame["lon"], frame["lat"])) < 8.0
        assert heading_difference_deg(feature["properties"]["view:azimuth"], frame["heading_deg"]) < 12.0
        assert feature["properties"]["policy"] == "fleet"


def test_every_readable_plate_of_the_truth_is_covered(features, truths):
    looked_at = 0
    for feature in features:
        told = feature["properties"]
        for thing in demo_runs.frame_near(truths, told["captured"])["things"]:
            wide = thing["bbox_xyxy"][2] - thing["bbox_xyxy"][0]
            if thing["kind"] == "plate" and wide >= READABLE_PX and thing["visible"] >= 0.6:
                share = demo_runs.covered_share(
                    thing["bbox_xyxy"], told["redactions"], width=told["width"], height=told["height"]
                )
                assert share >= 0.9, (told["captured"], thing)
                looked_at += 1
    assert looked_at >= 10


def test_rejecting_everything_is_bad_input(tmp_path):
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "words.mp4").write_text("this is not a video")

    code, result, _ = demo_runs.run_demo(tmp_path / "home", "--recordings", tmp_path)

    assert code == 3
    assert result["recordings"] == result["pictures"] == 0
    assert {r["path"].rsplit("/", 1)[-1] for r in result["rejected"]} == {"empty.mp4", "words.mp4"}
    assert all(r["reason"] for r in result["rejected"])


@pytest.mark.parametrize("options", [("--recordings", "/no/such/card"), ("--port", "70000")])
def test_what_cannot_be_done_is_told_before_anything_starts(tmp_path, options):
    code, result, stderr = demo_runs.run_demo(tmp_path / "home", *options)

    assert code in (2, 3)
    assert result is None
    assert options[1] in stderr
    assert not (tmp_path / "home").exists()


def test_a_folder_without_recordings_is_told(tmp_path):
    (tmp_path / "card").mkdir()

    code, _, stderr = demo_runs.run_demo(tmp_path / "home", "--recordings", tmp_path / "card")

    assert code == 3
    assert "no recordings" in stderr


@needs_recordings
def test_a_real_cameras_recording_comes_to_its_place_and_time(tmp_path):
    with demo_runs.staying_demo(tmp_path / "home", "--recordings", RECORDINGS) as demo:
        features = demo.features()

    assert demo.result["recordings"] == 1
    assert len(features) == demo.result["pictures"] >= 2
    for feature in features:
        lon, lat = feature["geometry"]["coordinates"][:2]
        assert distance_m(LonLat(lon, lat), LonLat(-117.3273, 33.1267)) < 100.0
        assert feature["properties"]["captured"].startswith("2019-11-18T23:45")
    rejected = {r["path"].rsplit("/", 1)[-1]: r["reason"] for r in demo.result["rejected"]}
    assert set(rejected) == {
        "sample-5s.mp4",
        "sample-5s_h265.mp4",
        "solidWhiteRight.mp4",
        "test_video.mp4",
    }
    assert all("no positions" in reason for reason in rejected.values())


@needs_recordings
def test_every_kind_of_telemetry_brings_a_recording_onto_the_map(tmp_path):
    card = tmp_path / "card"
    card.mkdir()
    place, motion = Place(), planned_motion(lane_path())

    def fixes(minutes):
        at = STARTED_AT + timedelta(minutes=minutes)
        return noisy_fixes(motion, place, started_at=at, duration_s=10.0, seed=minutes).fixes

    mux_novatek(RECORDINGS / "solidWhiteRight.mp4", fixes(1), card / "2026_0115_111600_0001F.MP4",
                utc_offset=timedelta(hours=1))  # fmt: skip
    mux_camm(RECORDINGS / "test_video.mp4", fixes(10), card / "camm.mp4")
    for minutes, name, write, suffix in (
        (20, "sample-5s.mp4", write_gpx, ".gpx"),
        (30, "sample-5s_h265.mp4", write_nmea, ".nmea"),
    ):
        at = STARTED_AT + timedelta(minutes=minutes)
        stem = f"{at:%Y%m%d_%H%M%S}"
        shutil.copy(RECORDINGS / name, card / f"{stem}.mp4")
        write(fixes(minutes), card / f"{stem}{suffix}")

    with demo_runs.staying_demo(tmp_path / "home", "--recordings", card) as demo:
        features = demo.features()

    assert demo.result["rejected"] == []
    assert demo.result["recordings"] == 4
    minutes = {feature["properties"]["captured"][:15] for feature in features}
    assert {"2026-01-15T10:1", "2026-01-15T10:2", "2026-01-15T10:3", "2026-01-15T10:4"} >= minutes
    assert len(minutes) >= 3
    for feature in features:
        lon, lat = feature["geometry"]["coordinates"][:2]
        assert distance_m(LonLat(lon, lat), place.lon_lat(0.0, 30.0)) < 120.0
