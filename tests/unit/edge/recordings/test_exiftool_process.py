"""exiftool is a program of others that reads hostile files: what it may cost is bounded."""

import os
import time

import pytest

from dashlight.edge.recordings.telemetry import exiftool
from dashlight.errors import HostError, TooLarge

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-ins are shell scripts")


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Makes a program that does something else than exiftool where exiftool is looked for."""

    def make(script):
        program = tmp_path / "bin" / "exiftool"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\n[ "$1" = -ver ] && {{ echo 13.10; exit; }}\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
        exiftool.program.cache_clear()
        return tmp_path / "video.mp4"

    yield make
    exiftool.program.cache_clear()


def test_endless_output_is_cut_off(stand_in, monkeypatch):
    monkeypatch.setattr(exiftool, "MAX_OUTPUT_BYTES", 100_000)
    video = stand_in("yes aaaaaaaaaaaaaaaa")

    with pytest.raises(TooLarge, match="100000"):
        exiftool.read(video)


@pytest.mark.parametrize("script", ["sleep 60", "sleep 60 & sleep 60", "exec >&-; sleep 60"])
def test_one_that_hangs_is_ended_with_all_that_it_started(stand_in, monkeypatch, script):
    monkeypatch.setattr(exiftool, "TIMEOUT_S", 0.3)
    video = stand_in(script)
    began = time.monotonic()

    with pytest.raises(HostError, match="longer than"):
        exiftool.read(video)

    assert time.monotonic() - began < 20


def test_nobody_answers_what_it_asks(stand_in):
    video = stand_in('cat; printf "[{}]"')

    assert exiftool.read(video) is None


def test_a_name_that_looks_like_an_option_is_a_file(stand_in, tmp_path, monkeypatch):
    stand_in(f'for last; do :; done; printf %s "$last" > {tmp_path}/asked; printf "[{{}}]"')
    monkeypatch.chdir(tmp_path)

    assert exiftool.read(type(tmp_path)("-delete_original!.mp4")) is None

    assert (tmp_path / "asked").read_text() == str(tmp_path / "-delete_original!.mp4")
