"""Programs of other people, which `npm ci` and the system bring; a test whose program is missing says so."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from dashlight.edge.recordings.telemetry import exiftool

NODE_MODULES = Path(__file__).parents[2] / "node_modules"


@pytest.fixture(scope="session")
def program():
    """Return the path of a program of the system, or skip."""

    def found(name):
        path = shutil.which(name)
        if path is None:
            pytest.skip(f"{name} is not installed: the independent reader is missing")
        return path

    return found


@pytest.fixture(scope="session")
def exiftool_folder(program):
    """Return the folder of an exiftool that is new enough."""
    program("perl")
    path = NODE_MODULES / "exiftool-vendored.pl" / "bin"
    if not (path / "exiftool").exists():
        pytest.skip("exiftool 13 is not in node_modules: run `npm ci`")
    return path


@pytest.fixture
def with_exiftool(exiftool_folder, monkeypatch):
    """Put exiftool on the path of this process, as a user who installed it has it."""
    monkeypatch.setenv("PATH", str(exiftool_folder), prepend=os.pathsep)
    exiftool.program.cache_clear()
    yield exiftool_folder / "exiftool"
    monkeypatch.undo()
    exiftool.program.cache_clear()


@pytest.fixture
def without_exiftool(monkeypatch, tmp_path):
    """Leave nothing on the path of this process."""
    monkeypatch.setenv("PATH", str(tmp_path))
    exiftool.program.cache_clear()
    yield
    monkeypatch.undo()
    exiftool.program.cache_clear()


@pytest.fixture(scope="session")
def node(program):
    """Return a function that gives a module of JavaScript bytes and returns what it writes."""
    path = program("node")

    def run(source, content):
        command = [path, "--input-type=module", "-e", source]
        done = subprocess.run(
            command, input=content, cwd=NODE_MODULES.parent, capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run
