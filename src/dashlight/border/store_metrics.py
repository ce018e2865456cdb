"""What is counted of the store: changes that readers can see. Neither writes nor bytes: they would tell of each upload.

It is here because the edge has a store too, and no counters.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

from dashlight.store.database import Change, Database

_KINDS = ("picture", "gone", "refresh")


class StoreMetrics:
    """The counters of one server's store.

    Args:
        registry: Takes them.
        database: Its changes are counted; what other servers of the instance changed as well.
    """

    def __init__(self, registry: CollectorRegistry, database: Database) -> None:
        self.changes = Counter(
            "dashlight_store_changes",
            "Commits that changed what readers see: adding, erasing, or unknown because another server made them",
            ["kind"],
            registry=registry,
        )
        self.events = Counter("dashlight_store_events", "Events for live readers, by kind", ["kind"], registry=registry)
        database.listen(self._count)

    def _count(self, change: Change) -> None:
        if change.is_everywhere:
            self.changes.labels("unknown").inc()
        elif change.qks:
            self.changes.labels("erasing" if change.is_erasing else "adding").inc()
        for event in change.events:
            self.events.labels(event.kind if event.kind in _KINDS else "other").inc()
