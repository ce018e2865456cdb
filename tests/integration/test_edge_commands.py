"""The commands of the edge against a real server: from a recording to the map, and back out again."""

import os
import shutil
import signal
from pathlib import Path

import made_recordings
import pytest
from edge_commands import EdgeCommand, skip_without_weights
from servers import free_port, served

from dashlight.model import Policy, distance_m
from dashlight.model.lonlat import LonLat


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    """A camera's folder with one recording of six seconds at 15 m/s."""
    skip_without_weights()
    folder = tmp_path_factory.mktemp("card")
    made_recordings.recording(folder / "20260601_110000.mp4", 6)
    return folder


@pytest.fixture
def edge(tmp_path):
    return EdgeCommand(tmp_path)


@pytest.fixture
def server(tmp_path):
    with served(tmp_path / "server") as server:
        yield server


def on_the_map(server):
    reply = server.client.get("/v1/pictures", params={"bbox": "-180,-85,180,85", "limit": 500})
    return reply.json()["features"]


def enrolled(edge, server, policy="fleet"):
    invite = server.invite(Policy(policy))
    done = edge.run("edge", "enroll", "--server", server.url, "--invite", invite, "--policy", policy)
    assert done.code == 0, done.stderr
    return done


def test_a_recording_becomes_pictures_at_the_right_places_and_times(edge, server, card):
    done = edge.run(
        *("edge", "import", str(card), "--server", server.url, "--invite", server.invite(), "--policy", "fleet")
    )

    assert done.code == 0, done.stderr
    assert done.events("enrolled")[0]["license"] == "CC-BY-SA-4.0"
    assert done.events("recording")[0]["clock_note"]
    features = on_the_map(server)
    assert len(features) == done.summary["pictures"] == done.summary["uploaded_pictures"] >= 8
    start = made_recordings.START.timestamp()
    fixes = made_recordings.fixes(6)
    for feature in features:
        captured = feature["properties"]["captured"]
        offset_s = made_recordings.datetime.fromisoformat(captured).timestamp() - start
        assert -0.1 <= offset_s <= 6.1
        nearest = min(fixes, key=lambda f: abs((f.at.timestamp() - start) - offset_s))
        assert distance_m(LonLat(*feature["geometry"]["coordinates"]), nearest.position) < 9.0
        assert abs(feature["properties"]["view:azimuth"] - 80.0) < 3.0
    assert len({f["properties"]["sequence"] for f in features}) == 1


def test_the_same_recording_under_any_name_is_published_once(edge, server, card, tmp_path):
    enrolled(edge, server)
    first = edge.run("edge", "import", str(card))
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(next(card.glob("*.mp4")), copy / "another name.mp4")

    again, renamed = edge.run("edge", "import", str(card)), edge.run("edge", "import", str(copy))

    assert first.summary["pictures"] > 0
    for done in (again, renamed):
        assert (done.code, done.summary["known"], done.summary["pictures"]) == (0, 1, 0)
    assert len(on_the_map(server)) == first.summary["pictures"]


def test_without_enrolment_the_spool_fills_and_later_goes_up(edge, server, card):
    spooled = edge.run("edge", "import", str(card), "--policy", "fleet")
    assert (spooled.code, spooled.summary["pending_bundles"]) == (0, 1)
    assert on_the_map(server) == []

    enrolled(edge, server)
    sent = edge.run("edge", "run", "--once")

    assert sent.code == 0, sent.stderr
    assert sent.summary["uploaded_pictures"] == spooled.summary["pictures"] == len(on_the_map(server))
    assert list(edge.home.glob("spool/*")) == []


def test_an_unreachable_server_ends_with_5_and_a_full_spool(edge, server, card):
    enrolled(edge, server)
    settings = edge.home / "enrolment.json"
    there = settings.read_text()
    settings.write_text(there.replace(server.url, f"http://127.0.0.1:{free_port()}"))

    away = edge.run("edge", "import", str(card))
    assert away.code == 5
    assert away.summary["stopped_by"]["code"] == "unreachable"
    assert away.summary["pending_bundles"] == 1
    status = edge.run("edge", "status").summary
    assert status["last_error"]
    assert status["pending_pictures"] == away.summary["pictures"]

    settings.write_text(there)
    assert edge.run("edge", "run", "--once").code == 0
    assert len(on_the_map(server)) == away.summary["pictures"]


