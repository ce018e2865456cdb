import os
import stat

import pytest

from dashlight.errors import HostError
from dashlight.store import durable
from dashlight.store.durable import adopt_durably, make_folder, remove_durably, write_durably, zero_durably


@pytest.fixture
def calls(monkeypatch):
    """Record what is synced and renamed, in order; the real calls happen."""
    made = []
    real_fsync = os.fsync

    def fsync(handle):
        made.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        real_fsync(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    return made


def test_content_is_synced_before_its_name_and_the_name_before_the_answer(tmp_path, calls):
    write_durably(tmp_path / "a", b"content")

    assert calls == ["file", "folder"]
    assert (tmp_path / "a").read_bytes() == b"content"


def test_a_file_that_is_adopted_is_synced_first(tmp_path, calls):
    (tmp_path / "part").write_bytes(b"content")

    adopt_durably(tmp_path / "part", tmp_path / "a")

    assert calls == ["file", "folder"]
    assert not (tmp_path / "part").exists()


def test_a_failed_write_leaves_what_was_there_and_nothing_else(tmp_path, monkeypatch):
    write_durably(tmp_path / "a", b"old")

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HostError, match="No space left"):
        write_durably(tmp_path / "a", b"new")

    assert (tmp_path / "a").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_file_is_readable_by_its_owner_only(tmp_path):
    write_durably(tmp_path / "a", b"x")

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_a_range_is_zeroed_and_the_rest_stays(tmp_path, calls):
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)

    zero_durably(tmp_path / "a", 1_000, 2_000_000)

    assert (tmp_path / "a").read_bytes() == b"x" * 1_000 + bytes(2_000_000) + b"x" * 999_000
    assert calls == ["file"]


def test_removing_what_is_not_there_is_no_error(tmp_path):
    remove_durably(tmp_path / "a")


def test_folders_are_made_durably_from_the_top(tmp_path, calls):
    make_folder(tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").is_dir()
    assert calls == ["folder", "folder"]


def test_an_unfinished_file_is_told_by_its_name(tmp_path):
    part = durable.part_path(tmp_path)

    assert durable.is_part(part)
    assert not durable.is_part(tmp_path / "picture.jpg")
