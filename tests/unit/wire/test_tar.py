"""The narrow tar: one spelling for each archive."""

import io
import tarfile

import pytest

from dashlight.errors import Corrupt
from dashlight.wire import tar


def read(archive):
    return list(tar.members(memoryview(archive)))


@pytest.mark.parametrize("sizes", [[], [0], [1], [511], [512], [513], [0, 600, 512]])
def test_members_lie_where_write_says(sizes):
    contents = [(f"m{n}.jpg", bytes([n + 1]) * size) for n, size in enumerate(sizes)]

    archive, placed = tar.write(contents)

    assert tuple(read(archive)) == placed
    assert [archive[m.offset : m.offset + m.size_bytes] for m in placed] == [c for _, c in contents]
    assert len(archive) % tar.BLOCK == 0


@pytest.mark.parametrize("name", ["../x", "/x", "a/b", "A", "", ".x", "x" * 64, "a b", "a\\b"])
def test_a_name_that_is_no_plain_file_is_refused(name):
    with pytest.raises(Corrupt) as caught:
        read(tar.write([(name, b"x")])[0])

    assert caught.value.code == "bad-member-name"


@pytest.mark.parametrize(
    "kind",
    [tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE],
)
def test_links_devices_and_folders_have_no_spelling(kind):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo("a.jpg")
        member.type, member.linkname = kind, "b"
        archive.addfile(member)

    with pytest.raises(Corrupt, match="plain"):
        read(out.getvalue()[:1_536])


@pytest.mark.parametrize("format_", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_what_another_program_packed_is_refused(format_):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format_) as archive:
        member = tarfile.TarInfo("a.jpg")
        member.size, member.uid, member.mtime = 3, 1000, 1
        archive.addfile(member, io.BytesIO(b"abc"))

    with pytest.raises(Corrupt):
        read(out.getvalue())


def test_bytes_that_nobody_accounts_for_are_refused():
    archive, (member,) = tar.write([("a.jpg", b"abc")])

    for changed in (
        archive + bytes(512),
        archive + b"x",
        archive[:-1],
        archive[:-512],
        archive[:700],
        archive[:100],
        b"",
        archive[: member.offset + 4] + b"x" + archive[member.offset + 5 :],
        archive[:124] + b"77777777777\0" + archive[136:],
        archive[:124] + b"-0000000003\0" + archive[136:],
        archive[:300] + b"u" + archive[301:],
    ):
        with pytest.raises(Corrupt):
            read(changed)


def test_a_member_that_comes_twice_is_refused():
    with pytest.raises(Corrupt, match="twice"):
        read(tar.write([("a", b""), ("a", b"")])[0])
