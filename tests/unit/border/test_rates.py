import asyncio
import gc
import json

import pytest

from dashlight.border.groups import Group, group_of
from dashlight.border.rates import WINDOW_S, Rated, Rates
from dashlight.model import is_this_machine

HOME, OTHER = "203.0.113.7", "198.51.100.9"


class Clock:
    def __init__(self):
        self.now_s = 1_000.0

    def __call__(self):
        return self.now_s


def test_a_client_that_asks_too_often_waits_for_the_minutes_end():
    clock = Clock()
    rates = Rates({Group.TILES: 3}, now_s=clock)

    assert [rates.spend(HOME, Group.TILES) for _ in range(3)] == [0.0] * 3
    clock.now_s += 20
    assert rates.spend(HOME, Group.TILES) == pytest.approx(WINDOW_S - 20)
    assert rates.spend(OTHER, Group.TILES) == 0.0, "others are not slowed"
    assert rates.spend(HOME, Group.READS) == 0.0, "what is not limited is not counted"

    clock.now_s += WINDOW_S
    assert rates.spend(HOME, Group.TILES) == 0.0


def test_addresses_of_one_sender_are_one_client():
    rates = Rates({Group.READS: 1})

    assert rates.spend("2001:db8:1:2::1", Group.READS) == 0.0
    assert rates.spend("2001:db8:1:2:ffff::9", Group.READS) > 0.0
    assert rates.spend("2001:db8:1:3::1", Group.READS) == 0.0
    assert rates.spend(HOME, Group.READS) == 0.0
    assert rates.spend(f"::ffff:{HOME}", Group.READS) > 0.0


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", ""])
def test_this_machine_is_not_limited(address):
    rates = Rates({Group.READS: 1}, live_each=1)

    assert is_this_machine(address)
    assert [rates.spend(address, Group.READS) for _ in range(5)] == [0.0] * 5
    with rates.stream(address) as first, rates.stream(address) as second:
        assert (first, second) == (True, True)


def test_no_address_is_kept_and_nothing_of_a_minute_in_the_next():
    clock = Clock()
    rates = Rates({Group.READS: 5}, live_each=5, now_s=clock)
    rates.spend(HOME, Group.READS)
    before = set(rates._counts)
    with rates.stream(HOME):
        gc.collect()
        assert not any(HOME in str(each) for each in (vars(rates), rates._open, rates._counts))
    clock.now_s += WINDOW_S + 1
    rates.spend(HOME, Group.READS)

    assert not before & set(rates._counts), "the same client is another hash in another minute"
    assert rates._open == {}


def test_many_clients_take_bounded_memory(monkeypatch):
    monkeypatch.setattr("dashlight.border.rates.MOST_CLIENTS", 10)
    rates = Rates({Group.READS: 1})

    for n in range(50):
        rates.spend(f"203.0.{n}.1", Group.READS)

    assert len(rates._counts) == 10


def test_a_client_has_so_many_streams_and_no_more():
    rates = Rates({}, live_each=2)

    with rates.stream(HOME) as first, rates.stream(HOME) as second, rates.stream(HOME) as third:
        assert (first, second, third) == (True, True, False)
    with rates.stream(HOME) as again:
        assert again


@pytest.mark.parametrize(
    ("method", "path", "group"),
    [
        ("GET", "/v1/pictures", Group.SEARCHES),
        ("GET", "/v1/pictures/8b6c1a52-5c3e-4a4e-9d9c-0f1d2e3a4b5c", Group.READS),
        ("GET", "/api/search", Group.SEARCHES),
        ("POST", "/api/search", Group.SEARCHES),
        ("GET", "/api/collections/x/items", Group.SEARCHES),
        ("GET", "/v1/tiles/1/2/3.mvt", Group.TILES),
        ("GET", "/api/map/1/2/3.mvt", Group.TILES),
        ("GET", "/live", Group.LIVE),
        ("POST", "/v1/pictures/x/report", Group.REPORTS),
        ("POST", "/api/reports", Group.REPORTS),
        ("POST", "/operator/reports", Group.WRITES),
        ("POST", "/operator/reports/8b6c1a52-5c3e-4a4e-9d9c-0f1d2e3a4b5c", Group.WRITES),
        ("PUT", "/v1/bundles/00", Group.WRITES),
        ("DELETE", "/v1/pictures/x", Group.WRITES),
        ("POST", "/v1/tokens", Group.WRITES),
        ("GET", "/v1/tokens", Group.WRITES),
        ("GET", "/", Group.READS),
        ("GET", "/readyz", Group.PROBES),
        ("HEAD", "/about/", Group.READS),
    ],
)
def test_requests_are_of_their_kind(method, path, group):
    assert group_of(method, path) is group


def test_who_asks_too_often_is_told_when_to_come_back():
    refused = []
    rated = Rated(answer, Rates({Group.READS: 1}), count_refused=lambda *each: refused.append(each))

    first, second = (asyncio.run(asked(rated, "GET", "/about", client=HOME)) for _ in range(2))

    assert first[0] == 200
    assert second[0] == 429
    assert 1 <= int(second[1][b"retry-after"]) <= WINDOW_S
    assert second[1][b"content-type"] == b"application/problem+json"
    assert json.loads(second[2])["type"].endswith("/too-many-requests")
    assert refused == [("rate", Group.READS)]
    assert HOME.encode() not in second[2]


async def answer(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"here"})


async def asked(app, method, path, *, client=HOME, receive=None, headers=()):
    """Return status, headers and body of an application's reply."""
    sent = []

    async def send(message):
        sent.append(message)

    async def nothing():
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": method, "path": path, "headers": list(headers), "client": (client, 1)}
    await app(scope, receive or nothing, send)
    body = b"".join(each.get("body", b"") for each in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), body
