"""The doctor: whatever is broken is a line that says so, and the clock is looked at with and without a server."""

import os
from datetime import UTC, datetime, timedelta

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

    assert doctor.newest_recording(tmp_path) == tmp_path / "a.mp4"


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