def test_bad_files_are_told_and_stop_nothing(edge, card, tmp_path):
    folder = tmp_path / "mixed"
    shutil.copytree(card, folder)
    good = next(folder.glob("*.mp4"))
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "letter.mp4").write_bytes(b"dear camera" * 500)
    (folder / "noise.mov").write_bytes(os.urandom(100_000))
    with (folder / "huge.mp4").open("wb") as huge:
        huge.truncate(65 * 2**30)
    (folder / "half.mp4").write_bytes(good.read_bytes()[: good.stat().st_size // 3])

    done = edge.run("edge", "import", str(folder), str(tmp_path / "nowhere"), "--policy", "fleet")

    assert done.code == 3
    rejected = {Path(row["path"]).name: row for row in done.events("rejected")}
    assert {"empty.mp4", "letter.mp4", "noise.mov", "huge.mp4", "half.mp4", "nowhere"} <= set(rejected)
    assert all(row["reason"] and row["code"] for row in rejected.values())
    assert done.summary["pictures"] >= 8


def test_a_forgotten_recording_leaves_the_map_and_never_returns(edge, server, card):
    enrolled(edge, server)
    edge.run("edge", "import", str(card))
    recording = str(next(card.glob("*.mp4")))
    dry = edge.run("forget", "--recording", recording, "--dry-run")
    assert dry.rows[0]["pictures"] == len(on_the_map(server)) > 0
    assert edge.run("forget", "--recording", recording).code == 2  # It asks, and there is no terminal.

    done = edge.run("forget", "--recording", recording, "--yes")

    assert done.code == 0, done.stderr
    assert done.summary["erasures_due"] == done.summary["pictures_due"] == 0
    assert (done.summary["erased_bundles"], done.summary["erased_pictures"]) == (1, dry.rows[0]["pictures"])
    assert on_the_map(server) == []
    again = edge.run("edge", "import", str(card)).summary
    assert (again["pictures"], again["known"], again["forgotten"]) == (0, 1, 1)


def test_nothing_is_told_of_a_hidden_place(edge, card):
    here = made_recordings.HERE
    assert edge.run("edge", "hide", f"{here.lon},{here.lat}").code == 0

    done = edge.run("edge", "import", str(card), "--policy", "fleet")

    assert done.summary["pictures"] == 0
    assert done.summary["left_out"] == {"hidden-place": done.summary["candidates"]}
    assert done.summary["candidates"] > 0
    assert done.events("outcome")[0]["left_out"] == done.summary["left_out"]


def test_a_personal_edge_tells_nothing_before_it_knows_the_habits(edge, card):
    done = edge.run("edge", "import", str(card))

    assert done.code == 0
    assert (done.summary["policy"], done.summary["waiting"], done.summary["pictures"]) == ("personal", 1, 0)
    assert set(done.summary["left_out"]) == {"apprenticeship"}
    assert list(edge.home.glob("spool/*")) == []


def test_a_watched_folder_is_imported_and_a_stop_is_clean(edge, server, card, tmp_path):
    enrolled(edge, server)
    folder = tmp_path / "watched"
    folder.mkdir()
    process = edge.start("edge", "run", str(folder), "--watch-s", "0.1", "--settle-s", "0.3")
    try:
        shutil.copy(next(card.glob("*.mp4")), folder / "20260601_110000.mp4")
        for line in process.stdout:
            if '"receipt"' in line:
                break
    finally:
        process.send_signal(signal.SIGTERM)
    done = edge.ended(process, timeout=15)

    assert done.code == 0, done.stderr
    assert len(on_the_map(server)) == done.summary["pictures"] > 0


def test_only_one_works_in_a_home(edge, server, card):
    enrolled(edge, server)
    running = edge.start("edge", "run")
    try:
        assert '"watching"' in running.stdout.readline()
        assert edge.run("edge", "import", str(card), "--no-upload").code == 7
    finally:
        running.send_signal(signal.SIGTERM)
        assert edge.ended(running, timeout=15).code == 0


def test_the_doctor_finds_a_fit_edge_fit(edge, server, card):
    enrolled(edge, server)

    done = edge.run("doctor", str(card))

    assert done.code == 0, done.stdout
    health = {row["check"]: row["health"] for row in done.rows}
    for name in (
        "camera",
        "positions",
        "camera clock",
        "disk",
        "weights",
        "redaction",
        "server",
        "server key",
        "clock",
        "tokens",
    ):
        assert health[name] == "ok", done.stdout


def test_the_doctor_fails_closed_without_the_right_weights(edge, tmp_path):
    weights = tmp_path / "weights"
    weights.mkdir()

    done = edge.run("doctor", "--weights", str(weights))

    assert done.code == 7
    health = {row["check"]: row for row in done.rows}
    assert health["weights"]["health"] == health["redaction"]["health"] == "fail"
    assert health["weights"]["fix"]


def test_without_weights_nothing_is_imported(edge, card, tmp_path):
    weights = tmp_path / "weights"
    weights.mkdir()

    done = edge.run("edge", "import", str(card), "--policy", "fleet", "--weights", str(weights))

    assert done.code == 7
    assert list(edge.home.glob("spool/*")) == []


def test_a_wrong_option_is_told_with_2(edge, card):
    assert edge.run("edge", "import", str(card), "--timezone", "Nowhere/Land").code == 2
    assert edge.run("edge", "enroll", "--server", "ftp://x", "--invite", "x").code == 2
    assert edge.run("edge", "hide", "somewhere").code == 2
    assert edge.run("edge", "enroll", "--server", "http://x", "--invite", "x", "--license", "MIT").code == 2
    assert edge.run("edge", "run", str(card), "--once").code == 2
    assert edge.run("edge", "run", str(next(card.glob("*.mp4")))).code == 2


def test_an_invite_for_another_policy_is_answered_with_the_right_option(edge, server):
    invite = server.invite(Policy.FLEET)

    wrong = edge.run("edge", "enroll", "--server", server.url, "--invite", invite, "--policy", "personal")
    right = edge.run("edge", "enroll", "--server", server.url, "--invite", invite, "--policy", "fleet")

    assert wrong.code == 6
    assert "the invite is for fleet, not personal" in wrong.stderr
    assert "enrol with --policy fleet" in wrong.stderr
    assert right.code == 0
