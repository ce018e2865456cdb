"""What anybody reports, the operator decides, beside the running server."""

import json
import os

import made_bundles
import pytest
from servers import served

from dashlight.cli import main
from dashlight.ingest.worker import run_due
from dashlight.store import reports
from dashlight.store.told_figures import tell_figures
from dashlight.store.upkeep import lock_store, open_store


def command(capsys, folder, *arguments):
    sure = ["--yes"] if arguments[0] == "erase" and "--dry-run" not in arguments else []
    code = main(["report", *map(str, arguments), *sure, "--data", str(folder), "--json"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def look_each_minute(running):
    run_due(running.store.database, running.store.objects, now=made_bundles.START, hour=3)


def shown(running):
    return running.client.get("/v1/instance").json()["pictures"]


@pytest.fixture
def running(tmp_path):
    lock = lock_store(tmp_path)  # As `dashlight serve` does.
    with served(tmp_path) as server:
        yield server
    os.close(lock)


def reported(running, issue="privacy", comment="that is my door"):
    receipt = running.publish(made_bundles.archive(2))
    picture = receipt.picture_ids[0]
    jpeg = running.client.get(f"/v1/pictures/{picture}/picture.jpg").content
    tiles = running.client.get("/v1/tiles/0/0/0.mvt").content
    running.client.post(f"/v1/pictures/{picture}/report", json={"issue": issue, "comment": comment})
    return picture, jpeg, tiles


def test_the_list_shows_what_waits_and_show_gives_the_picture(running, tmp_path, capsys):
    picture, jpeg, _ = reported(running)
    saved = tmp_path / "saved.jpg"

    _, listed = command(capsys, tmp_path, "list")
    _, (one,) = command(capsys, tmp_path, "show", picture, "--save", saved)

    assert listed == [{"picture": picture, "issues": ["privacy"], "hidden": True, "age_days": 0}]
    assert one["comments"] == ["that is my door"]
    assert saved.read_bytes() == jpeg


@pytest.mark.parametrize("arguments", [("list",), ("erase", "01890000-0000-4000-8000-000000000000")])
def test_a_wrong_folder_is_refused_and_does_not_become_a_server(tmp_path, capsys, arguments):
    folder = tmp_path / "no-server"

    code, _ = command(capsys, folder, *arguments)

    assert code == 3
    assert not folder.exists()


def test_a_restored_picture_is_back_and_the_words_are_gone(running, tmp_path, capsys):
    picture, jpeg, tiles = reported(running)
    hidden = shown(running)

    code, (decided,) = command(capsys, tmp_path, "restore", picture)
    _, listed = command(capsys, tmp_path, "list")
    look_each_minute(running)

    assert (code, decided["done"], listed, hidden, shown(running)) == (0, False, [], 1, 2)
    assert running.client.get(f"/v1/pictures/{picture}/picture.jpg").content == jpeg
    assert running.client.get("/v1/tiles/0/0/0.mvt").content == tiles
    for file in tmp_path.glob("dashlight.sqlite*"):
        assert b"that is my door" not in file.read_bytes()


@pytest.mark.parametrize("issue", ["privacy", "copyright"])
def test_an_erased_picture_is_gone_from_the_map_and_the_disk(running, tmp_path, capsys, issue):
    picture, jpeg, tiles = reported(running, issue)

    command(capsys, tmp_path, "erase", picture)
    look_each_minute(running)

    assert running.client.get(f"/v1/pictures/{picture}").status_code == 410
    assert running.client.get("/v1/tiles/0/0/0.mvt").content != tiles
    assert shown(running) == 1
    assert not any(jpeg in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())


def test_a_decision_has_a_reason_and_may_say_something(running, tmp_path, capsys):
    picture, _, _ = reported(running)

    wrong, _ = command(capsys, tmp_path, "restore", picture, "--reason", "face")
    code, (decided,) = command(capsys, tmp_path, "keep", picture, "--reason", "to_be_asked", "--say", "We ask first.")
    look_each_minute(running)
    running.store.database.write(tell_figures)
    told = running.client.get("/v1/moderation").json()

    assert (wrong, code, decided["decision"]) == (2, 0, "keep")
    assert [(each["reason"], each["sentence"]) for each in told["statements"]] == [("to_be_asked", "We ask first.")]
    assert told["waiting"]["pictures"] == 0
    assert shown(running) == 1


def test_without_a_server_a_decision_is_carried_out_at_once(tmp_path, capsys):
    with served(tmp_path) as server:
        picture, _, _ = reported(server)

    _, (decided,) = command(capsys, tmp_path, "erase", picture)

    assert decided == {"picture": picture, "decision": "erase", "done": True}
    with served(tmp_path) as server:
        assert server.client.get(f"/v1/pictures/{picture}").status_code == 410


def test_a_lock_that_cannot_be_taken_is_no_running_server_and_nothing_is_decided(tmp_path, capsys):
    with served(tmp_path) as server:
        picture, _, _ = reported(server)
    (tmp_path / "server.lock").unlink(missing_ok=True)
    (tmp_path / "server.lock").mkdir()  # Nobody can lock it, whatever permissions they have.

    code = main(["report", "erase", picture, "--yes", "--data", str(tmp_path)])
    told = capsys.readouterr()
    (tmp_path / "server.lock").rmdir()
    _, listed = command(capsys, tmp_path, "list")

    assert (code, told.out) == (7, "")
    assert "cannot lock" in told.err
    assert [each["picture"] for each in listed] == [picture]


def test_without_a_terminal_nothing_is_erased_unless_yes_is_said(running, tmp_path, capsys):
    picture, _, _ = reported(running)

    dry, (told,) = command(capsys, tmp_path, "erase", picture, "--dry-run")
    refused = main(["report", "erase", picture, "--data", str(tmp_path)])
    _, listed = command(capsys, tmp_path, "list")

    assert (dry, told["picture"], refused) == (0, picture, 2)
    assert [each["picture"] for each in listed] == [picture]


def test_a_picture_that_nobody_reported_is_not_decided(running, tmp_path, capsys):
    receipt = running.publish(made_bundles.archive(1))

    code, _ = command(capsys, tmp_path, "erase", receipt.picture_ids[0])

    assert code == 3
    assert shown(running) == 1


def test_old_words_are_deleted_and_what_is_hidden_still_waits(tmp_path):
    with served(tmp_path) as server:
        picture, _, _ = reported(server)
        receipt = server.publish(made_bundles.archive(1, bundle_number=2))
        server.client.post(f"/v1/pictures/{receipt.picture_ids[0]}/report", json={"issue": "other", "comment": "x"})
    store = open_store(tmp_path)
    with store.database.read() as connection:
        today = reports.waiting(connection)[0].day

    store.database.write(lambda t: reports.forget_words(t, today + reports.REPORT_DAYS + 1))

    with store.database.read() as connection:
        (left,) = reports.waiting(connection)
    store.database.close()
    assert (str(left.picture_id), left.issues, left.comments) == (picture, ("privacy",), ("",))
