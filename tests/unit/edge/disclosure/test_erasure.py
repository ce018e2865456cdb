"""Taking back: out of the spool at once, off the server when it is reached, and never published again."""

import random

import httpx
import pytest
from edge_stations import NOW, FakeServer, problem, ready, sealed, station_in, uploader

from dashlight.cli import main
from dashlight.edge.disclosure import PERSONAL_SPREAD_S, due_count, erase_due, selected, selected_picture, take_back
from dashlight.edge.home.ledger import BundleState, RecordingRow, RecordingState
from dashlight.errors import NotFound, Unauthorized, Unavailable
from dashlight.model import LonLat, Policy
from dashlight.wire import decode_bundle


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
def station(tmp_path):
    with station_in(tmp_path / "home") as station:
        yield station


def taken_back(station, selection, *, at_once=False):
    take_back(station.ledger, station.spool, selection, now=NOW, at_once=at_once, rng=random.Random(1))


def remember(station, name="r" * 32, day="2026-11-23"):
    row = RecordingRow(name, f"/card/{name}.mp4", RecordingState.DONE, day=day, drive=name)
    station.ledger.save_recording(row, now=NOW)


def test_what_waits_in_the_spool_goes_at_once(station, server):
    bundle = sealed(station)

    taken_back(station, selected(station.ledger, bundle=bundle.sha256[:8]))

    assert station.spool.names() == set()
    assert due_count(station.ledger) == 0
    assert uploader(station, server).upload_due().bundles == 0


def test_a_published_bundle_is_erased_by_its_key(station, server):
    bundle = sealed(station)
    uploader(station, server).upload_due()

    taken_back(station, selected(station.ledger, bundle=bundle.sha256))

    assert erase_due(station.ledger, server.client(), station.seed, now=NOW) == 1
    assert server.erased == [bundle.sha256]
    assert station.ledger.bundle(bundle.sha256).state is BundleState.FORGOTTEN
    assert due_count(station.ledger) == 0


def test_a_bundle_that_may_have_arrived_is_erased_too(station, server):
    bundle = sealed(station)
    server.answer = lambda r: httpx.Response(500) if r.method == "PUT" else None
    uploader(station, server).upload_due()
    server.answer = lambda _: None

    taken_back(station, selected(station.ledger, pending=True))

    assert due_count(station.ledger) == 1
    erase_due(station.ledger, server.client(), station.seed, now=NOW)
    assert f"DELETE /v1/bundles/{bundle.sha256}" in server.requests
    assert due_count(station.ledger) == 0


def test_one_picture_is_erased_by_its_secret(station, server):
    bundle = sealed(station)
    uploader(station, server).upload_due()
    picture_id = f"{bundle.sha256[:16]}0001"

    taken_back(station, selected_picture(station.ledger, picture_id, server=None))
    erase_due(station.ledger, server.client(), station.seed, now=NOW)

    assert server.erased == [picture_id]


def test_an_erasure_waits_for_the_server(station, server):
    bundle = sealed(station)
    uploader(station, server).upload_due()
    taken_back(station, selected(station.ledger, bundle=bundle.sha256))
    server.answer = lambda _: httpx.Response(503)

    with pytest.raises(Unavailable):
        erase_due(station.ledger, server.client(), station.seed, now=NOW)

    assert due_count(station.ledger) == 1


def test_a_forgotten_recording_takes_all_its_pictures_along(station, server):
    remember(station)
    remember(station, "s" * 32, day="2026-11-24")
    first = sealed(station)
    other = sealed(station, recording="s" * 32, first=50)
    uploader(station, server).upload_due()

    taken_back(station, selected(station.ledger, day="2026-11-23"))
    erase_due(station.ledger, server.client(), station.seed, now=NOW)

    assert server.erased == [first.sha256]
    assert station.ledger.recording("r" * 32).state is RecordingState.FORGOTTEN
    assert station.ledger.bundle(other.sha256).state is BundleState.RECEIVED


def test_personal_pictures_are_erased_in_random_order_over_two_weeks(tmp_path):
    with station_in(tmp_path / "home", policy=Policy.PERSONAL) as station:
        remember(station)
        for n in range(10):
            bundle = sealed(station, count=1, first=n)
            station.ledger.receive(bundle.number, b"receipt", (), now=NOW)

        taken_back(station, selected(station.ledger, everything=True))

        times = [row[0] for row in station.ledger.rows("SELECT forget_at FROM pictures ORDER BY bundle")]
        assert len(set(times)) == 10
        assert all(NOW <= at <= NOW + PERSONAL_SPREAD_S for at in times)


def test_a_personal_picture_is_found_by_its_place(tmp_path, server):
    with station_in(tmp_path / "home", policy=Policy.PERSONAL) as station:
        bundle = sealed(station, count=1)
        station.ledger.receive(bundle.number, b"receipt", (), now=NOW)
        (picture,) = station.ledger.pictures_of(bundle=bundle.number)
        feature = {
            "id": "abc",
            "geometry": {"type": "Point", "coordinates": [picture.lon, picture.lat]},
            "properties": {"view:azimuth": picture.heading_deg},
        }
        deleted = []

        def answer(request):
            if request.method == "DELETE":
                deleted.append(request.url.path)
                return httpx.Response(204)
            return httpx.Response(200, json={"type": "FeatureCollection", "features": [feature]})

        server.answer = answer
        remember(station)
        taken_back(station, selected(station.ledger, everything=True), at_once=True)
        erase_due(station.ledger, server.client(), station.seed, now=NOW)

        assert deleted == ["/v1/pictures/abc"]


