"""What ingest counts; labels are closed sets.

These are public. When a personal bundle arrives and how large it is would tell when its contributor is at home, so
personal bundles are counted in the daily batch alone, and bytes and durations are of the others.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics


class IngestMetrics:
    """The counters of one server."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # They would say when the first of each kind came.
        self.bundles = Counter(
            "dashlight_ingest_bundles",
            "Bundles accepted, by policy; personal ones in the daily batch",
            ["policy"],
            registry=registry,
        )
        self.pictures = Counter(
            "dashlight_ingest_pictures",
            "Pictures accepted, by policy; personal ones in the daily batch",
            ["policy"],
            registry=registry,
        )
        self.bytes = Counter(
            "dashlight_ingest_received_bytes", "Bytes of accepted bundles but personal ones", registry=registry
        )
        self.refused = Counter(
            "dashlight_ingest_refused_bundles", "Bundles refused, by the kind of error", ["kind"], registry=registry
        )
        self.rechecked = Counter(
            "dashlight_ingest_rechecked_pictures", "Pictures looked at again", ["verdict"], registry=registry
        )
        self.uploading = Gauge(
            "dashlight_ingest_uploads", "Bundles being received now, but personal ones", registry=registry
        )
        self.damaged = Gauge(
            "dashlight_ingest_damaged_bundles",
            "Personal bundles that the last daily batch left out because they cannot be read",
            registry=registry,
        )
        self.commit_s = Histogram(
            "dashlight_ingest_commit_seconds",
            "From the last byte to the receipt, but of personal bundles",
            registry=registry,
        )
