"""The policy `personal` at the edge: single pictures far apart, a month instead of a time, held back, in any order."""

import threading
from datetime import timedelta

import made_recordings
import pytest
from edge_commands import skip_without_weights
from edge_stations import SMALL

from dashlight.edge.home import Choices, Home
from dashlight.edge.home.ledger import BundleState
from dashlight.edge.importing import Importer, ImportOptions, left_out_sentence
from dashlight.edge.station import opened
from dashlight.model import LonLat, Month, Policy, Track, destination, distance_m
from dashlight.vision import Detectors
from dashlight.wire import decode_bundle

DAY_S = 86_400


class Silent:
    """Listens to nothing."""

    def begun(self, recording, located, wanted):
        pass

    def waits(self, recording, located):
        pass

    def picture(self, picture):
        pass

    def sealed(self, pictures):
        pass

    def ended(self, recording, pictures):
        pass

    def rejected(self, rejected):
        raise AssertionError(rejected)


class Patient(Silent):
    """Lets things be rejected."""

    def rejected(self, rejected):
        pass


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    """A card with one drive of four kilometres."""
    skip_without_weights()
    folder = tmp_path_factory.mktemp("card")
    made_recordings.recording(folder / "20260601_110000.mp4", 135, size=(320, 180), rate=4, speed_mps=30.0)
    return folder


@pytest.fixture
def station(tmp_path):
    with opened(Home(tmp_path / "home"), SMALL, choices=Choices(Policy.PERSONAL)) as station:
        yield station


def apprenticeship_of(station):
    """Let the edge know twenty earlier drives elsewhere."""
    for n in range(20):
        start = made_recordings.START - timedelta(days=20 - n)
        away = destination(LonLat(20.0, 45.0), 13.0 * n, 5_000.0 + 2_000.0 * n)
        station.disclosure.learn(Track(tuple(made_recordings.fixes(60, start=start, here=away))))


def imported(station, card, *, progress=None):
    importer = Importer(
        station,
        Detectors.load(),
        options=ImportOptions(),
        progress=progress or Silent(),
        stop=threading.Event(),
    )
    done = importer.import_paths([card])
    for outcome in done.outcomes:
        assert outcome.candidates == outcome.pictures + sum(outcome.left_out.values())
        assert all(left_out_sentence(reason) for reason in outcome.left_out)
    return done


def test_pictures_are_few_far_apart_coarse_and_held_back(station, card):
    apprenticeship_of(station)

    done = imported(station, card)

    bundles = station.ledger.bundles(BundleState.SPOOLED)
    assert done.pictures == sum(b.pictures for b in bundles) > 5
    drive = made_recordings.fixes(135, speed_mps=30.0)
    ended = drive[-1].at.timestamp()
    for row in bundles:
        bundle = decode_bundle(station.spool.read(row.sha256))
        manifest = bundle.manifest
        assert (manifest.policy, manifest.sequence, manifest.attribution) == (Policy.PERSONAL, None, None)
        assert len(manifest.pictures) <= 10
        assert ended + DAY_S <= row.not_before <= ended + 3 * DAY_S + 60
        positions = [p.claim.position for p in manifest.pictures]
        assert all(distance_m(a, b) >= 2_000 for n, a in enumerate(positions) for b in positions[:n])
        for picture in manifest.pictures:
            assert picture.claim.captured == Month(2026, 6)
            assert (picture.width, picture.height) == (1280, 720)
            assert distance_m(picture.claim.position, drive[0].position) > 490
            assert distance_m(picture.claim.position, drive[-1].position) > 490


def test_the_same_choice_is_made_again_after_a_crash_before_the_seal(station, card):
    apprenticeship_of(station)
    stop = threading.Event()

    class Stopping(Silent):
        count = 0

        def picture(self, _):
            self.count += 1
            if self.count == 3:
                stop.set()

    cut = Importer(station, Detectors.load(), options=ImportOptions(), progress=Stopping(), stop=stop)
    cut.import_paths([card])
    assert station.ledger.bundles() == []

    first = imported(station, card)
    second = imported(station, card)

    assert first.pictures > 5
    assert (second.pictures, second.known) == (0, 1)


def test_what_waited_for_the_apprenticeship_is_taken_when_it_is_over(station, card):
    told = []

    class Listening(Silent):
        def waits(self, recording, located):
            told.append((recording.path.name, located.alignment.note))

    waiting = imported(station, card, progress=Listening())
    assert (waiting.waiting, waiting.pictures) == (1, 0)
    assert [name for name, note in told if note] == ["20260601_110000.mp4"], "a clock that is wrong is seen at once"
    apprenticeship_of(station)

    done = imported(station, card)

    assert done.pictures > 5


def test_what_waits_under_personal_is_not_told_under_fleet_unless_the_file_is_named(tmp_path, card):
    home = Home(tmp_path / "home")
    with opened(home, SMALL, choices=Choices(Policy.PERSONAL)) as station:
        assert imported(station, card).waiting == 1
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    with opened(home, SMALL, choices=Choices(Policy.FLEET)) as station:
        empty = imported(station, elsewhere, progress=Patient())
        assert ([r.code for r in empty.rejected], empty.taken_up) == (["no-recordings"], 0)
        folder = imported(station, card)

        assert (folder.pictures, folder.kept) == (0, 1)
        watching = Importer(
            station, Detectors.load(), options=ImportOptions(), progress=Silent(), stop=threading.Event()
        )
        for _ in range(2):  # Each look finds it again; it is one recording.
            watching.import_paths([card])
        assert watching.done.kept == 1
        assert not station.ledger.bundles()

        named = imported(station, next(card.glob("*.mp4")))

        assert named.converted == 1
        assert {b.policy for b in station.ledger.bundles()} == {Policy.FLEET}
