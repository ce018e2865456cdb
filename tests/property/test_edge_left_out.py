"""Every place of which a picture might be made is a picture in the end, or left out for a reason that is told."""

import threading
from dataclasses import dataclass
from datetime import timedelta

import made_recordings
import pytest
from edge_commands import skip_without_weights
from edge_stations import SMALL
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashlight.edge.home import Choices, Home
from dashlight.edge.home.ledger import BundleState
from dashlight.edge.importing import Importer, ImportOptions, left_out_sentence
from dashlight.edge.station import opened
from dashlight.model import LonLat, Policy, Track, destination
from dashlight.vision import Detectors

LOST_BYTES = 1_500_000
SECONDS, SPEED_MPS = 80, 30.0  # 2.4 km; `open` and `personal` trim up to one at each end


@dataclass(frozen=True)
class Case:
    """An import: the rules, how far along the drive a place is hidden, what the card lost, when it is stopped."""

    policy: Policy
    every_m: float
    hidden_m: float | None = None
    is_experienced: bool = True
    lost: float | None = None
    stop_after: int = 0


class Listener:
    """Stops the import after so many pictures."""

    def __init__(self, stop_after):
        self.stop = threading.Event()
        self._left = stop_after

    def picture(self, _):
        self._left -= 1
        if self._left == 0:
            self.stop.set()

    def __getattr__(self, _):
        return lambda *_: None


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    skip_without_weights()
    path = tmp_path_factory.mktemp("card") / "20260601_110000.mp4"
    made_recordings.recording(path, SECONDS, size=(320, 180), rate=4, speed_mps=SPEED_MPS)
    return path


@pytest.fixture(scope="module")
def detectors():
    return Detectors.load()


def experienced(station):
    """Let the edge know twenty earlier drives elsewhere."""
    for n in range(20):
        start = made_recordings.START - timedelta(days=20 - n)
        away = destination(LonLat(20.0, 45.0), 13.0 * n, 5_000.0 + 2_000.0 * n)
        station.disclosure.learn(Track(tuple(made_recordings.fixes(60, start=start, here=away))))


@given(
    st.builds(
        Case,
        policy=st.sampled_from(Policy),
        every_m=st.floats(40.0, 300.0),
        hidden_m=st.none() | st.floats(0.0, 3_000.0),
        is_experienced=st.booleans(),
        lost=st.none() | st.floats(0.2, 0.9),
        stop_after=st.sampled_from([0, 0, 1, 3]),
    )
)
@example(Case(Policy.FLEET, 60.0, hidden_m=1_900.0))
@example(Case(Policy.FLEET, 50.0, lost=0.5, stop_after=3))
@example(Case(Policy.PERSONAL, 5.0))
@settings(max_examples=20, deadline=None)
def test_published_and_left_out_are_all_candidates(tmp_path_factory, video, detectors, case):
    folder = tmp_path_factory.mktemp("import")
    content = bytearray(video.read_bytes())
    if case.lost is not None:  # A part that the card case.lost.
        content[int(len(content) * case.lost) : int(len(content) * case.lost) + LOST_BYTES] = bytes(LOST_BYTES)
    (folder / video.name).write_bytes(content)
    listener = Listener(case.stop_after)
    with opened(Home(folder / "home"), SMALL, choices=Choices(case.policy)) as station:
        if case.is_experienced:
            experienced(station)
        if case.hidden_m is not None:
            station.disclosure.hide(destination(made_recordings.HERE, 45.0, case.hidden_m))
        importer = Importer(
            station, detectors, options=ImportOptions(every_m=case.every_m), progress=listener, stop=listener.stop
        )
        done = importer.import_paths([folder / video.name])

        sealed = sum(bundle.pictures for bundle in station.ledger.bundles(BundleState.SPOOLED))
        assert sealed == done.pictures == sum(outcome.pictures for outcome in done.outcomes)
    for outcome in done.outcomes:
        assert outcome.candidates == outcome.pictures + sum(outcome.left_out.values())
        assert all(count > 0 and left_out_sentence(reason) for reason, count in outcome.left_out.items())
    assert done.left_out == sum_of(outcome.left_out for outcome in done.outcomes)
    assert done.rejected or len(done.outcomes) == 1


def sum_of(counts):
    total = {}
    for each in counts:
        for reason, count in each.items():
            total[reason] = total.get(reason, 0) + count
    return total
