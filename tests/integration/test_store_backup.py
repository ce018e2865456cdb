"""A backup of a live server, and what a restore of it must not bring back."""

import io
import json
import sqlite3
import tarfile
import threading

import made_bundles
import pytest
from servers import ServerProcess, draw_tokens, personal_archive, served

from dashlight.cli import main
from dashlight.errors import Corrupt, InputError
from dashlight.model import Policy
from dashlight.store import erasures as lists
from dashlight.store.backup import CONTENTS, back_up, erase_in_backup, restore
from dashlight.store.erasures import Erasures, decode_erasures, encode_erasures, erasures_in
from dashlight.wire import bundle_key, deletion_secret, sign, to_base64url

SEED = made_bundles.SEED


def path_of(picture_id):
    return f"/v1/pictures/{picture_id}/picture.jpg"


def erased_one(running, receipt, bundle_number, picture_number):
    """Erase a picture as its owner does; return its id."""
    picture_id = receipt.picture_ids[picture_number]
    secret = to_base64url(deletion_secret(SEED, bundle_number, picture_number))
    reply = running.client.delete(f"/v1/pictures/{picture_id}", headers={"Dashlight-Deletion-Secret": secret})
    assert reply.status_code == 204, reply.text
    return picture_id


def erased_bundle(running, archive, bundle_number):
    sha256 = made_bundles.sha256_of(archive)
    signature = to_base64url(sign(bundle_key(SEED, bundle_number), "forget", sha256.encode()))
    reply = running.client.request("DELETE", f"/v1/bundles/{sha256}", headers={"Dashlight-Signature": signature})
    assert reply.status_code == 204, reply.text


def bytes_below(folder):
    return b"".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())


