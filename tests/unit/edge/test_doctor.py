"""The doctor: whatever is broken is a line that says so, and the clock is looked at with and without a server."""

import os
from datetime import UTC, datetime, timedelta

import made_recordings
import pytest

from dashlight.cli import main
from dashlight.edge import doctor
from dashlight.edge.doctor import Health
from dashlight.edge.home import Home

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "home")
    home.seed()
    os.utime(home.path / "seed", (NOW.timestamp() - 3600,) * 2)
    return home


def lines(capsys):
    return {line.split()[1]: line.split()[0] for line in capsys.readouterr().out.splitlines() if line[0] != " "}


def test_a_link_that_leads_nowhere_is_passed_over(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"x")
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nothing.mp4")

    assert doctor.newest_recordings(tmp_path) == [tmp_path / "a.mp4"]


def recorded(folder, count, *, minutes=3):
    """Write short drives as a camera does, each file's time at its end; return the paths, the oldest first."""
    paths = []
    for n in range(count):
        start = made_recordings.START + timedelta(minutes=minutes * n)
        path = folder / f"{start:%Y%m%d_%H%M%S}.mp4"
        made_recordings.recording(path, 20, size=(160, 90), rate=2, start=start)
        os.utime(path, (start.timestamp() + 20,) * 2)
        paths.append(path)
    return paths


def told(folder):
    now = made_recordings.START + timedelta(days=2)
    return {check.name: check for check in doctor.positions(folder, now=now)}


def shifted(paths, seconds):
    for path in paths:
        os.utime(path, (path.stat().st_mtime + seconds,) * 2)


def test_a_clock_that_is_right_is_ok(tmp_path):
    recorded(tmp_path, 3)

    checks = told(tmp_path)

    assert {name: check.health for name, check in checks.items()} == {
        "positions": Health.OK,
        "camera clock": Health.OK,
    }
    assert "all of the newest 3" in checks["positions"].message


@pytest.mark.parametrize("seconds", [400, -400, 3600 + 400])
def test_a_clock_that_is_off_alike_in_every_file_is_told(tmp_path, seconds):
    shifted(recorded(tmp_path, 3), seconds)

    assert told(tmp_path)["camera clock"].health is Health.WARN


@pytest.mark.parametrize("seconds", [3600, -7200, 5.5 * 3600, 5.75 * 3600])
def test_a_zone_is_no_wrong_clock(tmp_path, seconds):
    shifted(recorded(tmp_path, 2), seconds)

    assert told(tmp_path)["camera clock"].health is Health.OK


def test_a_card_that_was_copied_is_no_wrong_clock(tmp_path):
    paths = recorded(tmp_path, 4)
    copied = made_recordings.START.timestamp() + 3600 + 1000
    for n, path in enumerate(paths):
        os.utime(path, (copied + n,) * 2)

    check = told(tmp_path)["camera clock"]

    assert check.health is Health.OK
    assert "of a copy" in check.message


def test_one_file_that_is_later_may_have_been_copied_and_one_that_is_earlier_was_not(tmp_path):
    (path,) = recorded(tmp_path, 1)

    shifted([path], 400)
    assert told(tmp_path)["camera clock"].health is Health.OK
    shifted([path], -800)
    assert told(tmp_path)["camera clock"].health is Health.WARN


def test_a_newest_file_without_positions_does_not_condemn_the_card(tmp_path):
    paths = recorded(tmp_path, 2)
    broken = tmp_path / "20260601_150000.mp4"
    broken.write_bytes(b"not a video")
    os.utime(broken, (paths[-1].stat().st_mtime + 600,) * 2)

    check = told(tmp_path)["positions"]

    assert (check.health, "1 of the newest 3" in check.message) == (Health.WARN, True)


def test_a_card_on_which_nothing_tells_positions_fails(tmp_path):
    for n in range(12):
        (tmp_path / f"{n:02}.mp4").write_bytes(b"not a video")

    checks = told(tmp_path)

    assert checks["positions"].health is Health.FAIL
    assert "the 9 before it" in checks["positions"].message
    assert "camera clock" not in checks


def test_what_the_disk_refuses_is_a_line():
    def refused():
        raise PermissionError(13, "Permission denied", "/card")

    check = doctor.checked("camera", refused)

    assert (check.health, check.message) == (Health.FAIL, "/card: Permission denied")
    assert check.fix


@pytest.mark.parametrize("broken", ["enrolment.json", "ledger.sqlite"])
def test_a_damaged_home_is_a_line_of_the_doctor(tmp_path, capsys, broken):
    home = Home(tmp_path / "home")
    (home.path / broken).write_bytes(b"not what it was" * 100)

    code = main(["doctor", "--home", str(home.path), "--weights", str(tmp_path)])

    assert code == 7
    assert lines(capsys)["server"] == "fail"


def test_the_clock_is_looked_at_without_a_server_too(home):
    assert doctor.clock(None, NOW, home).health is Health.OK
    assert doctor.clock(None, NOW - timedelta(hours=2), home).health is Health.FAIL
    assert doctor.clock(None, datetime(2000, 1, 1, tzinfo=UTC), home).health is Health.FAIL
    assert doctor.clock(NOW + timedelta(seconds=40), NOW, home).health is Health.WARN
    assert doctor.clock(NOW + timedelta(seconds=400), NOW, home).health is Health.FAIL
    assert doctor.clock(NOW, NOW, home).health is Health.OK
