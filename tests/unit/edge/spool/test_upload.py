"""What the uploader does with each answer of a server: nothing is lost, and what is refused is kept and told."""

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edge_stations import NOW, FakeServer, Pauses, problem, sealed, station_in, uploader

from dashlight.edge.home.ledger import BundleState
from dashlight.edge.server import Server
from dashlight.errors import Corrupt, HostError, PrivacyError, TooLarge, Unauthorized, Unavailable, UsageError
from dashlight.model import Policy


@pytest.fixture
def station(tmp_path):
    with station_in(tmp_path / "home") as station:
        yield station


@pytest.fixture
def server():
    return FakeServer()


def is_kept(station, bundle):
    return bundle.sha256 in station.spool.names()


def test_a_bundle_leaves_the_spool_only_after_its_receipt_is_stored(station, server):
    bundle = sealed(station)

    done = uploader(station, server).upload_due()

    assert (done.bundles, done.pictures, done.stopped_by) == (1, 3, None)
    row = station.ledger.bundle(bundle.sha256)
    assert row.state is BundleState.RECEIVED
    assert row.receipt == server.receipt(bundle.sha256, 3)
    assert not is_kept(station, bundle)
    assert [p.picture_id for p in station.ledger.pictures_of(bundle=bundle.number)] == [
        f"{bundle.sha256[:16]}000{n}" for n in range(3)
    ]


def test_a_bundle_that_the_server_knew_already_is_received_too(station, server):
    bundle = sealed(station)
    server.bundles[bundle.sha256] = b""

    assert uploader(station, server).upload_due().bundles == 1


def test_an_unreachable_server_costs_nothing_but_time(station, server):
    bundle = sealed(station)

    def refuse(request):
        raise httpx.ConnectError("connection refused", request=request)

    server.answer = refuse
    pauses = Pauses()

    done = uploader(station, server, pauses=pauses, attempts=4).upload_due()

    assert isinstance(done.stopped_by, Unavailable)
    assert done.stopped_by.exit_code == 5
    assert len(pauses.taken) == 3
    assert all(0 <= taken <= 2**n for n, taken in enumerate(pauses.taken))
    assert is_kept(station, bundle)
    assert station.ledger.bundle(bundle.sha256).code == "unreachable"


@pytest.mark.parametrize("status", [500, 502, 503, 429, 507, 404, 302, 418])
def test_an_odd_status_is_tried_again_and_loses_nothing(station, server, status):
    bundle = sealed(station)
    server.answer = lambda r: httpx.Response(status, text="<html>") if r.method == "PUT" else None

    done = uploader(station, server).upload_due()

    assert done.stopped_by is not None or done.refusals
    assert is_kept(station, bundle)
    assert station.ledger.bundle(bundle.sha256).state is not BundleState.RECEIVED


def test_a_server_that_recovers_gets_the_bundle_in_the_same_run(station, server):
    sealed(station)
    answers = iter([httpx.Response(500), httpx.Response(503), None])
    server.answer = lambda r: next(answers) if r.method == "PUT" else None

    assert uploader(station, server).upload_due().bundles == 1


def test_retry_after_is_honoured_within_the_bound(station, server):
    sealed(station)
    answers = iter([problem(503, "busy", "later", **{"Retry-After": "17"}), None])
    server.answer = lambda r: next(answers) if r.method == "PUT" else None
    pauses = Pauses()

    uploader(station, server, pauses=pauses).upload_due()

    assert pauses.taken == [17.0]


def test_an_absurd_retry_after_is_cut(station, server):
    sealed(station)
    answers = iter([problem(503, "busy", "later", **{"Retry-After": "999999999"}), None])
    server.answer = lambda r: next(answers) if r.method == "PUT" else None
    pauses = Pauses()

    uploader(station, server, pauses=pauses).upload_due()

    assert pauses.taken == [60.0]


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Welcome to the hotel</html>", b"{}", b"[" * 5000, b"null", b'{"version":1}'],
)
def test_a_200_that_is_no_receipt_drops_nothing_and_ends_the_pass(station, server, body):
    first, second = sealed(station), sealed(station, first=10)
    server.answer = lambda r: httpx.Response(200, content=body) if r.method == "PUT" else None

    done = uploader(station, server).upload_due()

    assert isinstance(done.stopped_by, Corrupt)
    assert done.stopped_by.code == "bad-receipt"
    assert is_kept(station, first)
    assert is_kept(station, second)
    assert server.requests.count(f"PUT /v1/bundles/{second.sha256}") == 0


def test_a_receipt_by_another_key_is_worth_nothing(station, server):
    bundle = sealed(station)
    server.key = Ed25519PrivateKey.from_private_bytes(bytes(32))

    done = uploader(station, server).upload_due()

    assert isinstance(done.stopped_by, Corrupt)
    assert is_kept(station, bundle)


