"""Events for live readers, written in the commit that they tell of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from dashlight.store import bulk
from dashlight.store.database import Event, Transaction
from dashlight.store.schema import event

KEPT_EVENTS = 20_000  # A client that was away for longer is told to refresh.


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be told.

    Attributes:
        kind: `picture`, `gone` or `refresh`.
        data: JSON.
        lon_e6: Where, or None for everywhere.
        lat_e6: Likewise.
        picture: The picture's id, so that erasing it finds what was told of it.
    """

    kind: str
    data: str
    lon_e6: int | None = None
    lat_e6: int | None = None
    picture: bytes | None = None


def tell(transaction: Transaction, events: Sequence[NewEvent]) -> None:
    """Write events into the outbox and the transaction's change."""
    if not events:
        return
    last = transaction.connection.execute(sa.select(sa.func.max(event.c.cursor))).scalar() or 0
    numbered = list(enumerate(events, start=last + 1))
    rows = [
        {
            "cursor": number,
            "kind": told.kind,
            "lon_e6": told.lon_e6,
            "lat_e6": told.lat_e6,
            "picture": told.picture,
            "data": told.data,
        }
        for number, told in numbered
    ]
    bulk.insert(transaction.connection, event, rows)
    first_kept = last + len(rows) - KEPT_EVENTS
    transaction.connection.execute(sa.delete(event).where(event.c.cursor <= first_kept))
    transaction.change.events += [event_of(n, told.kind, told.lon_e6, told.lat_e6, told.data) for n, told in numbered]


def event_of(cursor: int, kind: str, lon_e6: int | None, lat_e6: int | None, data: str) -> Event:
    """Return the event of a row."""
    return Event(cursor, kind, None if lon_e6 is None else lon_e6 / 1e6, None if lat_e6 is None else lat_e6 / 1e6, data)


def last_cursor(connection: sa.Connection) -> int:
    """Return the newest event's cursor, 0 when there is none."""
    return int(connection.execute(sa.select(sa.func.max(event.c.cursor))).scalar() or 0)


def events_after(connection: sa.Connection, cursor: int, *, limit: int) -> list[Event] | None:
    """Return the events after `cursor`, oldest first, or None when some of them are not kept or they are too many."""
    oldest = connection.execute(sa.select(sa.func.min(event.c.cursor))).scalar()
    newest = last_cursor(connection)
    if cursor > newest or (oldest is not None and cursor < oldest - 1):
        return None
    columns = (event.c.cursor, event.c.kind, event.c.lon_e6, event.c.lat_e6, event.c.data)
    query = sa.select(*columns).where(event.c.cursor > cursor).order_by(event.c.cursor).limit(limit + 1)
    found = [event_of(*row) for row in connection.execute(query)]
    return found if len(found) <= limit else None
