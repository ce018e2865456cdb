"""How many requests, how long and with what end, by the template of their route; for `/metrics` and for traces.

Requests of contributors are neither counted nor traced: when one is made would tell when its sender is at home. What
ingest tells of them is in `ingest.metrics`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from dashlight.border.asgi import App, Message, Receive, Scope, Send
from dashlight.border.groups import Group, group_of
from dashlight.border.spans import Spans, Words

OTHER = "other"
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class BorderMetrics:
    """The counters of one server's border."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""
        self.requests = Counter(
            "dashlight_border_requests",
            "Requests answered, by template of the route and class of the status; contributors' are not counted",
            ["route", "method", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "dashlight_border_request_seconds",
            "From the whole head of a request to the last byte of its reply, of a stream to the first",
            ["route", "method"],
            registry=registry,
            buckets=_BUCKETS,
        )
        self.refused = Counter(
            "dashlight_border_refused_requests",
            "Requests refused before their route is known: by rate, size, slowness, or because the server stops",
            ["reason", "group"],
            registry=registry,
        )
        self.open = Gauge(
            "dashlight_border_open_requests", "Requests being answered, streams included", registry=registry
        )

    def count_refused(self, reason: str, group: Group) -> None:
        """Count a refusal, unless it is a contributor's.

        Args:
            reason: `rate`, `size`, `slow` or `stopping`.
            group: Of the request.
        """
        if group is not Group.WRITES:
            self.refused.labels(reason, group).inc()


class Measured:
    """Counts and traces requests once they are answered.

    Args:
        app: The layer inside.
        metrics: The counters.
        spans: The traces.
        now_s: A monotonic clock.
    """

    def __init__(
        self, app: App, metrics: BorderMetrics, spans: Spans, *, now_s: Callable[[], float] = time.perf_counter
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._spans = spans
        self._now_s = now_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count it."""
        if group_of(scope["method"], scope["path"]) is Group.WRITES:
            await self._app(scope, receive, send)
            return
        began_s, watch = self._now_s(), _Watch(send, self._now_s)
        self._metrics.open.inc()
        try:
            with self._spans.span("request") as words:
                try:
                    await self._app(scope, receive, watch.send)
                finally:
                    self._count(scope, watch, began_s, words)
        finally:
            self._metrics.open.dec()

    def _count(self, scope: Scope, watch: _Watch, began_s: float, words: Words) -> None:
        route = str(getattr(scope.get("route"), "path", OTHER))
        asked = "HEAD" if scope.get("is_head") else scope["method"]  # It comes as GET (`dressing`).
        method = asked if asked in _METHODS else OTHER
        status = watch.status or 499  # Whoever asked went away before there was a reply.
        self._metrics.requests.labels(route, method, f"{status // 100}xx").inc()
        self._metrics.seconds.labels(route, method).observe(max(0.0, (watch.at_s or self._now_s()) - began_s))
        words |= {"http.request.method": method, "http.route": route, "http.response.status_code": status}


class _Watch:
    """A `send` that notes the status, and when the reply ended, or began when it is a stream."""

    def __init__(self, send: Send, now_s: Callable[[], float]) -> None:
        self._send = send
        self._now_s = now_s
        self._is_stream = False
        self.status = 0
        self.at_s = 0.0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._is_stream = (b"content-type", b"text/event-stream; charset=utf-8") in message.get("headers", [])
        elif self._is_stream:
            self.at_s = self.at_s or self._now_s()
        await self._send(message)
        if not self._is_stream:
            self.at_s = self._now_s()
