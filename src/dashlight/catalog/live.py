"""Live events to many readers: one hub, one piece a region and second, and a stated way out for who is slow.

    commit ─ events ─ index of regions ─ pending of each region ─ a piece, at most one a second ─ every stream of it

What happens in a region is encoded once and sent in one piece to all who look at it; the first event after a quiet
second goes out at once. A reader who falls behind by more than `queue` events loses them and gets one `refresh`
instead, after which it asks for tiles anew: late is worse than less.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol

from dashlight.catalog.regions import Frame, Piece, Region, RegionIndex
from dashlight.errors import Unavailable
from dashlight.model import BBox
from dashlight.store import outbox
from dashlight.store.database import Change, Database, Event

HEARTBEAT_S = 15.0
BETWEEN_PIECES_S = 1.0  # Of one region; a piece that is sent later carries more.
MAX_REPLAYED = 5_000
_RETRY_LEAST_MS, _RETRY_MOST_MS = 1_000, 10_000  # Spread, so that not all come back in one moment.
_HEARTBEAT = b": still here\n\n"


class LiveCounts(Protocol):
    """What the hub counts."""

    def count_piece(self, events: int) -> None:
        """Count a piece that one region was told, of so many events."""

    def count_refresh(self) -> None:
        """Count a reader who was too slow."""


class NoCounts:
    """Counts nothing."""

    def count_piece(self, events: int) -> None:
        """Do nothing."""

    def count_refresh(self) -> None:
        """Do nothing."""


def encoded(kind: str, data: str, cursor: int) -> bytes:
    """Return an event as Server-Sent Events write it."""
    return f"id: {cursor}\nevent: {kind}\ndata: {data}\n\n".encode()


def frame_of(event: Event) -> Frame:
    """Return an event as it is sent."""
    return Frame(event.cursor, encoded(event.kind, event.data, event.cursor))


def concerns(event: Event, bbox: BBox | None) -> bool:
    """Return whether an event concerns a region; those without a place concern every one."""
    if bbox is None or event.lon is None or event.lat is None:
        return True
    lon, lat = event.lon, event.lat
    return any(part.west <= lon <= part.east and part.south <= lat <= part.north for part in bbox.parts())


def following(piece: Piece, region: Region, *, after: int, most: int) -> tuple[bytes, bool]:
    """Return what a stream is told that has sent up to `piece`, and whether it was too slow for it.

    Args:
        piece: The last that it has sent.
        region: Where it looks.
        after: Events up to this cursor it has already.
        most: Events that it may be behind; beyond them it gets one `refresh`.
    """
    if region.last.events - piece.events > most:
        cursor = _last_cursor(piece)
        return encoded("refresh", "{}", cursor), True
    parts: list[bytes] = []
    while (next_piece := piece.following) is not None:
        piece = next_piece
        if not piece.frames or piece.frames[0].cursor > after:
            parts.append(piece.content)
        else:
            parts.extend(frame.content for frame in piece.frames if frame.cursor > after)
    return b"".join(parts), False


def _last_cursor(piece: Piece) -> int:
    """Return the cursor of the newest event after a piece; there is one."""
    cursor = 0
    while (next_piece := piece.following) is not None:
        piece = next_piece
        if piece.frames:
            cursor = piece.frames[-1].cursor
    return cursor


class Hub:
    """All live streams of one process.

    Args:
        database: Where events come from; the hub listens to its changes.
        clients: Streams open at once.
        queue: Events that one stream may be behind.
        counts: What is counted.
    """

    def __init__(self, database: Database, *, clients: int, queue: int, counts: LiveCounts | None = None) -> None:
        self._database = database
        self._clients = clients
        self._queue = queue
        self._counts = counts or NoCounts()
        self._index = RegionIndex()
        self._readers = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._beating: asyncio.TimerHandle | None = None
        self._is_closed = False
        database.listen(self._on_change)

    @property
    def readers(self) -> int:
        """How many streams are open."""
        return self._readers

    @property
    def regions(self) -> int:
        """How many boxes they look at."""
        return len(self._index)

    def start(self) -> None:
        """Tell events on the running event loop from now on."""
        self._loop = asyncio.get_running_loop()
        self._beat()

    def close(self) -> None:
        """End every stream. May be called on the event loop only."""
        self._is_closed = True
        if self._beating is not None:
            self._beating.cancel()
        for region in self._index:
            region.wake()

    def _on_change(self, change: Change) -> None:
        """Pass events from the database's thread to the loop's."""
        loop = self._loop
        if change.events and loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._tell, change.events)

    def _tell(self, events: Sequence[Event]) -> None:
        """Give each event to the regions that it concerns, and see to it that they tell it."""
        touched: dict[Region, None] = {}
        for event in events:
            frame: Frame | None = None
            everywhere = event.lon is None or event.lat is None
            for region in self._index if everywhere else self._index.at(event.lon or 0.0, event.lat or 0.0):
                frame = frame or frame_of(event)
                region.add(frame)
                touched[region] = None
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        for region in touched:
            due_s = region.told_s + BETWEEN_PIECES_S
            if due_s <= now_s:
                self._flush(region)
            elif not region.is_due:
                region.is_due = True
                loop.call_at(due_s, self._flush, region)

    def _flush(self, region: Region) -> None:
        before = region.last.events
        region.flush(asyncio.get_running_loop().time())
        if region.last.events > before:
            self._counts.count_piece(region.last.events - before)

    def _beat(self) -> None:
        """Show every region that was quiet for long that the line is up; once a second, so that they spread out."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        for region in self._index:
            if now_s - region.told_s >= HEARTBEAT_S and not region.is_due:
                region.say(_HEARTBEAT, now_s)
        self._beating = loop.call_later(1.0, self._beat)

    def check_room(self) -> None:
        """Check that one more stream may be opened.

        Raises:
            Unavailable: When too many are.
        """
        if self._is_closed or self._readers >= self._clients:
            raise Unavailable(f"{self._readers} live streams are open", retry_after_s=30.0, code="live-full")

    @contextmanager
    def _joined(self, bbox: BBox | None) -> Iterator[Region]:
        region = self._index.join(bbox)
        if region.streams == 1:
            region.told_s = asyncio.get_running_loop().time() - BETWEEN_PIECES_S
        self._readers += 1
        try:
            yield region
        finally:
            self._readers -= 1
            self._index.leave(region)

    async def stream(self, *, bbox: BBox | None, after: int | None) -> AsyncIterator[bytes]:
        """Yield the stream of one reader: `hello`, what it missed, and then what happens, until closed.

        Args:
            bbox: Which places concern it, or None for all.
            after: The cursor of the last event that it has, or None when it begins.
        """
        with self._joined(bbox) as region:
            piece = region.last  # Before the database is asked: what happens meanwhile comes twice, and is told once.
            cursor, missed = await asyncio.to_thread(self._missed, after)
            at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            first = [encoded("hello", json.dumps({"at": at}), cursor if after is None else after)]
            if missed is None:
                first.append(encoded("refresh", "{}", cursor))
            else:
                first += [frame_of(event).content for event in missed if concerns(event, bbox)]
            yield b"".join(first)
            while not self._is_closed:
                news = region.news
                if piece.following is None:
                    await news.wait()
                    continue
                content, is_slow = following(piece, region, after=cursor, most=self._queue)
                piece = region.last
                if is_slow:
                    self._counts.count_refresh()
                if content:
                    yield content
            retry_ms = random.randint(_RETRY_LEAST_MS, _RETRY_MOST_MS)
            yield f"retry: {retry_ms}\n\n".encode()

    def _missed(self, after: int | None) -> tuple[int, list[Event] | None]:
        with self._database.read() as connection:
            cursor = outbox.last_cursor(connection)
            if after is None:
                return cursor, []
            return cursor, outbox.events_after(connection, after, limit=MAX_REPLAYED)
