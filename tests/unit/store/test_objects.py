import pytest

from dashlight.errors import Corrupt, NotFound
from dashlight.store.objects import LocalObjects


@pytest.fixture
def objects(tmp_path):
    return LocalObjects(tmp_path)


def put(objects, key, content):
    staged = objects.staging_file()
    staged.write_bytes(content)
    objects.adopt(staged, key)


def test_a_range_is_read_back(objects):
    put(objects, "bundles/ab/abc", b"0123456789")

    assert objects.read("bundles/ab/abc", 3, 4) == b"3456"
    assert list(objects.keys()) == ["bundles/ab/abc"]


def test_every_object_has_the_same_modification_time(objects, tmp_path):
    put(objects, "a/b", b"x")

    assert (tmp_path / "objects/a/b").stat().st_mtime == 0


def test_what_is_not_there_is_not_found(objects):
    with pytest.raises(NotFound):
        objects.read("a/b", 0, 1)


def test_an_object_that_is_too_short_is_corrupt(objects):
    put(objects, "a/b", b"0123")

    with pytest.raises(Corrupt):
        objects.read("a/b", 2, 10)


def test_zeroing_and_removing_may_be_repeated(objects):
    put(objects, "a/b", b"0123456789")
    for _ in range(2):
        objects.zero("a/b", [(2, 3)])
    assert objects.read("a/b", 0, 10) == b"01\0\0\x0056789"

    for _ in range(2):
        objects.remove("a/b")
    objects.zero("a/b", [(0, 1)])
    assert list(objects.keys()) == []


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../outside", "a/../../outside"])
def test_a_key_never_leads_out_of_the_folder(objects, key):
    with pytest.raises(NotFound):
        objects.remove(key)


def test_unfinished_files_are_swept(objects):
    objects.staging_file().write_bytes(b"half")

    assert objects.sweep_staging() == 1
    assert objects.sweep_staging() == 0
