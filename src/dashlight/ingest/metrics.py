"""What ingest counts; labels are closed sets.

These are public. When a personal bundle arrives and how large it is would tell when its contributor is at home, so
personal pictures are counted in the daily batch alone, bundles that are refused as well, and bundles, bytes and
durations are of the others: one bundle in a batch would say that all of it is one person's. What waits for the batch is
in memory only; a restart forgets it.
"""

from __future__ import annotations

import threading
from collections import Counter as Counts

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from dashlight.model import Policy

_NEVER = -1


class IngestMetrics:
    """The counters of one server."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # They would say when the first of each kind came.
        self.bundles = Counter(
            "dashlight_ingest_bundles",
            "Bundles accepted, by policy; personal ones never: how many came tells how many pictures are one person's",
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
            "dashlight_ingest_refused_bundles",
            "Bundles refused, by the kind of error; personal ones and those without a good token in the daily batch",
            ["kind"],
            registry=registry,
        )
        self.rechecked = Counter(
            "dashlight_ingest_rechecked_pictures",
            "Arriving pictures looked at again; personal ones in the daily batch",
            ["verdict"],
            registry=registry,
        )
        self.idle_rechecked = Counter(
            "dashlight_ingest_idle_rechecked_pictures",
            "Published pictures looked at again while nobody uploads; counted in the daily batch",
            ["verdict"],
            registry=registry,
        )
        self.uploading = Gauge(
            "dashlight_ingest_uploads", "Bundles being received now, but personal ones", registry=registry
        )
        self.waiting = Gauge(
            "dashlight_ingest_waiting_pictures",
            "Pictures that waited for the operator's decision at the last daily batch, hidden or reported",
            registry=registry,
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
        self._batch_day: int | None = _NEVER
        self._lock = threading.Lock()  # Guards what is held.
        self._held: Counts[tuple[Counter, str]] = Counts()

    def count_refused(self, kind: str, policy: Policy | None) -> None:
        """Count a bundle that was refused.

        Args:
            kind: Of the error.
            policy: Of its token, or None when that is not known: it may be personal then.
        """
        self._count(self.refused, kind, is_told=policy not in (None, Policy.PERSONAL))

    def count_rechecked(self, policy: Policy, *, is_readable: bool) -> None:
        """Count the second look at an arriving picture of a policy."""
        verdict = "readable" if is_readable else "clean"
        self._count(self.rechecked, verdict, is_told=policy is not Policy.PERSONAL)

    def count_idle_look(self, verdict: str) -> None:
        """Count the look at a published picture: `clean`, `readable` or `damaged`.

        Told in the daily batch, because a pause would tell that something arrives.
        """
        self._count(self.idle_rechecked, verdict, is_told=False)

    def note_batch(self, day: int | None) -> None:
        """Tell what is held, once a batch was made, whichever of several servers made it.

        Args:
            day: Of the last batch. The first that is told may be from before this process, and tells nothing.
        """
        if self._batch_day not in (day, _NEVER):
            self.tell_held()
        self._batch_day = day

    def tell_held(self) -> None:
        """Add what waited for the daily batch to the public counters."""
        with self._lock:
            held, self._held = self._held, Counts()
        for (counter, label), count in held.items():
            counter.labels(label).inc(count)

    def _count(self, counter: Counter, label: str, *, is_told: bool) -> None:
        if is_told:
            counter.labels(label).inc()
            return
        with self._lock:
            self._held[counter, label] += 1
