"""The layers of the border put together, as the settings say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from dashlight.border.asgi import App
from dashlight.border.bodies import Bounded
from dashlight.border.dressing import Dressed
from dashlight.border.groups import Group
from dashlight.border.measuring import BorderMetrics, Measured
from dashlight.border.rates import Rated, Rates
from dashlight.border.spans import NoSpans, Spans
from dashlight.border.stopping import Stoppable
from dashlight.config import ServerSettings
from dashlight.errors import HostError


@dataclass(frozen=True, slots=True)
class Border:
    """The application behind its border.

    Attributes:
        asgi: What an ASGI server runs.
        begin_stop: Refuses new requests; on the event loop only.
        open_requests: Returns how many are being answered.
    """

    asgi: App
    begin_stop: Callable[[], None]
    open_requests: Callable[[], int]


def bordered(app: App, settings: ServerSettings, *, registry: CollectorRegistry, spans: Spans) -> Border:
    """Return an application behind its border.

    Args:
        app: The application.
        settings: Of the server.
        registry: Takes the counters.
        spans: The traces.
    """
    metrics = BorderMetrics(registry)
    rates = Rates(rates_of(settings), live_each=settings.live_per_sender)
    bounded = Bounded(app, timeout_s=settings.body_timeout_s, count_refused=metrics.count_refused)
    rated = Rated(bounded, rates, count_refused=metrics.count_refused)
    stoppable = Stoppable(rated, count_refused=metrics.count_refused)
    dressed = Dressed(Measured(stoppable, metrics, spans), apart=app)
    return Border(dressed, stoppable.begin_stop, lambda: stoppable.open_requests)


def rates_of(settings: ServerSettings) -> dict[Group, int]:
    """Return how many requests of each kind one client address may make in a minute."""
    return {
        Group.READS: settings.reads_per_minute,
        Group.TILES: settings.tiles_per_minute,
        Group.SEARCHES: settings.searches_per_minute,
        Group.LIVE: settings.live_per_minute,
        Group.REPORTS: settings.reports_per_minute,
        Group.WRITES: settings.writes_per_minute,
    }


def spans_of(settings: ServerSettings) -> Spans:
    """Return the traces that the settings ask for.

    Raises:
        HostError: When they ask for some and the extra is not installed.
    """
    if not settings.traces_url:
        return NoSpans()
    try:
        from dashlight.border.otel import otel_spans  # noqa: PLC0415  # An extra.
    except ModuleNotFoundError as exc:
        raise HostError(
            "server.traces_url is set, and the extra `otel` is not installed",
            hint="install dashlight[server,otel], or leave the setting empty",
            code="no-otel",
        ) from exc
    return otel_spans(settings.traces_url, share=settings.traces_share)
