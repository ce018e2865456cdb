"""Live events to many readers: one hub, a bounded queue for each, and a stated way out when it is full.

A reader who falls behind by more than `queue` events loses them and gets one `refresh` instead, after which it asks
for tiles anew: late is worse than less.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import numpy as np

from dashlight.errors import Unavailable
from dashlight.model import BBox
from dashlight.store import outbox
from dashlight.store.database import Change, Database, Event

HEARTBEAT_S = 15.0
MAX_REPLAYED = 5_000
_HEARTBEAT = b": still here\n\n"


def encoded(kind: str, data: str, cursor: int) -> bytes:
    """Return an event as Server-Sent Events write it."""
    return f"id: {cursor}\nevent: {kind}\ndata: {data}\n\n".encode()


class Batch:
    """The events of one commit, encoded once for every reader."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.contents = [(event.cursor, encoded(event.kind, event.data, event.cursor)) for event in events]
        self._lon = np.array([math.nan if event.lon is None else event.lon for event in events])
        self._lat = np.array([math.nan if event.lat is None else event.lat for event in events])
        self._is_for_all = np.isnan(self._lon) | np.isnan(self._lat)
        self._chosen: dict[BBox, list[tuple[int, bytes]]] = {}  # Readers often look at the same region.

    def chosen(self, bbox: BBox | None) -> list[tuple[int, bytes]]:
        """Return cursor and bytes of the events that concern a region; those without a place concern every one."""
        if bbox is None:
            return self.contents
        if bbox not in self._chosen:
            mask = self._is_for_all.copy()
            for part in bbox.parts():
                mask |= (
                    (self._lon >= part.west)
                    & (self._lon <= part.east)
                    & (self._lat >= part.south)
                    & (self._lat <= part.north)
                )
            self._chosen[bbox] = [self.contents[i] for i in mask.nonzero()[0]]
        return self._chosen[bbox]


class _Reader:
    """One stream's queue; owned by the event loop."""

    def __init__(self, bbox: BBox | None, size: int) -> None:
        self.bbox = bbox
        self.waiting: list[tuple[int, bytes]] = []
        self.has_news = asyncio.Event()
        self._size = size

    def add(self, batch: Batch) -> None:
        chosen = batch.chosen(self.bbox)
        if not chosen:
            return
        if len(self.waiting) + len(chosen) > self._size:
            cursor = chosen[-1][0]
            self.waiting = [(cursor, encoded("refresh", "{}", cursor))]
        else:
            self.waiting.extend(chosen)
        self.has_news.set()


class Hub:
    """All live streams of one process.

    Args:
        database: Where events come from; the hub listens to its changes.
        clients: Streams open at once.
        queue: Events that wait for one stream.
    """

    def __init__(self, database: Database, *, clients: int, queue: int) -> None:
        self._database = database
        self._clients = clients
        self._queue = queue
        self._readers: set[_Reader] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False
        database.listen(self._on_change)

    @property
    def readers(self) -> int:
        """How many streams are open."""
        return len(self._readers)

    def start(self) -> None:
        """Tell events on the running event loop from now on."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """End every stream. May be called on the event loop only."""
        self._is_closed = True
        for reader in self._readers:
            reader.has_news.set()

    def _on_change(self, change: Change) -> None:
        """Pass events from the database's thread to the loop's."""
        loop = self._loop
        if change.events and loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._tell, change.events)

    def _tell(self, events: Sequence[Event]) -> None:
        batch = Batch(events)
        for reader in self._readers:
            reader.add(batch)

    def check_room(self) -> None:
        """Check that one more stream may be opened.

        Raises:
            Unavailable: When too many are.
        """
        if self._is_closed or len(self._readers) >= self._clients:
            raise Unavailable(f"{len(self._readers)} live streams are open", retry_after_s=30.0, code="live-full")

    async def stream(self, *, bbox: BBox | None, after: int | None) -> AsyncIterator[bytes]:
        """Yield the stream of one reader: `hello`, what it missed, and then what happens, until closed.

        Args:
            bbox: Which places concern it, or None for all.
            after: The cursor of the last event that it has, or None when it begins.
        """
        reader = _Reader(bbox, self._queue)
        self._readers.add(reader)
        try:
            cursor, missed = await asyncio.to_thread(self._missed, after)
            hello = json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")})
            yield encoded("hello", hello, cursor if after is None else after)
            if missed is None:
                yield encoded("refresh", "{}", cursor)
            else:
                for _, content in Batch(missed).chosen(bbox):
                    yield content
            async for content in self._live(reader, cursor):
                yield content
        finally:
            self._readers.discard(reader)

    def _missed(self, after: int | None) -> tuple[int, list[Event] | None]:
        with self._database.read() as connection:
            cursor = outbox.last_cursor(connection)
            if after is None:
                return cursor, []
            return cursor, outbox.events_after(connection, after, limit=MAX_REPLAYED)

    async def _live(self, reader: _Reader, cursor: int) -> AsyncIterator[bytes]:
        while not self._is_closed:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await reader.has_news.wait()
            except TimeoutError:
                yield _HEARTBEAT
                continue
            reader.has_news.clear()
            waiting, reader.waiting = reader.waiting, []
            content = b"".join(content for number, content in waiting if number > cursor)
            if content:
                yield content
