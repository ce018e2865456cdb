"""A camera that is unplugged in the middle of a recording: what came out is kept, the rest follows when it is back."""

import shutil
import threading

import made_recordings
import pytest
from edge_commands import skip_without_weights
from edge_stations import SMALL

from dashlight.edge.home import Choices, Home
from dashlight.edge.home.ledger import RecordingState
from dashlight.edge.importing import Importer, ImportOptions
from dashlight.edge.station import opened
from dashlight.model import Policy
from dashlight.vision import Detectors
from dashlight.wire import decode_bundle


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    skip_without_weights()
    folder = tmp_path_factory.mktemp("card")
    return made_recordings.recording(folder / "20260601_110000.mp4", 5)


@pytest.fixture
def card(original, tmp_path):
    folder = tmp_path / "card"
    folder.mkdir()
    shutil.copy2(original, folder)
    return folder


@pytest.fixture
def station(tmp_path):
    with opened(Home(tmp_path / "home"), SMALL, choices=Choices(Policy.FLEET)) as station:
        yield station


class Unplugging:
    """Takes the recording away when it begins."""

    def __init__(self, unplug):
        self._unplug = unplug
        self.told = []

    def begun(self, recording, *_):
        self._unplug(recording.path)

    def waits(self, *_):
        pass

    def picture(self, _):
        pass

    def sealed(self, _):
        pass

    def ended(self, *_):
        pass

    def rejected(self, rejected):
        self.told.append(rejected)


def imported(station, card, unplug=lambda _: None):
    progress = Unplugging(unplug)
    options = ImportOptions(bundle_pictures=3)
    importer = Importer(station, Detectors.load(), options=options, progress=progress, stop=threading.Event())
    return importer.import_paths([card]), progress


def times_in(station):
    """Return the times of all pictures in the spool."""
    return sorted(
        picture.claim.captured
        for row in station.ledger.bundles()
        for picture in decode_bundle(station.spool.read(row.sha256)).manifest.pictures
    )


@pytest.mark.parametrize(
    "unplug",
    [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 5])],
    ids=["gone", "cut short"],
)
def test_the_rest_follows_when_the_camera_is_back(station, card, original, unplug, tmp_path):
    with opened(Home(tmp_path / "other"), SMALL, choices=Choices(Policy.FLEET)) as undisturbed:
        imported(undisturbed, card)
        expected = times_in(undisturbed)
    cut, progress = imported(station, card, unplug)

    assert cut.recordings == 0
    assert progress.told
    assert all(row.state is RecordingState.OPEN for row in station.ledger.recordings())

    shutil.copy2(original, card)
    imported(station, card)

    assert times_in(station) == expected
    assert [row.state for row in station.ledger.recordings()] == [RecordingState.DONE]


def test_a_recording_that_is_broken_for_good_is_done_with_what_it_has(station, card):
    path = next(card.iterdir())
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(bytes(200_000))

    first, progress = imported(station, card)
    second, _ = imported(station, card)

    assert progress.told or first.pictures
    assert (second.known, second.pictures) in {(1, 0), (0, 0)}


def test_two_imports_publish_each_time_once(station, card):
    imported(station, card)
    imported(station, card)

    times = times_in(station)
    assert len(times) == len(set(times)) > 5
