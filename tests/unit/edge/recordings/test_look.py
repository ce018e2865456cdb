"""A watched folder: files that are being written are left alone, and a camera may be unplugged."""

import os
import shutil

import pytest

from dashlight.edge.recordings import Look


@pytest.fixture
def card(tmp_path):
    folder = tmp_path / "card"
    folder.mkdir()
    return folder


def written(path, content, at):
    path.write_bytes(content)
    os.utime(path, (at, at))
    return path


def test_a_file_counts_only_after_it_has_settled(card):
    look = Look([card], settle_s=10)
    written(card / "a.mp4", b"x" * 10, 1000)

    assert look.settled(2000.0) == []
    assert look.settled(2009.0) == []
    assert [r.path.name for r in look.settled(2010.0)] == ["a.mp4"]
    assert look.settled(2020.0) == []


def test_a_file_that_grows_is_left_alone(card):
    look = Look([card], settle_s=10)
    for n in range(5):
        written(card / "a.mp4", b"x" * (n + 1), 1000 + n)
        assert look.settled(2000.0 + 6 * n) == []

    assert len(look.settled(2034.0)) == 1


def test_a_file_that_changes_later_is_offered_again(card):
    look = Look([card], settle_s=10)
    written(card / "a.mp4", b"x", 1000)
    look.settled(2000.0)
    look.settled(2010.0)
    written(card / "a.mp4", b"longer", 1001)

    assert look.settled(2020.0) == []
    assert len(look.settled(2030.0)) == 1


def test_a_camera_that_is_unplugged_is_told_once_and_offered_again(card):
    look = Look([card], settle_s=10)
    written(card / "a.mp4", b"x", 1000)
    look.settled(2000.0)
    look.settled(2010.0)
    shutil.rmtree(card)

    assert look.gone() == [card]
    assert look.gone() == []
    assert look.settled(2020.0) == []

    card.mkdir()
    written(card / "a.mp4", b"x", 1000)

    assert look.returned() == [card]
    assert look.returned() == []
    assert len(look.settled(2040.0)) == 1


def test_other_files_are_passed_over(card):
    look = Look([card], settle_s=0)
    written(card / "notes.txt", b"x", 1000)

    assert look.settled(2000.0) == []


def test_positions_without_a_video_are_told_once_when_no_video_came(card):
    look = Look([card], settle_s=10)
    gpx = written(card / "drive.gpx", b"<gpx/>", 1000)

    assert look.settled(2000.0) == []
    assert look.settled(2100.0) == []  # Its video may be on its way.
    assert [(each.path, each.code) for each in look.settled(2130.0)] == [(gpx, "no-video")]
    assert look.settled(3000.0) == []


def test_positions_beside_a_video_are_not_told(card):
    look = Look([card], settle_s=10)
    written(card / "drive.gpx", b"<gpx/>", 1000)
    video = written(card / "drive.mp4", b"x" * 10, 1000)

    look.settled(2000.0)
    found = look.settled(2020.0) + look.settled(2130.0) + look.settled(3000.0)

    assert [each.path for each in found] == [video]