def test_a_personal_bundle_without_a_receipt_is_erased_picture_by_picture_after_the_batch(tmp_path, server):
    with station_in(tmp_path / "home", policy=Policy.PERSONAL) as station:
        remember(station)
        bundle = sealed(station, count=2)
        pictures = station.ledger.pictures_of(bundle=bundle.number)
        server.answer = lambda r: httpx.Response(500) if r.method == "PUT" else None
        uploader(station, server).upload_due()
        public = {
            f"id{n}": {
                "id": f"id{n}",
                "geometry": {"type": "Point", "coordinates": [p.lon, p.lat]},
                "properties": {"view:azimuth": p.heading_deg},
            }
            for n, p in enumerate(pictures)
        }

        def answer(request):
            name = request.url.path.rsplit("/", 1)[-1]
            if request.method == "GET":
                return httpx.Response(200, json={"type": "FeatureCollection", "features": list(public.values())})
            if request.url.path.startswith("/v1/bundles/"):
                return problem(404, "no-bundle", "its key was forgotten after the batch")
            return httpx.Response(204) if public.pop(name, None) else problem(404, "not-found", "no such picture")

        server.answer = answer
        taken_back(station, selected(station.ledger, pending=True))
        assert due_count(station.ledger) == 1

        erase_due(station.ledger, server.client(), station.seed, now=NOW)

        assert public == {}
        assert due_count(station.ledger) == 0
        # Not offered to the next import either: it might be public twice.
        assert len(station.ledger.published_spans_ms("r" * 32)) == 2


def test_an_erasure_that_fails_does_not_hold_up_the_others(station, server):
    first, second, third = (sealed(station, first=n) for n in (0, 10, 20))
    uploader(station, server).upload_due()
    for bundle in (first, second, third):
        taken_back(station, selected(station.ledger, bundle=bundle.sha256))
    server.answer = lambda r: problem(401, "unauthorized", "no") if first.sha256 in r.url.path else None

    with pytest.raises(Unauthorized):
        erase_due(station.ledger, server.client(), station.seed, now=NOW)

    assert server.erased == [second.sha256, third.sha256]
    assert due_count(station.ledger) == 1


@pytest.mark.parametrize(("policy", "is_told"), [(Policy.PERSONAL, True), (Policy.FLEET, False)])
def test_before_personal_pictures_go_together_it_is_said_what_that_shows(tmp_path, capsys, policy, is_told):
    with station_in(tmp_path / "home", policy=policy) as station:
        remember(station)
        sealed(station, count=2)

    assert main(["forget", "--everything", "--now", "--dry-run", "--home", str(tmp_path / "home")]) == 0

    assert ("of one person" in capsys.readouterr().err) == is_told


def test_a_name_that_fits_nothing_or_too_much_is_told(station):
    sealed(station)

    with pytest.raises(NotFound):
        selected(station.ledger, bundle="0" * 64)
    with pytest.raises(NotFound):
        selected(station.ledger, bundle=station.ledger.bundles()[0].sha256[:4])
    with pytest.raises(NotFound):
        selected(station.ledger, day="1999-01-01")
    with pytest.raises(NotFound):
        selected_picture(station.ledger, "nothing", server=None)


def test_what_is_forgotten_while_it_is_imported_is_not_sealed(station):
    remember(station)
    remember(station, "s" * 32)
    taken_back(station, selected(station.ledger, recordings=[station.ledger.recording("r" * 32)]))
    pictures = [ready(n, recording=("r" if n < 3 else "s") * 32) for n in range(5)]

    done = station.sealer.seal(pictures, sequence=None)

    assert len(done.pictures) == 2
    assert [each.violation for each in done.left_out] == [None] * (len(pictures) - 2)
    (bundle,) = station.ledger.bundles()
    assert {p.recording for p in station.ledger.pictures_of(bundle=bundle.number)} == {"s" * 32}
    assert len(decode_bundle(station.spool.read(bundle.sha256)).pictures) == 2
    assert station.spool.names() == {bundle.sha256}
    assert station.sealer.seal(pictures[:3], sequence=None).pictures == ()
    assert station.spool.names() == {bundle.sha256}


def test_a_place_that_is_hidden_while_it_is_imported_is_not_sealed(station):
    pictures = [ready(n) for n in (0, 1, 4000, 4001)]
    station.disclosure.hide(pictures[0].claim.position)

    done = station.sealer.seal(pictures, sequence=None)

    assert len(done.pictures) == 2
    assert [each.violation for each in done.left_out] == [None] * (len(pictures) - 2)
    (bundle,) = station.ledger.bundles()
    assert [p.offset_ms for p in station.ledger.pictures_of(bundle=bundle.number)] == [4_000_000, 4_001_000]
    assert station.spool.names() == {bundle.sha256}


def test_what_was_sealed_after_the_owner_was_asked_is_forgotten_too(station):
    remember(station)
    first = sealed(station)
    selection = selected(station.ledger, recordings=[station.ledger.recording("r" * 32)])
    second = sealed(station, first=10)

    taken_back(station, selection)

    assert station.spool.names() == set()
    assert {station.ledger.bundle(b.sha256).state for b in (first, second)} == {BundleState.FORGOTTEN}


def test_a_place_that_becomes_hidden_withdraws_what_waits_and_offers_the_rest_again(station):
    remember(station)
    near = sealed(station, count=3)
    far = sealed(station, count=3, first=4000)
    (picture, *_) = station.ledger.pictures_of(bundle=near.number)

    _, withdrawn = station.disclosure.hide(LonLat(picture.lon, picture.lat))

    assert withdrawn == 1
    assert station.spool.names() == {far.sha256}
    assert station.ledger.recording("r" * 32).state is RecordingState.OPEN
    assert station.ledger.bundle(near.sha256).state is BundleState.FORGOTTEN
