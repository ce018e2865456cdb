"""The server makes exports by itself, in a process of its own: daily, after an erasure, and after a kill."""

import asyncio
import json
import re
import subprocess
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime

import export_readers
import made_bundles
import pytest
from prometheus_client import CollectorRegistry
from servers import SETTINGS, personal_archive, served

from dashlight.catalog.exports.process import settings_from
from dashlight.catalog.exports.worker import ExportMetrics, ExportWorker, due
from dashlight.config import ServerSettings
from dashlight.errors import Unavailable, UsageError
from dashlight.ingest.personal import publish_staged
from dashlight.model import Policy, day_of
from dashlight.store import exports, upkeep

TODAY = day_of(datetime.now(UTC))


@pytest.fixture
def server(tmp_path):
    with served(tmp_path) as running:
        running.folder = tmp_path
        yield running


def worker_of(server, registry, **options):
    settings = replace(SETTINGS, export_schedule="daily", export_formats=("geoparquet",))
    return ExportWorker(
        server.store.database,
        server.folder,
        options.pop("settings", settings),
        base_url=server.url,
        metrics=ExportMetrics(registry),
        look_s=0.05,
        **options,
    )


def run_until(worker, is_done, *, timeout_s=60):
    """Run a worker until something is so, and stop it."""

    async def run():
        stop = asyncio.Event()
        running = asyncio.create_task(worker.run(stop))
        try:
            async with asyncio.timeout(timeout_s):
                while not is_done():  # noqa: ASYNC110
                    await asyncio.sleep(0.02)  # What happens is in another process.
        finally:
            stop.set()
            await running

    asyncio.run(run())


def ids(server):
    return {row["id"] for row in export_readers.rows(server, "geoparquet")}


def has_export(server):
    with server.store.database.read() as connection:
        return exports.shown(connection, "geoparquet") is not None and not exports.is_work_left(connection)


def test_the_exports_of_a_day_are_made_after_its_batch_and_again_when_something_is_taken_back(server):
    receipt = server.publish(made_bundles.archive(4, bundle_number=1))
    server.publish(personal_archive(2, 2), policy=Policy.PERSONAL)
    publish_staged(server.store.database, server.store.objects)
    server.store.database.write(lambda t: upkeep.note_batch(t, TODAY))
    registry = CollectorRegistry()

    run_until(worker_of(server, registry), lambda: has_export(server))

    assert len(ids(server)) == 6
    assert registry.get_sample_value("dashlight_catalog_exports_total", {"format": "geoparquet"}) == 1
    assert registry.get_sample_value("dashlight_catalog_export_progress_ratio", {"format": "geoparquet"}) == 1
    assert registry.get_sample_value("dashlight_catalog_export_jobs_total", {"outcome": "made"}) == 1

    export_readers.erase(server, receipt, 0, seed=made_bundles.SEED, bundle_number=1)
    assert not has_export(server)
    run_until(worker_of(server, CollectorRegistry(), settings=SETTINGS), lambda: has_export(server))

    assert len(ids(server)) == 5
    assert receipt.picture_ids[0] not in ids(server)


def test_what_is_due_follows_the_batch_and_the_schedule(server):
    formats = ("geoparquet", "pmtiles")

    def asked(schedule, today):
        with server.store.database.read() as connection:
            return due(connection, schedule=schedule, formats=formats, today=today)

    server.store.database.write(lambda t: upkeep.note_batch(t, TODAY))
    assert asked("daily", TODAY) == (True, ["geoparquet", "pmtiles"])
    assert asked("off", TODAY) == (False, [])
    assert asked("daily", TODAY + 1) == (False, []), "the batch of that day is not made yet"

    export_readers.make(server, server.folder, "pmtiles", today=TODAY)
    assert asked("daily", TODAY) == (True, ["geoparquet"])

    server.store.database.write(lambda t: exports.begin(t, "geoparquet", day=TODAY, pictures=0))
    assert asked("off", TODAY) == (True, []), "one that was interrupted is finished"


def child(script):
    return [sys.executable, "-c", script]


