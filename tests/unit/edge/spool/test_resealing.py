"""Bundles that were sealed before the enrolment go up under the licence that was agreed with the server."""

import pytest
from edge_stations import SERVER_KEY, FakeServer, sealed, station_in, uploader

from dashlight.edge.home import Enrolment
from dashlight.edge.home.ledger import BundleState
from dashlight.edge.spool import SpoolFull, reseal
from dashlight.errors import DashlightError
from dashlight.model import Policy
from dashlight.wire import decode_bundle, public_bytes

AGREED = Enrolment("https://roads.example", public_bytes(SERVER_KEY), "credential", Policy.FLEET, "CC0-1.0")


@pytest.fixture
def station(tmp_path):
    with station_in(tmp_path / "home", enrolled=False) as station:
        yield station


def resealed(station, enrolment=AGREED):
    return reseal(station.ledger, station.spool, station.seed, enrolment)


def bundle_of(station, row):
    return decode_bundle(station.spool.read(row.sha256))


def test_what_waited_goes_up_under_the_licence_of_the_enrolment(station):
    before = bundle_of(station, sealed(station))

    assert resealed(station) == 1

    (row,) = station.ledger.bundles(BundleState.SPOOLED)
    after = bundle_of(station, row)
    assert (before.manifest.license_id, after.manifest.license_id) == ("CC-BY-SA-4.0", "CC0-1.0")
    assert after.manifest.pictures == before.manifest.pictures
    assert after.manifest.public_key == before.manifest.public_key
    assert station.spool.names() == {row.sha256}
    station.home.save_enrolment(AGREED)
    server = FakeServer()
    assert uploader(station, server).upload_due().pictures == 3
    assert server.puts == [row.sha256]


def test_sealing_again_is_done_once(station):
    sealed(station)
    resealed(station)

    assert resealed(station) == 0


def test_bundles_of_the_agreed_licence_another_policy_or_already_sent_stay_as_they_are(tmp_path, station):
    tried = sealed(station)
    station.ledger.begin_attempt(tried.number)
    with station_in(tmp_path / "agreed", enrolled=True) as agreed:
        same = sealed(agreed)
        assert resealed(agreed, agreed.enrolment) == 0
        assert agreed.spool.names() == {same.sha256}
    with station_in(tmp_path / "personal", policy=Policy.PERSONAL, enrolled=False) as other:
        sealed(other)
        assert resealed(other) == 0

    assert resealed(station) == 0
    assert station.spool.names() == {tried.sha256}


def test_a_ledger_that_does_not_say_under_what_it_sealed_is_asked_of_the_bundle(station):
    row = sealed(station)
    with station.ledger.transaction() as db:
        db.execute("DELETE FROM terms")

    assert resealed(station) == 1
    assert station.spool.names() != {row.sha256}


def test_a_crash_between_file_and_row_leaves_the_bundle_as_it_was(station, monkeypatch):
    row = sealed(station)

    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(station.ledger, "reseal", crash)
        with pytest.raises(KeyboardInterrupt):
            resealed(station)

    assert station.ledger.bundles(BundleState.SPOOLED) == [row]
    station.spool.sweep({row.sha256})
    assert resealed(station) == 1


@pytest.mark.parametrize("error", [SpoolFull("full"), DashlightError("defect")])
def test_what_cannot_be_sealed_again_waits_as_it_is(station, monkeypatch, error):
    row = sealed(station)

    def fail(_):
        raise error

    monkeypatch.setattr(station.spool, "put", fail)

    assert resealed(station) == 0
    assert station.ledger.bundles(BundleState.SPOOLED) == [row]
    assert station.spool.names() == {row.sha256}
