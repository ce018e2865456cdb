"""A disk that refuses to write: the import ends with 7, nothing half is left, and the next run completes the work."""

import errno
import os
import resource

import made_recordings
import pytest
from edge_commands import EdgeCommand, skip_without_weights
from edge_stations import ready, sealed, station_in

from dashlight.edge.spool import SpoolFull
from dashlight.errors import HostError


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    skip_without_weights()
    folder = tmp_path_factory.mktemp("card")
    made_recordings.recording(folder / "20260601_110000.mp4", 3)
    return folder


def test_a_disk_that_takes_no_large_file_ends_the_import_and_loses_nothing(card, tmp_path):
    edge = EdgeCommand(tmp_path)
    edge.run("edge", "status")
    ours = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, ours[1]))
    try:
        process = edge.start("edge", "import", str(card), "--policy", "fleet")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, ours)
    full = edge.ended(process)

    assert full.code == 7, full.stderr
    assert "disk" in full.stderr
    assert list(edge.home.glob("spool/*")) == list(edge.home.glob("spool/.*")) == []

    done = edge.run("edge", "import", str(card), "--policy", "fleet")
    assert done.code == 0
    assert done.summary["pictures"] > 0


def test_a_spool_over_its_budget_stops_redacting_with_a_hint(card, tmp_path):
    edge = EdgeCommand(tmp_path, DASHLIGHT_EDGE_KEEP_FREE_MB="900000000")

    done = edge.run("edge", "import", str(card), "--policy", "fleet")

    assert done.code == 7
    assert "kept free" in done.stderr
    assert "make room" in done.stderr


@pytest.mark.parametrize("failing", ["open", "fsync", "replace"])
@pytest.mark.parametrize("is_done_first", [False, True])
def test_each_write_of_a_bundle_may_fail_or_fail_after_it_was_done(tmp_path, monkeypatch, failing, is_done_first):
    target = (os, failing) if failing != "replace" else (type(tmp_path), "replace")
    real = getattr(*target)
    with station_in(tmp_path / "home") as station:

        def broken(*arguments, **named):
            if is_done_first:
                real(*arguments, **named)
            raise OSError(errno.ENOSPC, "no space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(*target, broken)
            with pytest.raises(HostError):
                station.sealer.seal([ready(0)], sequence=None)

        assert station.ledger.bundles() == []
        row = sealed(station, count=1)
        assert station.spool.read(row.sha256)


def test_a_full_spool_takes_more_once_a_bundle_is_gone(tmp_path):
    with station_in(tmp_path / "home") as station:
        row = sealed(station)
        station.spool._budget_bytes = row.size_bytes + 10

        with pytest.raises(SpoolFull):
            station.sealer.seal([ready(50)], sequence=None)

        station.spool.drop(row.sha256)
        assert len(station.sealer.seal([ready(50)], sequence=None).pictures) == 1