def test_a_child_that_runs_is_stopped_with_the_server(server):
    server.store.database.write(lambda t: exports.begin(t, "geoparquet", day=TODAY, pictures=0))
    script = """
import sys
open(sys.argv[1], "w").close()
for line in sys.stdin: pass
print('{"failed": "export-stopped"}')
"""
    begun, registry = server.folder / "begun", CollectorRegistry()
    worker = worker_of(server, registry, command=[*child(script), str(begun)])

    run_until(worker, begun.exists, timeout_s=20)

    assert registry.get_sample_value("dashlight_catalog_export_jobs_total", {"outcome": "stopped"}) == 1


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ('print(\'{"failed": "not-installed"}\')\nraise SystemExit(1)', "failed"),
        ("raise SystemExit(9)", "failed"),
        ('print(\'{"failed": "export-runs"}\')\nraise SystemExit(1)', "busy"),
    ],
)
def test_a_child_that_fails_is_counted_and_not_started_again_at_once(server, script, outcome):
    server.store.database.write(lambda t: exports.begin(t, "geoparquet", day=TODAY, pictures=0))
    log, registry = server.folder / "lives", CollectorRegistry()
    counting = f"import sys\nopen(sys.argv[1], 'a').write('x')\nsys.stdin.readline()\n{script}"
    worker = worker_of(server, registry, command=[*child(counting), str(log)])

    def outcomes():
        return registry.get_sample_value("dashlight_catalog_export_jobs_total", {"outcome": outcome})

    run_until(worker, lambda: outcomes() is not None, timeout_s=20)

    assert outcomes() == 1
    assert log.read_text() == "x"


def test_a_child_that_crashes_is_logged_by_kind_and_place(server, caplog):
    server.store.database.write(lambda t: exports.begin(t, "geoparquet", day=TODAY, pictures=0))
    asking = "import sys\nimport dashlight.catalog.exports.process as process\n"
    broken = "def broken(asked, is_over): raise ZeroDivisionError('/home/ada-lovelace')\nprocess._make = broken\n"
    registry = CollectorRegistry()
    worker = worker_of(server, registry, command=child(f"{asking}{broken}sys.exit(process.main())"))

    failed = ("dashlight_catalog_export_jobs_total", {"outcome": "failed"})
    run_until(worker, lambda: registry.get_sample_value(*failed) == 1, timeout_s=30)

    (told,) = [record for record in caplog.records if record.getMessage() == "export.failed"]
    assert (told.reason, told.exit_code) == ("ended", 1)
    assert re.search(r"process\.py:\d+ main > <string>:3 broken > ZeroDivisionError$", told.crash)
    assert "ada" not in told.crash


def test_the_child_of_a_database_that_cannot_be_opened_says_where(server, caplog):
    server.store.database.write(lambda t: exports.begin(t, "geoparquet", day=TODAY, pictures=0))
    registry = CollectorRegistry()
    settings = replace(SETTINGS, database_url="postgresql://ada@127.0.0.1:1/lovelace")
    worker = worker_of(server, registry, settings=settings)

    failed = ("dashlight_catalog_export_jobs_total", {"outcome": "failed"})
    run_until(worker, lambda: registry.get_sample_value(*failed) == 1, timeout_s=30)

    (told,) = [record for record in caplog.records if record.getMessage() == "export.failed"]
    assert told.reason == "database"
    assert told.crash.endswith("dashlight.errors.HostError")
    assert "psycopg.OperationalError" in told.crash
    assert "lovelace" not in told.crash


def test_the_child_stops_when_the_server_is_gone(server):
    server.publish(made_bundles.archive(3, bundle_number=1))
    asked = {"folder": str(server.folder), "settings": asdict(SETTINGS), "formats": ["geoparquet"]}

    done = subprocess.run(  # Its stdin ends at once: it may have stopped before the first file, or have made it.
        [sys.executable, "-m", "dashlight.catalog.exports.process"],
        input=json.dumps({**asked, "base_url": server.url, "today": TODAY}) + "\n",
        capture_output=True,
        text=True,
        check=False,
    )

    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told[-1].get("failed") == "export-stopped" or told[-1].get("made") == "geoparquet", done.stderr
    assert done.returncode == ("failed" in told[-1])