def test_a_server_that_is_backed_up_under_ingest_comes_back_whole(tmp_path):
    data, copy, again = tmp_path / "data", tmp_path / "copy", tmp_path / "again"
    stop, receipts = threading.Event(), []
    with served(data) as running:
        token = iter(draw_tokens(data, 400))
        receipts.append(running.publish(made_bundles.archive(3, bundle_number=8000), next(token)))
        begun = threading.Event()

        def ingest():
            for number in range(8001, 8400):
                if stop.is_set():
                    return
                receipts.append(running.publish(made_bundles.archive(2, bundle_number=number), next(token)))
                begun.set()

        thread = threading.Thread(target=ingest)
        thread.start()
        assert begun.wait(30)
        before = len(receipts)

        code = main(["store", "backup", "--data", str(data), "--output", str(copy), "--json"])

        stop.set()
        thread.join(60)
        served_before = {
            i: running.client.get(path_of(i)).content for receipt in receipts[:before] for i in receipt.picture_ids
        }
        key = running.server_key

    assert code == 0
    assert main(["store", "restore", "--backup", str(copy), "--data", str(again), "--without-erasures"]) == 0
    with served(again) as restored:
        assert restored.server_key == key
        assert {i: restored.client.get(path_of(i)).content for i in served_before} == served_before
        restored.publish(made_bundles.archive(2, bundle_number=8999))
        assert restored.client.get("/v1/instance").json()["pictures"] >= len(served_before) + 2
    assert {p.stat().st_mtime for p in (again / "objects").rglob("*.tar")} <= {0.0}
    assert all(p.stat().st_mode & 0o077 == 0 for folder in (copy, again) for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("source", ["list", "data", "backup"])
def test_what_was_taken_back_after_the_backup_stays_taken_back(tmp_path, source, capsys):
    data, copy, again = tmp_path / "data", tmp_path / "copy", tmp_path / "again"
    with served(data) as running:
        # The fourth picture is in the first bundle alone, so that its bytes can be looked for.
        archives = [made_bundles.archive(3 + (n == 8100), bundle_number=n) for n in (8100, 8101, 8102)]
        receipts = [running.publish(archive) for archive in archives]
        back_up(data, copy)
        one = erased_one(running, receipts[0], 8100, 3)
        erased_bundle(running, archives[1], 8101)
        hidden = receipts[2].picture_ids[0]
        running.client.post(f"/v1/pictures/{hidden}/report", json={"issue": "privacy"})
        late = running.publish(made_bundles.archive(1, bundle_number=8103))
        unknown = erased_one(running, late, 8103, 0)
        if source == "list":
            known = tmp_path / "erasures.txt"
            assert main(["store", "erasures", "--data", str(data), "--output", str(known)]) == 0
        elif source == "data":
            known = data
        else:
            known = tmp_path / "newer"
            back_up(data, known)
        kept = [*receipts[0].picture_ids[:3], *receipts[2].picture_ids[1:]]
        expected = {i: running.client.get(path_of(i)).content for i in kept}

    command = ["store", "restore", "--backup", str(copy), "--data", str(again), "--erasures", str(known), "--json"]
    assert main(command) == 0

    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said == {"event": "restored", "pictures": 6, "taken_back": 5}
    with served(again) as restored:
        for gone in (one, *receipts[1].picture_ids, hidden, unknown):
            assert restored.client.get(path_of(gone)).status_code == 410
        assert {i: restored.client.get(path_of(i)).content for i in kept} == expected
        again_put = restored.put(archives[1], policy=Policy.FLEET)
        assert again_put.status_code == 409
    erased_jpeg = _jpeg_in(archives[0], 3)
    assert erased_jpeg in bytes_below(copy)
    assert erased_jpeg not in bytes_below(again)


def _jpeg_in(archive, number):
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.extractfile(f"{number:04}.jpg").read()


def test_what_was_taken_back_can_be_erased_in_a_backup_too(tmp_path):
    data, copy, again = tmp_path / "data", tmp_path / "copy", tmp_path / "again"
    with served(data) as running:
        archive = made_bundles.archive(3, bundle_number=8200)
        receipt = running.publish(archive)
        back_up(data, copy)
        one = erased_one(running, receipt, 8200, 2)

        erase = ["store", "erase", "--backup", str(copy), "--erasures", str(data)]
        assert (main([*erase, "--dry-run"]), main(erase)) == (0, 2)
        assert _jpeg_in(archive, 2) in bytes_below(copy)
        assert main([*erase, "--yes"]) == 0

    assert _jpeg_in(archive, 2) not in bytes_below(copy)
    assert _jpeg_in(archive, 0) in bytes_below(copy)
    restore(copy, again, Erasures())
    with served(again) as restored:
        assert restored.client.get(path_of(one)).status_code == 410
        assert restored.client.get(path_of(receipt.picture_ids[0])).status_code == 200
    assert erase_in_backup(copy, erasures_in(data / "dashlight.sqlite")) == 0


def test_what_must_be_forgotten_soon_is_not_in_a_backup(tmp_path):
    data, copy = tmp_path / "data", tmp_path / "copy"
    with served(data) as running:
        receipt = running.publish(made_bundles.archive(2, bundle_number=8300))
        archive = personal_archive(3, 8301)
        running.publish(archive, policy=Policy.PERSONAL)
        said = {"issue": "privacy", "comment": "my house is number seventeen"}
        running.client.post(f"/v1/pictures/{receipt.picture_ids[0]}/report", json=said)

        copied = back_up(data, copy)

    assert (copied.pictures, copied.objects, copied.left_out) == (2, 1, 1)
    kept = bytes_below(copy)
    assert _jpeg_in(archive, 0) not in kept
    assert b"seventeen" not in kept
    assert not (copy / "dashlight.sqlite-wal").exists()
    rows = sqlite3.connect(copy / "dashlight.sqlite")
    assert rows.execute("SELECT count(*) FROM bundle WHERE state = 1").fetchone() == (0,)
    assert rows.execute("SELECT count(*) FROM report").fetchone() == (1,)
    rows.close()


def test_an_erasure_while_the_copy_is_made_is_in_the_copy(tmp_path, monkeypatch):
    data, copy = tmp_path / "data", tmp_path / "copy"
    with served(data) as running:
        archives = [made_bundles.archive(2, bundle_number=n) for n in (8400, 8401)]
        receipts = [running.publish(archive) for archive in archives]
        real = lists.read_only
        calls = []

        def erasing(path, **how):
            calls.append(path)
            if len(calls) == 3:  # After the snapshot and the objects, before what was taken back meanwhile.
                erased_one(running, receipts[0], 8400, 0)
                erased_bundle(running, archives[1], 8401)
            return real(path, **how)

        monkeypatch.setattr(lists, "read_only", erasing)
        monkeypatch.setattr("dashlight.store.backup.read_only", erasing)
        copied = back_up(data, copy)

    assert (copied.pictures, copied.taken_back) == (1, 3)
    assert _jpeg_in(archives[0], 0) not in bytes_below(copy)
    assert _jpeg_in(archives[1], 0) not in bytes_below(copy)


def test_a_restored_folder_starts_as_a_process(tmp_path):
    data, copy, again = tmp_path / "data", tmp_path / "copy", tmp_path / "again"
    with served(data) as running:
        running.publish(made_bundles.archive(2, bundle_number=8500))
        back_up(data, copy)
    restore(copy, again, Erasures())

    process = ServerProcess(again).start()

    assert process.stop() == 0


@pytest.fixture
def small(tmp_path):
    with served(tmp_path / "data") as running:
        running.publish(made_bundles.archive(2, bundle_number=8600))
        back_up(tmp_path / "data", tmp_path / "copy")
    return tmp_path


def test_nothing_is_written_over(small):
    with pytest.raises(InputError, match="not an empty folder"):
        restore(small / "copy", small / "data", Erasures())
    with pytest.raises(InputError, match="not an empty folder"):
        back_up(small / "data", small / "copy")
    with pytest.raises(InputError, match="no server's data"):
        back_up(small / "nothing", small / "other")
    assert not (small / "other").exists()


def test_a_restore_that_is_not_told_of_erasures_is_refused(small, capsys):
    command = ["store", "restore", "--backup", str(small / "copy"), "--data", str(small / "again")]

    assert main(command) == 2
    assert main([*command, "--without-erasures", "--erasures", str(small / "data")]) == 2
    assert "public again" in capsys.readouterr().err
    assert not (small / "again").exists()


@pytest.mark.parametrize("damaged", ["objects", "dashlight.sqlite", CONTENTS])
def test_a_damaged_backup_is_not_restored(small, damaged):
    (path,) = [p for p in [small / "copy" / damaged, *(small / "copy" / damaged).rglob("*")] if p.is_file()]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)

    with pytest.raises((Corrupt, InputError)):
        restore(small / "copy", small / "again", Erasures())

    assert not (small / "again" / "dashlight.sqlite").exists()


