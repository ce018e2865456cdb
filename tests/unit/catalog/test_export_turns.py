import json
from dataclasses import asdict
from pathlib import Path

import pytest

from dashlight.catalog.exports.process import settings_from
from dashlight.catalog.exports.turn import alone_in
from dashlight.config import ServerSettings
from dashlight.errors import Busy, HostError


def test_one_job_at_a_time_writes_to_a_folder(tmp_path):
    folder = tmp_path / ".out.unfinished"

    with alone_in(folder):
        (folder / "part-00000.parquet").write_bytes(b"PAR1")
        with pytest.raises(Busy, match="another export"), alone_in(folder):
            pass

        assert (folder / "part-00000.parquet").read_bytes() == b"PAR1"


def test_what_a_job_that_was_killed_has_left_is_removed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    folder = tmp_path / ".out.unfinished"
    (folder / "day=2026-11-23").mkdir(parents=True)
    (folder / "day=2026-11-23" / "pictures.parquet").touch()
    (folder / "part").touch()
    (folder / "link").symlink_to(elsewhere)

    with alone_in(folder):
        assert list(folder.iterdir()) == []

    assert (elsewhere / "kept").exists()


def test_a_folder_may_get_its_name_within_its_turn(tmp_path):
    with alone_in(tmp_path / ".out.unfinished"):
        (tmp_path / ".out.unfinished").rename(tmp_path / "out")
        with alone_in(tmp_path / ".out.unfinished"):
            pass


def test_a_file_in_the_way_is_a_fault_of_this_host(tmp_path):
    (tmp_path / ".out.unfinished").touch()

    with pytest.raises(HostError, match="cannot write"), alone_in(tmp_path / ".out.unfinished"):
        pass


def test_settings_survive_the_way_to_the_child():
    settings = ServerSettings(data=Path("data"), key_file=Path("key"), export_formats=("pmtiles",))

    assert settings_from(json.loads(json.dumps(asdict(settings), default=str))) == settings
    assert settings_from(json.loads(json.dumps(asdict(ServerSettings())))) == ServerSettings()