def test_settings_come_to_the_child_as_they_are(tmp_path):
    settings = replace(
        ServerSettings(), data=tmp_path, key_file=tmp_path / "key", export_formats=("bundles",), objects_secret="s"
    )

    assert settings_from(json.loads(json.dumps(asdict(settings), default=str))) == settings


def test_a_server_that_makes_no_exports_does_not_load_the_writers():
    done = subprocess.run(
        [sys.executable, "-c", "import sys, dashlight.app; sys.exit('pyarrow' in sys.modules)"],
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0


@pytest.mark.parametrize(
    ("name", "value"), [("export_schedule", "hourly"), ("export_formats", ("geoparquet", "shapefile"))]
)
def test_settings_of_exports_are_checked(name, value):
    with pytest.raises(UsageError, match=f"server.{name}"):
        ServerSettings(**{name: value})


def command(*words):
    return subprocess.run(
        [sys.executable, "-m", "dashlight", "export", *map(str, words)], capture_output=True, text=True, check=False
    )


def test_the_command_serves_an_export_beside_a_running_server(server):
    server.publish(made_bundles.archive(3, bundle_number=1))

    done = command("geoparquet", "--data", server.folder, "--json")

    assert done.returncode == 0, done.stderr
    *progress, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert progress == [{"event": "progress", "format": "geoparquet", "pictures_done": 3, "pictures": 3}]
    size_bytes = export_readers.files(server, "geoparquet")[0]["size_bytes"]
    assert last == {"event": "exported", "format": "geoparquet", "pictures": 3, "files": 1, "size_bytes": size_bytes}
    assert len(ids(server)) == 3


def test_the_command_writes_a_copy_and_says_what_it_is(server, tmp_path_factory):
    server.publish(made_bundles.archive(3, bundle_number=1))
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    output = elsewhere / "copy"

    done = command("pmtiles", "--data", server.folder, "--output", output)
    again = command("pmtiles", "--data", server.folder, "--output", output)
    inside = command("pmtiles", "--data", server.folder, "--output", server.folder / "objects" / "copy")
    nowhere = command("pmtiles", "--data", elsewhere / "nothing")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("exported 3 pictures in 1 file, ")
    assert "taken back later stays in this copy" in done.stdout
    assert [path.name for path in output.iterdir()] == ["pictures.pmtiles"]
    assert again.returncode == 3
    assert "is not an empty folder" in again.stderr
    assert inside.returncode == 3
    assert "is inside the server's data" in inside.stderr
    assert nowhere.returncode == 3
    assert "there is no server's data" in nowhere.stderr
    assert not (elsewhere / "nothing").exists()


def test_the_command_removes_an_export(server):
    server.publish(made_bundles.archive(3, bundle_number=1))
    export_readers.make(server, server.folder, "geoparquet", "bundles")

    done = command("remove", "geoparquet", "--yes", "--data", server.folder)
    again = command("remove", "geoparquet", "--yes", "--data", server.folder, "--json")

    assert (done.returncode, done.stdout) == (0, "removed geoparquet\n")
    assert json.loads(again.stdout) == {"event": "removed", "format": "geoparquet", "exports": 0}
    assert [each["format"] for each in server.client.get("/v1/exports").json()["exports"]] == ["bundles"]
    assert len([path for path in (server.folder / "objects" / "exports").rglob("*") if path.is_file()]) == 1


def test_a_look_that_fails_is_counted_and_not_repeated_at_once(server):
    registry, looks = CollectorRegistry(), []

    def now():
        looks.append(1)
        raise Unavailable("the database does not answer")

    failed = ("dashlight_catalog_export_jobs_total", {"outcome": "failed"})
    run_until(worker_of(server, registry, now=now), lambda: registry.get_sample_value(*failed) == 1)

    assert len(looks) == 1
