"""The shipped units, as systemd itself reads them."""

import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("*.service"))
pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


@pytest.mark.parametrize("unit", UNITS, ids=lambda p: p.stem)
def test_a_unit_is_exposed_less_than_two_of_ten(unit):
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(unit)]

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 0, done.stdout[-300:] + done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda p: p.stem)
def test_a_unit_has_no_line_that_systemd_does_not_know(unit):
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60
    )

    # The program is not installed where this runs; nothing else may be wrong.
    complaints = [line for line in done.stderr.splitlines() if unit.name in line and "not executable" not in line]
    assert complaints == []
