"""The ledger: numbers never come twice, forgotten stays forgotten, one writer at a time."""

import threading

import pytest
from edge_stations import NOW, sealed, station_in

from dashlight.edge.home.ledger import BundleState, Ledger, RecordingRow, RecordingState
from dashlight.errors import HostError, NotFound


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    yield ledger
    ledger.close()


def test_a_bundle_number_never_comes_twice_not_even_after_opening_again(tmp_path):
    numbers = []
    for _ in range(3):
        ledger = Ledger(tmp_path / "ledger.sqlite")
        numbers += [ledger.reserve_bundle_number() for _ in range(3)]
        ledger.close()

    assert numbers == list(range(1, 10))


def test_numbers_are_distinct_between_threads(ledger):
    numbers = []
    threads = [
        threading.Thread(target=lambda: numbers.extend(ledger.reserve_bundle_number() for _ in range(20)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(numbers)) == 80


def test_a_picture_is_in_one_bundle_only(tmp_path):
    with station_in(tmp_path) as station:
        sealed(station)

        with pytest.raises(HostError, match="UNIQUE"):
            sealed(station)

        assert len(station.ledger.bundles()) == 1


def test_a_ledger_of_a_newer_dashlight_is_left_alone(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with ledger.transaction() as db:
        db.execute("PRAGMA user_version=99")
    ledger.close()

    with pytest.raises(HostError, match="version 99"):
        Ledger(tmp_path / "ledger.sqlite")


def test_a_file_that_is_no_ledger_is_told(tmp_path):
    (tmp_path / "ledger.sqlite").write_bytes(b"not a database, not at all" * 100)

    with pytest.raises(HostError, match="cannot open the ledger"):
        Ledger(tmp_path / "ledger.sqlite")


def test_a_forgotten_recording_stays_forgotten(ledger):
    for state in (RecordingState.FORGOTTEN, RecordingState.DONE):
        ledger.save_recording(RecordingRow("f", "/a", state), now=NOW)

    assert ledger.recording("f").state is RecordingState.FORGOTTEN


def test_a_token_is_bound_to_one_bundle(tmp_path):
    with station_in(tmp_path) as station:
        first, second = sealed(station), sealed(station, first=10)
        station.ledger.add_tokens(["a", "b"], "fleet")

        tokens = {station.ledger.token_for(first.number), station.ledger.token_for(second.number)}

        assert tokens == {"a", "b"}
        assert {station.ledger.token_for(first.number), station.ledger.token_for(second.number)} == tokens
        assert station.ledger.tokens_left() == 0


def test_tokens_of_another_policy_are_not_taken(tmp_path):
    with station_in(tmp_path) as station:
        bundle = sealed(station)
        station.ledger.add_tokens(["a"], "personal")

        assert station.ledger.token_for(bundle.number) is None


def test_a_receipt_that_comes_after_a_change_of_mind_asks_for_its_erasure(tmp_path):
    with station_in(tmp_path) as station:
        bundle = sealed(station)
        with station.ledger.transaction() as db:
            db.execute("UPDATE bundles SET state = 'forgotten', forget_at = NULL WHERE number = ?", (bundle.number,))

        station.ledger.receive(bundle.number, b"receipt", (), now=NOW)

        row = station.ledger.bundle(bundle.sha256)
        assert (row.state, row.forget_at) == (BundleState.FORGOTTEN, 0.0)


def test_published_stretches_are_one_a_bundle(tmp_path):
    with station_in(tmp_path) as station:
        sealed(station, count=3)
        sealed(station, count=2, first=10)

        assert station.ledger.published_spans_ms("r" * 32) == [(0, 2000), (10_000, 11_000)]


def test_an_unknown_bundle_is_not_found(ledger):
    with pytest.raises(NotFound):
        ledger.bundle("0" * 64)


def test_an_unfinished_recording_keeps_the_policy_it_came_in_under(ledger):
    states = {"waits": RecordingState.WAITING, "open": RecordingState.OPEN, "done": RecordingState.DONE}
    for name, state in states.items():
        ledger.keep_policy(name, "personal")
        ledger.save_recording(RecordingRow(name, f"/{name}", state), now=NOW)
    ledger.keep_policy("waits", "fleet")

    assert ledger.unfinished_under_another("fleet") == {"waits": "personal", "open": "personal"}
    assert ledger.unfinished_under_another("personal") == {}


def test_a_recording_of_an_older_ledger_counts_as_personal(ledger):
    ledger.save_recording(RecordingRow("old", "/old", RecordingState.WAITING), now=NOW)

    assert ledger.unfinished_under_another("open") == {"old": "personal"}


def test_only_a_new_choice_of_its_owner_changes_the_policy_of_a_recording(ledger):
    ledger.keep_policy("f", "personal")
    ledger.save_recording(RecordingRow("f", "/f", RecordingState.WAITING), now=NOW)
    ledger.keep_policy("f", "fleet", is_new_choice=True)

    assert ledger.unfinished_under_another("fleet") == {}
