import os
import stat

import pytest

from dashlight.errors import HostError
from dashlight.store.upkeep import Readiness, open_store


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path)
    yield opened
    opened.database.close()


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


def commits(database):
    """Count what is asked of the writer from now on."""
    asked, submit = [], database.submit

    def counting(job):
        asked.append(job)
        return submit(job)

    database.submit = counting
    return asked


def test_whoever_asks_often_makes_the_disk_write_once_in_five_seconds(store):
    clock, asked = Clock(), commits(store.database)
    readiness = Readiness(store.database, store.objects, now_s=clock)

    for _ in range(100):
        readiness.check()
    within = len(asked)
    clock.now_s += Readiness.KEEP_S
    readiness.check()

    assert (within, len(asked)) == (1, 2)


def test_a_disk_that_refuses_is_told_until_it_is_tried_again(store, tmp_path):
    clock = Clock()
    readiness = Readiness(store.database, store.objects, now_s=clock)
    staging = tmp_path / "staging"
    staging.rmdir()

    for _ in range(2):
        with pytest.raises(HostError):
            readiness.check()
    staging.mkdir()
    with pytest.raises(HostError):
        readiness.check()
    clock.now_s += Readiness.KEEP_S

    readiness.check()


def test_only_their_owner_reads_the_files_of_a_store_even_in_a_folder_made_before(tmp_path):
    before = os.umask(0o022)
    try:
        folder = tmp_path / "made before"
        folder.mkdir(mode=0o755)
        store = open_store(folder)
        with store.database.read():
            modes = {p.name: stat.filemode(p.stat().st_mode) for p in folder.iterdir() if p.is_file()}
        store.database.close()
    finally:
        os.umask(before)

    assert {"dashlight.sqlite", "dashlight.sqlite-wal", "dashlight.sqlite-shm", "server.key"} <= set(modes)
    assert set(modes.values()) == {"-rw-------"}


def test_a_database_that_others_could_read_is_closed_to_them(tmp_path):
    open_store(tmp_path).database.close()
    (tmp_path / "dashlight.sqlite").chmod(0o644)

    open_store(tmp_path).database.close()

    assert stat.filemode((tmp_path / "dashlight.sqlite").stat().st_mode) == "-rw-------"