def test_a_receipt_for_another_bundle_is_worth_nothing(station, server):
    bundle = sealed(station)
    server.answer = lambda r: httpx.Response(201, content=server.receipt("0" * 64, 3)) if r.method == "PUT" else None

    assert isinstance(uploader(station, server).upload_due().stopped_by, Corrupt)
    assert is_kept(station, bundle)


def test_a_receipt_for_fewer_pictures_is_worth_nothing(station, server):
    bundle = sealed(station)
    server.answer = lambda r: (
        httpx.Response(201, content=server.receipt(bundle.sha256, 2)) if r.method == "PUT" else None
    )

    assert isinstance(uploader(station, server).upload_due().stopped_by, Corrupt)
    assert is_kept(station, bundle)


def test_a_reply_without_end_is_cut_off(station, server):
    bundle = sealed(station)
    server.answer = lambda r: httpx.Response(200, content=bytes(5 << 20)) if r.method == "PUT" else None

    assert uploader(station, server).upload_due().stopped_by is not None
    assert is_kept(station, bundle)


@pytest.mark.parametrize(
    ("status", "code", "kind", "exit_code"),
    [(422, "readable-plate", PrivacyError, 4), (413, "too-large", TooLarge, 3), (400, "bad-hash", Corrupt, 3)],
)
def test_what_the_server_refuses_is_parked_with_the_reason_and_the_next_goes_up(
    station, server, status, code, kind, exit_code
):
    first, second = sealed(station), sealed(station, first=10)
    server.answer = lambda r: problem(status, code, "because") if first.sha256 in r.url.path else None

    done = uploader(station, server).upload_due()

    assert done.bundles == 1
    assert [type(e) for e in done.refusals] == [kind]
    assert done.refusals[0].exit_code == exit_code
    row = station.ledger.bundle(first.sha256)
    assert (row.state, row.reason, row.code) == (BundleState.REFUSED, "because", code)
    assert is_kept(station, first)
    assert not is_kept(station, second)
    assert uploader(station, server).upload_due().bundles == 0


@pytest.mark.parametrize("status", [400, 413, 422])
@pytest.mark.parametrize("body", ["<html>Welcome to the hotel</html>", '{"type": "about:blank", "detail": "no"}', "[]"])
def test_a_verdict_that_is_not_our_servers_parks_nothing(station, server, status, body):
    bundle = sealed(station)
    server.answer = lambda r: httpx.Response(status, text=body) if r.method == "PUT" else None

    done = uploader(station, server).upload_due()

    assert isinstance(done.stopped_by, Unavailable)
    assert station.ledger.bundle(bundle.sha256).state is BundleState.SPOOLED
    server.answer = lambda _: None
    assert uploader(station, server).upload_due().bundles == 1


def test_a_bundle_that_cannot_be_read_now_is_not_parked_and_the_next_goes_up(station, server):
    first, second = sealed(station), sealed(station, first=10)
    path = station.home.spool_path / f"{first.sha256}.bundle"
    path.rename(path.with_suffix(".away"))
    path.mkdir()

    done = uploader(station, server).upload_due()

    assert (done.bundles, server.puts) == (1, [second.sha256])
    assert isinstance(done.stopped_by, HostError)
    assert station.ledger.bundle(first.sha256).state is BundleState.SPOOLED
    path.rmdir()
    path.with_suffix(".away").rename(path)
    assert uploader(station, server).upload_due().bundles == 1


def test_a_bundle_that_always_fails_is_not_in_the_way_of_the_others(station, server):
    first, second, third = (sealed(station, first=n) for n in (0, 10, 20))
    server.answer = lambda r: httpx.Response(500) if first.sha256 in r.url.path else None

    assert isinstance(uploader(station, server).upload_due().stopped_by, Unavailable)
    uploader(station, server).upload_due()

    assert server.puts == [second.sha256, third.sha256]
    assert is_kept(station, first)


def test_a_refused_bundle_goes_up_after_the_owner_says_so(station, server):
    bundle = sealed(station)
    server.answer = lambda r: problem(422, "readable-plate", "because") if r.method == "PUT" else None
    uploader(station, server).upload_due()
    server.answer = lambda _: None

    assert station.ledger.retry_refused() == 1
    assert uploader(station, server).upload_due().bundles == 1
    assert not is_kept(station, bundle)


def test_a_token_that_is_not_taken_is_replaced(station, server):
    sealed(station)
    station.ledger.add_tokens(["x" * 43], "fleet")

    assert uploader(station, server).upload_due().bundles == 1
    assert server.requests.count("POST /v1/tokens") == 1


