"""A watching edge: what waited or was withdrawn is taken up again, and what is left out is in its summary."""

import os
import shutil
import threading
from datetime import timedelta

import httpx
import made_recordings
import pytest
from edge_commands import skip_without_weights
from edge_stations import SERVER_KEY, FakeServer

from dashlight.config import EdgeSettings
from dashlight.edge import worker
from dashlight.edge.home import Choices, Enrolment, Home
from dashlight.edge.home.ledger import BundleState, RecordingState
from dashlight.edge.importing import Importer, ImportOptions
from dashlight.edge.spool import Retries
from dashlight.edge.station import opened
from dashlight.model import LonLat, Policy, Track, destination, distance_m
from dashlight.vision import Detectors
from dashlight.wire import public_bytes

SPEED_MPS = 30.0
SECONDS = 135
ROOMY = EdgeSettings(spool_budget_mb=512, keep_free_mb=0)


class Watcher:
    """Sets `stop` at the first thing of the kind `until` that it is told."""

    def __init__(self, until):
        self.stop = threading.Event()
        self._until = until

    def __getattr__(self, name):
        return lambda *_: self.stop.set() if name == self._until else None


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    """A card with one drive of four kilometres."""
    skip_without_weights()
    folder = tmp_path_factory.mktemp("card")
    path = folder / "20260601_110000.mp4"
    made_recordings.recording(path, SECONDS, size=(320, 180), rate=4, speed_mps=SPEED_MPS)
    os.utime(path, (made_recordings.START.timestamp() + SECONDS,) * 2)
    return folder


def offline(station, stop):
    """Return uploads to a server that is out of reach."""
    station.home.save_enrolment(
        Enrolment(
            "https://roads.example", public_bytes(SERVER_KEY), "credential", station.choices.policy, "CC-BY-SA-4.0"
        )
    )
    server = FakeServer()
    server.answer = lambda _: httpx.Response(503)
    return worker.UploadThread(station, server.client(), retries=Retries(attempts=1), on_sent=lambda _: None, stop=stop)


def watched(station, folder, until):
    watcher = Watcher(until)
    timer = threading.Timer(60, watcher.stop.set)
    timer.start()
    try:
        return worker.run(
            watcher.stop,
            station,
            [folder],
            Detectors.load(),
            options=ImportOptions(every_m=100.0),
            watch=worker.WatchOptions(watch_s=0.05, settle_s=0.1),
            progress=watcher,
            uploads=offline(station, watcher.stop),
        )
    finally:
        timer.cancel()


def importer(station):
    return Importer(
        station,
        Detectors.load(),
        options=ImportOptions(every_m=100.0),
        progress=Watcher("nothing"),
        stop=threading.Event(),
    )


def apprenticeship_of(station):
    """Let the edge know twenty earlier drives elsewhere."""
    for n in range(20):
        start = made_recordings.START - timedelta(days=20 - n)
        away = destination(LonLat(20.0, 45.0), 13.0 * n, 5_000.0 + 2_000.0 * n)
        station.disclosure.learn(Track(tuple(made_recordings.fixes(60, start=start, here=away))))


def test_a_watching_edge_takes_up_what_waited_for_the_apprenticeship(tmp_path, card):
    empty = tmp_path / "empty"
    empty.mkdir()
    with opened(Home(tmp_path / "home"), ROOMY, choices=Choices(Policy.PERSONAL)) as station:
        assert importer(station).import_paths([card]).waiting == 1
        apprenticeship_of(station)

        done = watched(station, empty, until="ended")

        assert done.pictures > 0
        assert station.ledger.recordings(RecordingState.WAITING) == []


def test_the_rest_of_what_a_hidden_place_withdrew_is_taken_again_in_the_same_run(tmp_path, card):
    with opened(Home(tmp_path / "home"), ROOMY, choices=Choices(Policy.FLEET)) as station:
        running = importer(station)
        running.import_paths([card])
        before = station.ledger.bundles(BundleState.SPOOLED)
        place = destination(made_recordings.HERE, 80.0, SECONDS * SPEED_MPS)
        hidden, withdrawn = station.disclosure.hide(place)
        assert withdrawn == len(before) == 1

        running.import_waiting([card])
        spooled = station.ledger.bundles(BundleState.SPOOLED)
        kept = [p for b in spooled for p in station.ledger.pictures_of(bundle=b.number)]

        assert kept
        assert all(not hidden.hides(LonLat(p.lon, p.lat)) for p in kept)
        assert all(distance_m(LonLat(p.lon, p.lat), place) > 400 for p in kept)
        assert station.ledger.recordings(RecordingState.OPEN) == []
        sealed = len(station.ledger.bundles())
        running.import_waiting([card])
        assert len(station.ledger.bundles()) == sealed


def test_what_was_broken_off_elsewhere_is_not_taken_up(tmp_path, card):
    with opened(Home(tmp_path / "home"), ROOMY, choices=Choices(Policy.FLEET)) as station:
        running = importer(station)
        running.import_paths([card])
        station.disclosure.hide(destination(made_recordings.HERE, 80.0, SECONDS * SPEED_MPS))
        sealed = len(station.ledger.bundles())

        running.import_waiting([tmp_path])

        assert len(station.ledger.bundles()) == sealed


def test_what_a_look_leaves_out_is_in_the_summary(tmp_path, card):
    folder = tmp_path / "watched"
    folder.mkdir()
    shutil.copy2(next(card.glob("*.mp4")), folder / "20260601_110000.mp4")
    (folder / "letter.mp4").write_bytes(b"dear camera" * 500)
    os.utime(folder / "letter.mp4", (1_000_000_000, 1_000_000_000))

    with opened(Home(tmp_path / "home"), ROOMY, choices=Choices(Policy.FLEET)) as station:
        done = watched(station, folder, until="ended")

    assert [r.path.name for r in done.rejected] == ["letter.mp4"]
