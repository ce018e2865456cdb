"""Making exports is killed at random moments; nothing half is ever listed, and in the end everything is there, once."""

import random
import subprocess
import sys
import time

import pyarrow.parquet as pq
import road_network
from kills import kills_of

from dashlight.store import exporting, exports
from dashlight.store.schema import FileState, export_file
from dashlight.store.upkeep import open_store, sweep

PICTURES = 6_000
LONGEST_LIFE_S = 2.5


def command(folder, *flags):
    return [sys.executable, "-m", "dashlight", "export", "partitions", "--data", str(folder), *flags]


def listed(folder, *, is_sweeping):
    """Return the paths and pictures of the files that readers are told of, after checking that each is whole."""
    store = open_store(folder)
    try:
        if is_sweeping:  # A server starts between two lives.
            sweep(store.database, store.objects)
        with store.database.read() as connection:
            export = exports.shown(connection, "partitions")
            files = [] if export is None else exports.files_of(connection, export.number)
            named = set(connection.execute(export_file.select()).scalars())
            whole = {row.key for row in connection.execute(export_file.select()) if row.state == FileState.WHOLE}
        every = store.objects.keys()
        kept = {key for key in every if key.startswith(exports.PREFIX)}
        for file in files:
            assert len(store.objects.read(file.key, 0, file.size_bytes)) == file.size_bytes
        assert whole <= kept
        if is_sweeping:
            assert kept <= named
        return {file.path: file.pictures for file in files}
    finally:
        store.database.close()


def test_killed_exports_are_never_half_and_end_whole(tmp_path):
    road_network.build(tmp_path / "dashlight.sqlite", PICTURES)
    store = open_store(tmp_path)
    with store.database.read() as connection:
        days = len({(cell, day) for cell, day, _ in exporting.cells_and_days(connection)})
    store.database.close()
    chance = random.Random(7)
    killed = 0
    for life in range(kills_of("upload")):
        process = subprocess.Popen(command(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(chance.uniform(0.3, LONGEST_LIFE_S))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed += 1

        files = listed(tmp_path, is_sweeping=life % 2 == 0)

        assert sum(files.values()) in (0, PICTURES)

    done = subprocess.run(command(tmp_path, "--json"), capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert killed, "the machine is too quick for this test: no life was cut short"
    files = listed(tmp_path, is_sweeping=True)
    assert len(files) == days
    assert sum(files.values()) == PICTURES
    written = list((tmp_path / "objects" / "exports").rglob("*.parquet"))
    assert sum(pq.read_metadata(path).num_rows for path in written) == PICTURES
    assert not list((tmp_path / "staging").iterdir())


def test_what_a_killed_copy_has_left_is_removed_by_the_next(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    road_network.build(folder / "dashlight.sqlite", PICTURES)
    output = tmp_path / "out"
    process = subprocess.Popen(command(folder, "--output", str(output)), stdout=subprocess.DEVNULL)
    unfinished = tmp_path / ".out.unfinished"
    ends = time.monotonic() + 30
    while not unfinished.exists() and process.poll() is None:
        assert time.monotonic() < ends
    process.kill()
    process.wait()
    assert not output.exists() or process.returncode == 0

    done = subprocess.run(command(folder, "--output", str(output)), capture_output=True, text=True, check=False)

    assert done.returncode in (0, 3), done.stderr
    assert sum(pq.read_metadata(path).num_rows for path in output.rglob("*.parquet")) == PICTURES
    assert not unfinished.exists()
