"""`dashlight` as a person runs it: a process of its own, with a home, a temporary folder and nothing else."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass

import pytest

from dashlight.errors import HostError
from dashlight.vision.weights import NAMES, read_weights


def skip_without_weights():
    """Skip a test where the detectors' weights are not there."""
    try:
        for name in NAMES:
            read_weights(name)
    except HostError as exc:
        pytest.skip(f"the detectors' weights are not here: {exc.message}")


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    code: int
    rows: list
    stdout: str
    stderr: str

    @property
    def summary(self):
        """The last object, which sums up."""
        return self.rows[-1]

    def events(self, name):
        """Return the objects of one event."""
        return [row for row in self.rows if row.get("event") == name]


class EdgeCommand:
    """Runs `dashlight` with `--home` in `folder`."""

    def __init__(self, folder, **env):
        self.home = folder / "home"
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True, exist_ok=True)
        self._env = {
            **os.environ,  # noqa: TID251  # for a process of its own
            "TMPDIR": str(self.temporary),
            "DASHLIGHT_EDGE_KEEP_FREE_MB": "0",
            "DASHLIGHT_EDGE_BACKOFF_S": "0.05",
            "DASHLIGHT_EDGE_EVERY_M": "10",
            "DASHLIGHT_CONFIG": str(folder / "none.toml"),
            **env,
        }

    def start(self, *words):
        """Start a command and return its process."""
        command = [sys.executable, "-m", "dashlight", *words, "--home", str(self.home), "--json"]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self._env, cwd=self.temporary
        )

    def run(self, *words, timeout=120):
        """Run a command to its end."""
        return self.ended(self.start(*words), timeout=timeout)

    @staticmethod
    def ended(process, *, timeout=120):
        """Wait for the end of a started command."""
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            raise
        assert "Traceback" not in stderr, stderr
        return Done(process.returncode, [json.loads(line) for line in stdout.splitlines()], stdout, stderr)
