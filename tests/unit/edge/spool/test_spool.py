"""The spool: whole bundles or nothing, within a budget."""

import errno
import hashlib

import pytest

from dashlight.edge.spool import Spool, SpoolFull
from dashlight.errors import Corrupt, HostError


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool", budget_bytes=1000)


def test_what_is_put_is_read_back(spool):
    sha256 = spool.put(b"bundle")

    assert sha256 == hashlib.sha256(b"bundle").hexdigest()
    assert spool.read(sha256) == b"bundle"
    assert spool.used_bytes() == 6


def test_putting_it_again_changes_nothing(spool):
    assert spool.put(b"bundle") == spool.put(b"bundle")
    assert spool.used_bytes() == 6


def test_a_full_spool_says_so_and_leaves_nothing_behind(spool):
    spool.put(bytes(900))

    with pytest.raises(SpoolFull, match="MB more do not fit") as caught:
        spool.put(bytes(range(101)))

    assert caught.value.exit_code == 7
    assert caught.value.hint
    assert spool.used_bytes() == 900


def test_the_disk_keeps_what_is_to_be_kept_free(tmp_path):
    spool = Spool(tmp_path / "spool", budget_bytes=1000, keep_free_bytes=1 << 60)

    with pytest.raises(SpoolFull, match="kept free"):
        spool.put(b"x")


def test_room_comes_back_when_a_bundle_is_dropped(spool):
    sha256 = spool.put(bytes(900))
    spool.drop(sha256)
    spool.drop(sha256)

    assert spool.put(bytes(950))


def test_bytes_that_changed_are_not_read(spool, tmp_path):
    sha256 = spool.put(b"bundle")
    (tmp_path / "spool" / f"{sha256}.bundle").write_bytes(b"bundlf")

    with pytest.raises(Corrupt, match="changed on disk"):
        spool.read(sha256)


def test_a_bundle_that_is_gone_is_told(spool):
    with pytest.raises(HostError, match="cannot read"):
        spool.read("0" * 64)


def test_a_sweep_takes_what_nobody_knows_and_keeps_the_rest(spool, tmp_path):
    kept, doomed = spool.put(b"kept"), spool.put(b"doomed")
    (tmp_path / "spool" / ".abc.part").write_bytes(b"half")

    assert spool.sweep({kept}) == 2
    assert spool.names() == {kept}
    assert doomed not in spool.names()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_while_we_write_is_a_full_spool(spool, monkeypatch, number):
    def refuse(_handle):
        raise OSError(number, "no room")

    monkeypatch.setattr("os.fsync", refuse)

    with pytest.raises(SpoolFull, match="is full"):
        spool.put(b"bundle")

    assert spool.used_bytes() == 0


def test_a_spool_that_is_gone_is_told_by_every_question(tmp_path):
    spool = Spool(tmp_path / "spool", budget_bytes=1000)
    (tmp_path / "spool").rmdir()

    for ask in (spool.used_bytes, spool.names, spool.check_room, lambda: spool.sweep(set())):
        with pytest.raises(HostError, match="cannot read the spool"):
            ask()


def test_what_cannot_be_swept_is_told(spool, tmp_path):
    (tmp_path / "spool" / "folder").mkdir()

    with pytest.raises(HostError, match="cannot delete"):
        spool.sweep(set())
