"""The layers of the border, each over an application of a few lines."""

import asyncio
import json
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from dashlight.border.bodies import MAX_BODY_BYTES, Bounded
from dashlight.border.groups import Group
from dashlight.border.layers import bordered, spans_of
from dashlight.border.measuring import BorderMetrics, Measured
from dashlight.border.openapi import with_problems
from dashlight.border.spans import NoSpans
from dashlight.border.stopping import Stoppable
from dashlight.config import ServerSettings


class Sent:
    """One reply."""

    def __init__(self):
        self.messages = []

    async def __call__(self, message):
        self.messages.append(message)

    @property
    def status(self):
        return self.messages[0]["status"]

    @property
    def headers(self):
        return dict(self.messages[0]["headers"])

    @property
    def body(self):
        return b"".join(each.get("body", b"") for each in self.messages[1:])


def parts(*bodies):
    """Return a `receive` that gives a body in parts."""
    waiting = [{"type": "http.request", "body": b, "more_body": n + 1 < len(bodies)} for n, b in enumerate(bodies)]

    async def receive():
        return waiting.pop(0)

    return receive


async def never():
    await asyncio.Event().wait()


async def echo(scope, receive, send):
    """Answer with the body; what it read is what was sent."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    scope["route"] = Route("/things/{name}")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body})


class Route:
    def __init__(self, path):
        self.path = path


def ask(app, method="GET", path="/things/1", *, receive=None, headers=(), client="203.0.113.7"):
    sent = Sent()
    scope = {"type": "http", "method": method, "path": path, "headers": list(headers), "client": (client, 1)}
    asyncio.run(app(scope, receive or parts(b""), sent))
    return sent


def bounded(timeout_s=5.0, refused=None):
    return Bounded(echo, timeout_s=timeout_s, count_refused=lambda *each: (refused or []).append(each))


def test_a_body_under_the_bound_arrives_whole():
    assert ask(bounded(), "POST", receive=parts(b"ab", b"cd")).body == b"abcd"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_body_that_grows_over_the_bound_is_refused(method):
    refused = []

    sent = ask(bounded(refused=refused), method, "/api/search", receive=parts(*[b"a" * 40_000] * 2))

    assert sent.status == 413
    assert b"connection" not in sent.headers
    assert str(MAX_BODY_BYTES) in json.loads(sent.body)["detail"]


def test_a_body_that_announces_too_much_is_refused_unread():
    sent = ask(bounded(), "POST", receive=never, headers=[(b"content-length", b"70000")])

    assert sent.status == 413
    assert "70000" in json.loads(sent.body)["detail"]


def test_a_body_that_does_not_come_is_given_up():
    sent = ask(bounded(timeout_s=0.01), "POST", receive=never)

    assert (sent.status, sent.headers[b"connection"]) == (408, b"close")


def test_an_upload_bounds_itself():
    assert len(ask(bounded(), "PUT", "/v1/bundles/00", receive=parts(b"a" * 100_000)).body) == 100_000


def test_new_requests_are_refused_once_the_stop_has_begun_and_open_ones_are_finished():
    async def scene():
        entered, leave = asyncio.Event(), asyncio.Event()

        async def slow(_scope, _receive, send):
            entered.set()
            await leave.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"done"})

        stoppable = Stoppable(slow, count_refused=lambda *_: None)
        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        first, second = Sent(), Sent()
        open_one = asyncio.create_task(stoppable(scope, never, first))
        await entered.wait()
        stoppable.begin_stop()
        await stoppable(scope, never, second)
        still_open = stoppable.open_requests
        leave.set()
        await open_one
        return first, second, still_open, stoppable.open_requests

    first, second, still_open, open_after = asyncio.run(scene())

    assert (first.status, first.body) == (200, b"done")
    assert (second.status, second.headers[b"connection"]) == (503, b"close")
    assert int(second.headers[b"retry-after"]) >= 1
    assert (still_open, open_after) == (1, 0)


def test_probes_are_told_apart_at_the_stop():
    stoppable = Stoppable(echo, count_refused=lambda *_: None)
    stoppable.begin_stop()

    assert ask(stoppable, path="/healthz").status == 200
    assert ask(stoppable, path="/readyz").status == 503


def counted(app, *requests):
    registry = CollectorRegistry()
    measured = Measured(app, BorderMetrics(registry), NoSpans())
    for method, path in requests:
        ask(measured, method, path)
    return generate_latest(registry).decode()


def test_requests_are_counted_by_template():
    told = counted(echo, ("GET", "/things/ada"), ("GET", "/things/bob"), ("BREW", "/things/ada"))

    assert 'dashlight_border_requests_total{method="GET",route="/things/{name}",status="2xx"} 2.0' in told
    assert 'method="other"' in told
    assert 'dashlight_border_request_seconds_count{method="GET",route="/things/{name}"} 2.0' in told
    assert "ada" not in told
    assert "BREW" not in told


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/v1/bundles/00"), ("POST", "/v1/tokens"), ("POST", "/v1/enrolments"), ("DELETE", "/v1/pictures/1")],
)
def test_requests_of_contributors_are_not_counted(method, path):
    told = counted(echo, (method, path))

    assert "dashlight_border_requests_total{" not in told
    assert "dashlight_border_request_seconds_count{" not in told


def test_refusals_of_contributors_are_not_counted():
    registry = CollectorRegistry()
    metrics = BorderMetrics(registry)

    metrics.count_refused("rate", Group.WRITES)
    metrics.count_refused("rate", Group.TILES)

    told = generate_latest(registry).decode()
    assert 'group="tiles"' in told
    assert 'group="writes"' not in told


def test_a_request_that_crashes_is_counted():
    async def crash(_scope, _receive, _send):
        raise ValueError("a secret")

    registry = CollectorRegistry()
    with pytest.raises(ValueError, match="a secret"):
        ask(Measured(crash, BorderMetrics(registry), NoSpans()))

    told = generate_latest(registry).decode()
    assert 'route="other",status="4xx"' in told
    assert "dashlight_border_open_requests 0.0" in told


def test_the_border_limits_what_the_settings_say():
    settings = ServerSettings(tiles_per_minute=1, body_timeout_s=0.1)
    border = bordered(echo, settings, registry=CollectorRegistry(), spans=NoSpans())

    tiles = [ask(border.asgi, path="/v1/tiles/1/1/1.mvt").status for _ in range(2)]

    assert tiles == [200, 429]
    assert ask(border.asgi, "POST", "/api/search", receive=never).status == 408
    assert ask(border.asgi, "HEAD").body == b""
    assert border.open_requests() == 0


def test_a_head_is_counted_and_traced_as_one():
    registry, traced = CollectorRegistry(), []

    class Noted(NoSpans):
        @contextmanager
        def span(self, name):
            with super().span(name) as words:
                yield words
            traced.append(words)

    border = bordered(echo, ServerSettings(), registry=registry, spans=Noted())
    ask(border.asgi, "HEAD")
    ask(border.asgi, "GET")

    labels = {"route": "/things/{name}", "status": "2xx"}
    counted = [
        registry.get_sample_value("dashlight_border_requests_total", labels | {"method": method})
        for method in ("HEAD", "GET")
    ]
    assert counted == [1.0, 1.0]
    assert [words["http.request.method"] for words in traced] == ["HEAD", "GET"]


def test_nothing_is_traced_unless_it_is_asked_for():
    assert isinstance(spans_of(ServerSettings()), NoSpans)


def test_every_operation_announces_problems():
    document = {
        "paths": {"/a": {"get": {"responses": {"200": {"description": "ok"}, "422": {"description": "x"}}}}},
        "components": {"schemas": {"HTTPValidationError": {}, "ValidationError": {}}},
    }

    replies = with_problems(with_problems(document))["paths"]["/a"]["get"]["responses"]

    assert set(replies) == {"200", "400", "default"}
    assert all("application/problem+json" in replies[status]["content"] for status in ("400", "default"))
    assert set(document["components"]["schemas"]) == {"Problem"}
