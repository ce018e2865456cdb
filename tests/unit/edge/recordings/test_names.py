from datetime import datetime

import pytest

from dashlight.edge.recordings.names import named
from dashlight.edge.recordings.recording import CameraPosition

FRONT, REAR, INTERIOR, UNKNOWN = CameraPosition
MOMENT = datetime(2026, 2, 15, 14, 41, 20)  # noqa: DTZ001 -- wall clocks in names have no zone


@pytest.mark.parametrize(
    ("stem", "folders", "position", "is_parking"),
    [
        ("NO20260215-144120-000002F", ["Front", "Normal"], FRONT, False),
        ("NO20260215-144120-000002B", ["Back", "Normal"], REAR, False),
        ("EV20260215-144120-000002F", ["Front", "Event"], FRONT, False),
        ("PA20260215-144120-000002F", ["Front", "Parking"], FRONT, True),
        ("20260215_144120_NF", ["Record", "BlackVue"], FRONT, False),
        ("20260215_144120_NR", ["Record", "BlackVue"], REAR, False),
        ("20260215_144120_EF", ["Record", "BlackVue"], FRONT, False),
        ("20260215_144120_PF", ["Record", "BlackVue"], FRONT, True),
        ("20260215_144120_NI", ["Record", "BlackVue"], INTERIOR, False),
        ("2026_0215_144120_002F", ["Movie", "DCIM"], FRONT, False),
        ("2026_0215_144120_002R", ["Movie", "DCIM"], REAR, False),
        ("20260215144120_000002F", ["Movie", "DCIM"], FRONT, False),
        ("20260215144120_000002", ["Movie_R", "CARDV"], REAR, False),
        ("20260215144120_000002F", ["RO", "Movie", "DCIM"], FRONT, False),
        ("20260215144120_000002F", ["Parking", "Movie", "DCIM"], FRONT, True),
        ("20260215_144120_00002_N_A", ["Normal"], FRONT, False),
        ("REC_2026_02_15_14_41_20_F", ["cont_rec"], FRONT, False),
        ("REC_2026_02_15_14_41_20_R", ["evt_rec"], REAR, False),
        ("260215_144120_002_FH", ["DCIM"], FRONT, False),
        ("FILE260215-144120F", ["Emergency"], FRONT, False),
        ("2026-02-15_14-41-20-front", ["SentryClips"], FRONT, True),
        ("2026-02-15_14-41-20-back", ["RecentClips"], REAR, False),
    ],
)
def test_cameras_names_are_understood(stem, folders, position, is_parking):
    told = named(stem, folders)

    assert (told.at, told.camera_position, told.is_parking) == (
        MOMENT,
        position,
        is_parking,
    )


@pytest.mark.parametrize("stem", ["GX010042", "solidWhiteRight", "dash cam", "IMG_1234", "20261315_994120", ""])
def test_names_without_a_time_tell_none(stem):
    assert named(stem).at is None


def test_an_ordinary_name_is_of_no_known_camera():
    assert named("clip", ["holiday"]).camera_position is UNKNOWN


def test_the_files_of_one_moment_are_a_pair():
    assert named("2026_0215_144120_002F").pair == named("2026_0215_144120_002R").pair
    assert named("2026_0215_144120_002F").pair != named("2026_0215_144220_003F").pair