def _flip_a_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def test_damage_to_a_backup_is_not_made_good_by_erasing_in_it(small):
    (object_path,) = [p for p in (small / "copy" / "objects").rglob("*") if p.is_file()]
    _flip_a_byte(object_path)
    before = (small / "copy" / CONTENTS).read_bytes()

    with pytest.raises(Corrupt, match="not the one that was backed up"):
        erase_in_backup(small / "copy", Erasures(frozenset({b"x" * 16})))

    assert (small / "copy" / CONTENTS).read_bytes() == before


def test_an_erasure_in_a_backup_that_was_broken_off_is_finished_and_not_restored_before(small, monkeypatch):
    taken = erasures_in(small / "copy" / "dashlight.sqlite")
    with sqlite3.connect(small / "copy" / "dashlight.sqlite") as rows:
        (one,) = rows.execute("SELECT id FROM picture LIMIT 1").fetchone()
    rows.close()
    wanted = taken | Erasures(frozenset({one}))

    def killed(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("dashlight.store.backup._counted_hashes", killed)
        with pytest.raises(KeyboardInterrupt):
            erase_in_backup(small / "copy", wanted)

    with pytest.raises(InputError, match="broken off"):
        restore(small / "copy", small / "again", Erasures())
    assert erase_in_backup(small / "copy", wanted) == 0
    assert restore(small / "copy", small / "again", Erasures()).pictures == 1


@pytest.mark.parametrize(
    "contents",
    [
        b"[" * 100_000,
        b"[]",
        b'{"format": "dashlight-backup-1", "objects": {}}',
        b'{"format": "dashlight-backup-1", "objects": [], "database": ""}',
        b'{"format": "dashlight-backup-2", "objects": {}, "database": ""}',
    ],
)
def test_contents_that_are_none_are_refused(small, contents):
    (small / "copy" / CONTENTS).write_bytes(contents)

    with pytest.raises((Corrupt, InputError)):
        restore(small / "copy", small / "again", Erasures())


def test_a_backup_does_not_lie_where_the_server_sweeps(small):
    for inside in (small / "data" / "backup", small / "data" / "objects" / "b"):
        with pytest.raises(InputError, match="inside"):
            back_up(small / "data", inside)
        assert not inside.exists()
    with pytest.raises(InputError, match="inside"):
        restore(small / "copy", small / "copy" / "again", Erasures())


def test_a_list_that_is_older_than_the_backup_is_refused(tmp_path, capsys):
    data, copy, again = tmp_path / "data", tmp_path / "copy", tmp_path / "again"
    with served(data) as running:
        receipt = running.publish(made_bundles.archive(2, bundle_number=8700))
        assert main(["store", "erasures", "--data", str(data), "--output", str(tmp_path / "old.txt")]) == 0
        erased_one(running, receipt, 8700, 0)
        back_up(data, copy)
        erased_one(running, receipt, 8700, 1)
        assert main(["store", "erasures", "--data", str(data), "--output", str(tmp_path / "new.txt")]) == 0
    held = sorted(copy.iterdir())
    command = ["store", "restore", "--backup", str(copy), "--data", str(again), "--erasures"]

    assert main([*command, str(tmp_path / "old.txt")]) != 0
    assert "older than the backup" in capsys.readouterr().err
    assert main([*command, str(copy)]) != 0
    assert "the backup itself" in capsys.readouterr().err
    assert not again.exists()
    assert main([*command, str(tmp_path / "new.txt")]) == 0
    assert sorted(copy.iterdir()) == held, "nothing is written beside a backup: its disk may be a read-only one"


def test_a_backup_of_a_folder_is_not_taken_for_that_of_a_database(small, monkeypatch, capsys):
    monkeypatch.setenv("DASHLIGHT_SERVER_DATABASE_URL", "postgresql://me:hunter2@db/dashlight")

    assert main(["store", "backup", "--data", str(small / "data"), "--output", str(small / "other")]) != 0
    assert main(["store", "erasures", "--data", str(small / "data")]) != 0

    said = capsys.readouterr()
    assert "database_url" in said.err
    assert "hunter2" not in said.err + said.out
    assert not (small / "other").exists()


def test_a_key_that_lies_elsewhere_is_in_the_backup(small, monkeypatch):
    (small / "data" / "server.key").rename(small / "its.key")
    monkeypatch.setenv("DASHLIGHT_SERVER_KEY_FILE", str(small / "its.key"))

    assert main(["store", "backup", "--data", str(small / "data"), "--output", str(small / "other")]) == 0

    assert (small / "other" / "server.key").read_bytes() == (small / "its.key").read_bytes()


def test_a_backup_that_was_broken_off_is_none(small):
    (small / "copy" / CONTENTS).unlink()

    with pytest.raises(InputError, match="not finished"):
        restore(small / "copy", small / "again", Erasures())


def test_a_list_of_erasures_reads_as_it_was_written():
    some = Erasures(frozenset({bytes(16), b"a" * 16}), frozenset({b"b" * 32}), frozenset({b"c" * 16}))

    assert decode_erasures(encode_erasures(some)) == some
    assert decode_erasures(encode_erasures(Erasures())) == Erasures()


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"dashlight erasures 1\n",
        b"dashlight erasures 2\nend 0\n",
        b"\xff\xfe",
        b"dashlight erasures 1\npicture 00\nend 1\n",
        b"dashlight erasures 1\nplate 00000000-0000-0000-0000-000000000000\nend 1\n",
        b"dashlight erasures 1\npicture zz\nend 1\n",
    ],
)
def test_a_list_that_is_cut_short_or_none_is_refused(broken):
    with pytest.raises(InputError):
        decode_erasures(broken)


def test_a_list_that_lost_its_tail_is_refused():
    whole = encode_erasures(Erasures(frozenset(bytes([n]) * 16 for n in range(9))))

    for end in range(len(whole) - 1):
        with pytest.raises(InputError):
            decode_erasures(whole[:end])
