import json
import threading
from datetime import UTC, datetime

import av
import pytest

from dashlight.errors import HostError, InputError, Unavailable
from dashlight.sim.recording import DriveSettings, recorded_drive

STARTED_AT = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)
SMALL = DriveSettings(duration_s=4, clip_s=2, width=320, height=180, frames_per_s=5)


@pytest.fixture(scope="module")
def drive(tmp_path_factory):
    return recorded_drive(tmp_path_factory.mktemp("drives"), SMALL, started_at=STARTED_AT, workers=1)


def test_a_drive_lies_as_on_a_cameras_card(drive):
    names = [str(path.relative_to(drive.folder)) for path in drive.recordings]

    # The camera's clock shows the local time, one hour ahead in November.
    assert names == ["DCIM/Movie/2026_1123_111500_0001F.MP4", "DCIM/Movie/2026_1123_111502_0002F.MP4"]
    assert drive.is_new


def test_the_recordings_are_videos(drive):
    for path in drive.recordings:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            frames = list(container.decode(stream))
        assert len(frames) == 10
        assert (frames[0].width, frames[0].height) == (320, 180)


def test_the_truth_lies_beside_it_frame_by_frame(drive):
    truth = json.loads((drive.folder / "truth" / "2026_1123_111502_0002F.json").read_text())

    assert truth["recording"] == "2026_1123_111502_0002F.MP4"
    assert [frame["offset_s"] for frame in truth["frames"]] == pytest.approx([n / 5 for n in range(10)])
    assert truth["frames"][0]["captured"] == "2026-11-23T10:15:02.000Z"
    assert {"kind", "name", "bbox_xyxy", "visible", "lon", "lat", "distance_m", "text"} == set(
        truth["frames"][0]["things"][0]
    )


def test_a_drive_is_rendered_once(drive):
    again = recorded_drive(drive.folder.parent, SMALL, started_at=datetime(2027, 1, 1, tzinfo=UTC))

    assert not again.is_new
    assert again.recordings == drive.recordings


def test_other_parameters_are_another_drive():
    assert DriveSettings(seed=8).key != DriveSettings(seed=7).key == DriveSettings().key


def test_a_stopped_drive_leaves_nothing(tmp_path):
    stop = threading.Event()
    stop.set()

    with pytest.raises(Unavailable, match="stopped"):
        recorded_drive(tmp_path, SMALL, started_at=STARTED_AT, stop=stop, workers=1)

    assert list(tmp_path.iterdir()) == []


def test_processes_render_the_same_as_this_one(drive, tmp_path):
    seen = []

    other = recorded_drive(
        tmp_path, SMALL, started_at=STARTED_AT, workers=2, progress=lambda done, total: seen.append((done, total))
    )

    assert seen[-1] == (20, 20)
    for one, two in zip(drive.recordings, other.recordings, strict=True):
        assert one.read_bytes() == two.read_bytes()


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")

    with pytest.raises(HostError, match="cannot write the simulated drive"):
        recorded_drive(blocked / "drives", SMALL, started_at=STARTED_AT)


@pytest.mark.parametrize("wrong", [{"duration_s": 0}, {"duration_s": 999}, {"clip_s": 5}, {"frames_per_s": 0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(InputError):
        DriveSettings(**wrong)
