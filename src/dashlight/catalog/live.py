"""Live events to many readers: one hub, one piece a region and second, and a stated way out for who is slow.

    commit ─ events ─ index of regions ─ pending of each region ─ a piece, at most one a second ─ every line of it

What happens in a region is encoded once and written in one piece to all who look at it; the first event after a quiet
second goes out at once. No task wakes for a piece: the hub writes to the lines itself, some hundred in one turn of the
loop, so that uploads and tiles go on meanwhile. A line that takes nothing is passed over until it is ready; a reader
who falls behind by more than `queue` events loses them and gets one `refresh` instead, after which it asks for tiles
anew: late is worse than less.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

from dashlight.catalog.regions import Frame, Piece, Region, RegionIndex, Told
from dashlight.errors import Unavailable
from dashlight.model import BBox
from dashlight.store import outbox
from dashlight.store.database import Change, Database, Event

HEARTBEAT_S = 15.0
BETWEEN_PIECES_S = 1.0  # Of one region; a piece that is sent later carries more.
MAX_REPLAYED = 5_000
_RETRY_LEAST_MS, _RETRY_MOST_MS = 1_000, 10_000  # Spread, so that not all come back in one moment.
_HEARTBEAT = b": still here\n\n"
_TOLD_AT_ONCE = 200  # Lines in one turn of the loop: some milliseconds.

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Line(Protocol):
    """The way to one reader, past the application's queue of awaits; on the event loop only.

    A server offers it in `extensions` of the scope, under `LINE`.

    Attributes:
        on_ready: Called each time that the reader has caught up with what was written.
    """

    on_ready: Callable[[], None] | None

    @property
    def is_ready(self) -> bool:
        """Whether the line is up, and the reader has taken most of what was written."""
        ...

    def write(self, content: bytes) -> None:
        """Send a part of the reply's body, after all that was sent before; only when `is_ready`."""


LINE = "dashlight.line"


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
    return bbox.holds(lon, lat)


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


class Stream:
    """One reader: which piece was sent last, and the line for the next.

    Args:
        line: To the reader, who was sent everything up to `piece`.
        region: Where the reader looks.
        piece: The last that was sent.
        after: Events up to this cursor were sent too.
        most: Events that the reader may be behind.
        counts: What is counted.

    Attributes:
        ended: Ends when the hub ends the stream.
    """

    __slots__ = ("_after", "_counts", "_line", "_most", "_piece", "_region", "ended")

    def __init__(self, line: Line, region: Region, piece: Piece, *, after: int, most: int, counts: LiveCounts) -> None:
        self._line = line
        self._region = region
        self._piece = piece
        self._after = after
        self._most = most
        self._counts = counts
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def tell(self) -> None:
        """Send on what follows the last piece that was sent, unless the line is not ready: it calls again."""
        if self._piece.following is None or not self._line.is_ready:
            return
        content, is_slow = following(self._piece, self._region, after=self._after, most=self._most)
        self._piece = self._region.last
        if is_slow:
            self._counts.count_refresh()
        if content:
            self._line.write(content)

    def end(self) -> None:
        """End the stream."""
        if not self.ended.done():
            self.ended.set_result(None)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Be told of each piece from now on, those since the last one first."""
        self._region.open[self] = None
        self._line.on_ready = self.tell
        try:
            self.tell()
            yield
        finally:
            self._line.on_ready = None
            del self._region.open[self]


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
        self._streams: set[Stream] = set()
        self._due: deque[Told] = deque()  # To be told; somebody will call `_tell_some` when there are any.
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
        for stream in self._streams:
            stream.end()

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
            self._spread(region)

    def _spread(self, region: Region) -> None:
        """Tell every stream of a region, after those that are to be told already."""
        if region.open and not self._due:
            asyncio.get_running_loop().call_soon(self._tell_some)
        self._due.extend(region.open)

    def _tell_some(self) -> None:
        for _ in range(min(len(self._due), _TOLD_AT_ONCE)):
            self._due.popleft().tell()
        if self._due:
            asyncio.get_running_loop().call_soon(self._tell_some)

    def _beat(self) -> None:
        """Show every region that was quiet for long that the line is up; once a second, so that they spread out."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        for region in self._index:
            if now_s - region.told_s >= HEARTBEAT_S and not region.is_due:
                region.say(_HEARTBEAT, now_s)
                self._spread(region)
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

    async def serve(self, receive: Receive, send: Send, line: Line, *, bbox: BBox | None, after: int | None) -> None:
        """Send the body of one reader's reply: `hello`, what was missed, what happens; until either side ends it.

        Args:
            receive: Of ASGI.
            send: Of ASGI; the head of the reply has been sent.
            line: Past `send`, once the first part was sent.
            bbox: Which places concern the reader, or None for all.
            after: The cursor of the last event that the reader has, or None when it begins.
        """
        with self._joined(bbox) as region:
            piece = region.last  # Before the database is asked: what happens meanwhile comes twice, and is told once.
            cursor, missed = await asyncio.to_thread(self._missed, after)
            await send(_part(_opening(missed, bbox, cursor=cursor, after=after)))
            stream = Stream(line, region, piece, after=cursor, most=self._queue, counts=self._counts)
            gone = asyncio.ensure_future(_gone(receive))
            try:
                with stream.opened(), self._ending(stream):
                    await asyncio.wait((gone, stream.ended), return_when=asyncio.FIRST_COMPLETED)
                if not gone.done():
                    retry_ms = random.randint(_RETRY_LEAST_MS, _RETRY_MOST_MS)
                    await send(_part(f"retry: {retry_ms}\n\n".encode(), is_last=True))
            finally:
                gone.cancel()

    @contextmanager
    def _ending(self, stream: Stream) -> Iterator[None]:
        """End a stream with the hub, at once when that has ended already."""
        self._streams.add(stream)
        if self._is_closed:
            stream.end()
        try:
            yield
        finally:
            self._streams.discard(stream)

    def _missed(self, after: int | None) -> tuple[int, list[Event] | None]:
        with self._database.read() as connection:
            cursor = outbox.last_cursor(connection)
            if after is None:
                return cursor, []
            return cursor, outbox.events_after(connection, after, limit=MAX_REPLAYED)


def _opening(missed: list[Event] | None, bbox: BBox | None, *, cursor: int, after: int | None) -> bytes:
    """Return the first part of a stream: `hello`, and what was missed or, when that is too much, `refresh`."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    hello = encoded("hello", json.dumps({"at": at}), cursor if after is None else after)
    if missed is None:
        return hello + encoded("refresh", "{}", cursor)
    return hello + b"".join(frame_of(event).content for event in missed if concerns(event, bbox))


def _part(content: bytes, *, is_last: bool = False) -> MutableMapping[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": not is_last}


async def _gone(receive: Receive) -> None:
    """Wait until the reader hangs up."""
    while (await receive())["type"] != "http.disconnect":
        pass
