"""What readers' side counts; all of it is public anyway, on the map or in its streams."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from dashlight.catalog.live import Hub

_EVENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


class CatalogMetrics:
    """The counters of one server's catalog."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""
        self.streams = Gauge("dashlight_catalog_live_streams", "Live streams that are open", registry=registry)
        self.regions = Gauge("dashlight_catalog_live_regions", "Boxes that live streams look at", registry=registry)
        self.piece_events = Histogram(
            "dashlight_catalog_live_piece_events",
            "Events that one region was told in one piece; their count is that of the pieces",
            registry=registry,
            buckets=_EVENTS,
        )
        self.refreshes = Counter(
            "dashlight_catalog_live_refreshes",
            "Streams that were too slow and were told to refresh instead",
            registry=registry,
        )

    def watch(self, hub: Hub) -> None:
        """Tell of the streams of a hub."""
        self.streams.set_function(lambda: hub.readers)
        self.regions.set_function(lambda: hub.regions)

    def count_piece(self, events: int) -> None:
        """Count a piece that one region was told, of so many events."""
        self.piece_events.observe(events)

    def count_refresh(self) -> None:
        """Count a reader who was too slow."""
        self.refreshes.inc()
