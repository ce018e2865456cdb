"""`kill -9` at random moments of an import with upload; then everything starts again from what is on disk.

Afterwards: every picture of a run without kills is on the server, each once; every receipt holds; the spool is
empty; and no file lies anywhere but recordings, ledger, spool and settings.
"""

import json
import random
import signal
import sqlite3
import subprocess

import made_recordings
import pytest
from edge_commands import EdgeCommand, skip_without_weights
from kills import kills_of
from servers import ServerProcess, served

from dashlight.errors import Corrupt
from dashlight.model import Policy
from dashlight.wire import decode_bundle, from_base64url, verify_receipt

EXPECTED_FILES = {"seed", "enrolment.json", "ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "lock.sqlite"}


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    """A card with two clips that continue each other and one of another drive."""
    skip_without_weights()
    folder = tmp_path_factory.mktemp("card")
    start, here = made_recordings.START, made_recordings.HERE
    second = made_recordings.fixes(4)[-1]
    made_recordings.recording(folder / "20260601_110000.mp4", 4)
    made_recordings.recording(folder / "20260601_110004.mp4", 4, start=second.at, here=second.position)
    later = start + made_recordings.timedelta(hours=5)
    made_recordings.recording(folder / "20260601_160000.mp4", 4, start=later, here=here)
    return folder


def captured_on(server):
    reply = server.client.get("/v1/pictures", params={"bbox": "-180,-85,180,85", "limit": 500})
    features = reply.json()["features"]
    return sorted((f["properties"]["captured"], *f["geometry"]["coordinates"]) for f in features)


def enrol(edge, server):
    invite = server.invite(Policy.FLEET)
    assert edge.run("edge", "enroll", "--server", server.url, "--invite", invite, "--policy", "fleet").code == 0


@pytest.fixture(scope="module")
def undisturbed(card, tmp_path_factory):
    """What a run without kills publishes."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with served(folder / "server") as server:
        edge = EdgeCommand(folder, DASHLIGHT_EDGE_BUNDLE_PICTURES="2")
        enrol(edge, server)
        done = edge.run("edge", "import", str(card))
        assert done.code == 0, done.stderr
        published = captured_on(server)
        assert len(published) == done.summary["pictures"] > 8
        return published


def check_files(edge):
    """Check that nothing but what is meant to be there is on the disk."""
    names = {p.name for p in edge.home.iterdir() if p.is_file() and not p.name.endswith("-journal")}
    assert names <= EXPECTED_FILES, names
    assert list(edge.temporary.iterdir()) == []
    for path in (edge.home / "spool").iterdir():
        if path.suffix == ".bundle":
            decode_bundle(path.read_bytes(), sha256=path.stem)  # Whole, redacted, signed: never half a file.
        else:
            assert path.suffix == ".part"


def check_ledger(edge, server_key):
    """Check that every receipt holds and every bundle without one is in the spool."""
    with sqlite3.connect(edge.home / "ledger.sqlite") as ledger:
        rows = ledger.execute("SELECT sha256, state, receipt, pictures FROM bundles").fetchall()
        twice = ledger.execute("SELECT recording, offset_ms FROM pictures GROUP BY 1, 2 HAVING count(*) > 1").fetchall()
    ledger.close()
    assert twice == []
    for sha256, state, receipt, pictures in rows:
        if state == "received":
            assert verify_receipt(receipt, server_key=server_key, sha256=sha256).pictures == pictures
        else:
            assert (edge.home / "spool" / f"{sha256}.bundle").exists()
    return {row[0] for row in rows if row[1] == "received"}


def imported_under_kills(card, folder, undisturbed, rng, *, at_most):
    """Import a card into a new server and kill the import again and again until it is through; return the kills."""
    kills = 0
    with served(folder / "server") as server:
        edge = EdgeCommand(folder, DASHLIGHT_EDGE_BUNDLE_PICTURES="2")
        enrol(edge, server)
        acknowledged = set()
        while kills < at_most:
            process = edge.start("edge", "import", str(card))
            try:
                process.wait(timeout=rng.uniform(0.3, 8.0))
                break  # It came through; the next round begins with an empty edge.
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                kills += 1
            finally:
                process.communicate()
            if (edge.home / "ledger.sqlite").exists():
                received = check_ledger(edge, server.server_key)
                assert acknowledged <= received
                acknowledged = received
            check_files(edge)

        done = edge.run("edge", "import", str(card))

        assert done.code == 0, done.stderr
        assert done.summary["pending_bundles"] == 0
        assert captured_on(server) == undisturbed
        check_files(edge)
        assert list(edge.home.glob("spool/*")) == []
    return kills


def kills_in_rounds(one_round, what, card, undisturbed, tmp_path, *, seed):
    """Repeat a round, each in a folder of its own, until so many were killed; return kills and rounds."""
    rng = random.Random(seed)
    kills = rounds = 0
    while kills < kills_of(what):
        folder = tmp_path / str(rounds)
        folder.mkdir()
        kills += one_round(card, folder, undisturbed, rng, at_most=kills_of(what) - kills)
        rounds += 1
    return kills, rounds


@pytest.mark.soak
def test_killing_the_import_at_any_moment_loses_nothing_and_publishes_nothing_twice(
    card, undisturbed, tmp_path, record_property
):
    kills, rounds = kills_in_rounds(imported_under_kills, "import", card, undisturbed, tmp_path, seed=20261123)

    record_property("kills", kills)
    record_property("imports", rounds)
    record_property("pictures", len(undisturbed) * rounds)


def uploaded_under_kills(card, folder, undisturbed, rng, *, at_most):
    """Import a card while its server is killed again and again; return the kills."""
    server = ServerProcess(folder / "server").start()
    edge = EdgeCommand(folder, DASHLIGHT_EDGE_BUNDLE_PICTURES="2", DASHLIGHT_EDGE_UPLOAD_ATTEMPTS="100")
    command = ["invite", "create", "--data", str(server.folder), "--policy", "fleet", "--json"]
    invite = json.loads(subprocess.check_output([*server._command[:3], *command], text=True))["invite"]
    done = edge.run("edge", "enroll", "--server", server.url, "--invite", invite, "--policy", "fleet")
    assert done.code == 0, done.stderr
    server_key = from_base64url(done.rows[0]["server_key"], size=32)

    importing = edge.start("edge", "import", str(card))
    kills = 0
    while kills < at_most and importing.poll() is None:
        try:
            importing.wait(timeout=rng.uniform(0.5, 4.0))
        except subprocess.TimeoutExpired:
            server.kill()
            kills += 1
            server.start()
    ended = edge.ended(importing, timeout=240)
    last = edge.run("edge", "run", "--once")

    assert last.code == 0, last.stderr
    assert ended.code in (0, 5)
    assert len(check_ledger(edge, server_key)) > 0
    server.stop()
    with served(folder / "server") as again:
        assert captured_on(again) == undisturbed
    return kills


@pytest.mark.soak
def test_killing_the_server_during_uploads_loses_nothing_and_publishes_nothing_twice(
    card, undisturbed, tmp_path, record_property
):
    kills, rounds = kills_in_rounds(uploaded_under_kills, "upload", card, undisturbed, tmp_path, seed=20261124)

    record_property("kills", kills)
    record_property("imports", rounds)
    record_property("pictures", len(undisturbed) * rounds)


def test_a_spooled_file_that_was_half_written_is_never_sent(tmp_path, card):
    with served(tmp_path / "server") as server:
        edge = EdgeCommand(tmp_path)
        enrol(edge, server)
        done = edge.run("edge", "import", str(card), "--no-upload")
        assert done.summary["pending_bundles"] > 0
        victim = next(edge.home.glob("spool/*.bundle"))
        victim.write_bytes(victim.read_bytes()[:-100])

        sent = edge.run("edge", "run", "--once")

        assert sent.code == Corrupt.exit_code
        assert sent.summary["refused_bundles"] == 1
        assert victim.exists()