def test_a_token_that_was_spent_elsewhere_is_replaced(station, server):
    sealed(station)
    token = server.fresh_tokens(1)
    server.spent[token[0]] = "0" * 64
    station.ledger.add_tokens(token, "fleet")

    assert uploader(station, server).upload_due().bundles == 1


def test_a_credential_that_is_not_taken_ends_the_pass_and_keeps_everything(station, server):
    bundle = sealed(station)
    server.answer = lambda r: problem(401, "unauthorized", "no") if r.method in ("PUT", "POST") else None

    done = uploader(station, server).upload_due()

    assert isinstance(done.stopped_by, Unauthorized)
    assert done.stopped_by.exit_code == 6
    assert is_kept(station, bundle)


def test_the_same_token_is_used_again_after_a_lost_reply(station, server):
    bundle = sealed(station)
    lost = []

    def lose_first(request):
        if request.method == "PUT" and not lost:
            lost.append(request)
            server._put_bundles(request)
            raise httpx.ReadTimeout("no reply", request=request)

    server.answer = lose_first

    assert uploader(station, server).upload_due().bundles == 1
    assert list(server.spent.values()) == [bundle.sha256]


def test_bytes_that_changed_on_disk_are_not_sent(station, server):
    bundle = sealed(station)
    path = station.home.spool_path / f"{bundle.sha256}.bundle"
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    done = uploader(station, server).upload_due()

    assert [type(e) for e in done.refusals] == [Corrupt]
    assert "PUT" not in "".join(server.requests)


def test_what_is_not_due_stays(station, server):
    bundle = sealed(station, not_before=NOW + 3600)

    assert uploader(station, server).upload_due().bundles == 0
    assert uploader(station, server, now=NOW + 3601).upload_due().bundles == 1
    assert not is_kept(station, bundle)


def test_what_its_owner_took_back_is_not_sent(station, server):
    bundle = sealed(station)
    with station.ledger.transaction() as db:
        db.execute("UPDATE bundles SET forget_at = 0 WHERE number = ?", (bundle.number,))

    assert uploader(station, server).upload_due().bundles == 0
    assert server.puts == []


def test_a_stop_ends_the_waiting(station, server):
    bundle = sealed(station)
    server.answer = lambda r: httpx.Response(503) if r.method == "PUT" else None

    done = uploader(station, server, pauses=Pauses(stop_after=1), attempts=9).upload_due()

    assert isinstance(done.stopped_by, Unavailable)
    assert server.requests.count(f"PUT /v1/bundles/{bundle.sha256}") == 1


def test_bundles_of_another_policy_are_not_sent_under_this_enrolment(tmp_path, server):
    with station_in(tmp_path / "home", policy=Policy.OPEN, enrolled=False) as station:
        sealed(station)
    with station_in(tmp_path / "home", policy=Policy.FLEET) as station:
        assert uploader(station, server).upload_due().bundles == 0
        assert server.puts == []


def test_personal_bundles_do_not_go_in_their_order(tmp_path, server):
    with station_in(tmp_path / "home", policy=Policy.PERSONAL) as station:
        rows = [sealed(station, count=1, first=n) for n in range(12)]

        uploader(station, server).upload_due()

        assert sorted(server.puts) == sorted(r.sha256 for r in rows)
        assert server.puts != [r.sha256 for r in rows]


def test_nothing_that_names_the_contributor_is_sent_with_a_bundle(station, server):
    sealed(station)
    seen = {}

    def look(request):
        if request.method == "PUT":
            seen.update(request.headers)

    server.answer = look
    uploader(station, server).upload_due()

    assert set(seen) == {
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "user-agent",
        "content-type",
        "authorization",
        "content-length",
    }
    assert "credential" not in seen["authorization"]


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "http://127.0.0.1:9"])
def test_a_proxy_that_is_away_is_a_server_out_of_reach(proxy):
    server = Server("http://127.0.0.1:9", proxy=proxy, timeout_s=2.0)

    with pytest.raises(Unavailable) as caught:
        server.instance()

    server.close()
    assert caught.value.code == "unreachable"


@pytest.mark.parametrize("proxy", ["ftp://me:hunter2@proxy", "http://me:hunter2/x@proxy"])
def test_a_proxy_that_cannot_be_used_is_told_without_its_password(proxy):
    with pytest.raises(UsageError, match="cannot use the proxy") as caught:
        Server("http://127.0.0.1:9", proxy=proxy)

    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    "url", ["roads.example", "ftp://roads.example", "http://", "https://u:p@roads.example", "http://x/?q=1"]
)
def test_what_is_no_address_of_a_server_is_told(url):
    with pytest.raises(UsageError, match="not a server's address"):
        Server(url)
