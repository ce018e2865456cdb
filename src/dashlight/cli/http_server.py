"""How uvicorn runs the application: whom it believes about addresses, how long a head may be, for what it vouches."""

from __future__ import annotations

import asyncio
import contextlib
import math
import resource
import socket
from collections.abc import Callable
from concurrent.futures import Future
from http import HTTPStatus
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from dashlight.border.asgi import PROBLEM_TYPE, problem_body
from dashlight.catalog.live import LINE
from dashlight.cli.supervisor import Supervisor
from dashlight.config import ServerSettings
from dashlight.errors import Unavailable

MAX_HEAD_BYTES = 32 * 1024  # Of a request's line, headers and trailers.
MAX_HEADERS = 100
_SPARE_FILES = 512  # For the database, bundles that arrive and connections that are no streams.
_DRAIN_LOOK_S = 0.02
_LINGER_S = 2.0  # What a refused sender still sends is read for so long, else it would not see the reply.
_MAX_LINGER_BYTES = 1024 * 1024


class ChunkLine:
    """The way to one reader past the application's queue of awaits, as chunks of HTTP/1.1 (`catalog.live.Line`).

    Args:
        transport: Of the connection.
        flow: Knows whether the reader reads.
    """

    __slots__ = ("_flow", "_transport", "on_ready")

    def __init__(self, transport: asyncio.Transport, flow: FlowControl) -> None:
        self._transport = transport
        self._flow = flow
        self.on_ready: Callable[[], None] | None = None

    @property
    def is_ready(self) -> bool:
        """Whether the line is up, and the reader has taken most of what was written."""
        return not self._flow.write_paused and not self._transport.is_closing()

    def write(self, content: bytes) -> None:
        """Send one chunk; an empty one would end the reply."""
        self._transport.write(b"%x\r\n%b\r\n" % (len(content), content))

    def end(self) -> None:
        """Close the connection after what was written."""
        self._transport.close()


class BoundedProtocol(HttpToolsProtocol):
    """HTTP/1.1 with heads that are bounded in bytes and time, and readers that have to read.

    The parser alone would keep any number of bytes, wait for ever for the rest of a head, and for ever for a reader
    who takes nothing of its reply. A head that is refused is answered with a problem document, as every request is.
    """

    head_timeout_s = 10.0
    read_stall_s = 30.0
    _head_bytes = 0  # Of this request, in fields that are complete.
    _headers = 0  # Of this request.
    _silent_bytes = 0  # Received since anything was complete.
    _is_in_head = False  # A request has begun, and its head is not whole.
    _refusal: tuple[int, str, str] | None = None  # Why the parser was ended: status, code, detail.
    _lingering_bytes: int | None = None  # Received since the refusal.
    _head_due: asyncio.TimerHandle | None = None
    _read_due: asyncio.TimerHandle | None = None
    _end_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._line = ChunkLine(transport, self.flow)
        self._head_due = self.loop.call_later(self.head_timeout_s, self._end_slow_head)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        for due in (self._head_due, self._read_due, self._end_due):
            if due is not None:
                due.cancel()
        self._head_due = self._read_due = self._end_due = None
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Give the reader time to read."""
        super().pause_writing()
        if self._read_due is None:
            self._read_due = self.loop.call_later(self.read_stall_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Note that the reader reads."""
        super().resume_writing()
        if self._read_due is not None:
            self._read_due.cancel()
            self._read_due = None
        if self._line.on_ready is not None:
            self._line.on_ready()

    def _end_slow_head(self) -> None:
        self._head_due = None
        if self._is_in_head:
            self._refuse(408, "too-slow", f"the head of the request took more than {self.head_timeout_s:g} s")
        else:
            self.transport.close()

    @property
    def _is_ending(self) -> bool:
        return self._lingering_bytes is not None or self.transport.is_closing()

    def _watch_head(self) -> None:
        cycle: RequestResponseCycle | None = self.cycle  # Before the first head there is none.
        is_answering = cycle is not None and not cycle.response_complete
        if (is_answering or self._is_ending) and self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None
        elif not is_answering and self._head_due is None and not self._is_ending:
            self._head_due = self.loop.call_later(self.head_timeout_s, self._end_slow_head)

    def data_received(self, data: bytes) -> None:
        """Parse, and end the connection when nothing gets complete for too long."""
        if self._lingering_bytes is not None:
            self._lingering_bytes += len(data)
            if self._lingering_bytes > _MAX_LINGER_BYTES:
                self.transport.abort()
            return
        before = self._silent_bytes
        super().data_received(data)
        if self._silent_bytes == before:
            self._silent_bytes += len(data)
            if self._silent_bytes > MAX_HEAD_BYTES:
                self._refuse(431, "too-large", f"a header of more than {MAX_HEAD_BYTES} bytes")
        else:
            self._silent_bytes = 0
        self._watch_head()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # The signature is uvicorn's.
        """Answer what the parser refused; it is the parser's caller who calls this."""
        self._refuse(*(self._refusal or (400, "bad-input", "this is not a request of HTTP/1.1")))

    def _refuse(self, status: int, code: str, detail: str) -> None:
        """Answer with a problem document, and end the connection once its sender can have read it."""
        if self._is_ending:
            return
        body = problem_body(status, code, detail)
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            f"content-type: {PROBLEM_TYPE}",
            f"content-length: {len(body)}",
            "cache-control: no-store",
            "connection: close",
        ]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        self._lingering_bytes = 0
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._end_due = self.loop.call_later(_LINGER_S, self.transport.close)

    def _count(self, size: int) -> None:
        self._silent_bytes = -1
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            self._end_parser(431, f"a head of more than {MAX_HEAD_BYTES} bytes")

    def _end_parser(self, status: int, detail: str) -> None:
        self._refusal = status, "too-large", detail
        raise ValueError(detail)  # The parser ends with an error of its own, for which `send_400_response` is called.

    def on_message_begin(self) -> None:
        """Begin to count, and offer the line to the application."""
        self._head_bytes = self._headers = 0
        self._is_in_head = True
        super().on_message_begin()
        self.scope["extensions"] = {LINE: cast("dict[object, object]", self._line)}  # As uvicorn's types have it.

    def on_headers_complete(self) -> None:
        """Note that the head is whole."""
        self._is_in_head = False
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Wait for the rest of the next head when some of it came before the reply ended."""
        super().on_response_complete()
        if self._is_in_head:
            self._watch_head()

    def on_url(self, url: bytes) -> None:
        """Count a part of the request's line."""
        if self._head_bytes + len(url) > MAX_HEAD_BYTES:
            self._end_parser(414, f"an address of more than {MAX_HEAD_BYTES} bytes")
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header or a trailer."""
        self._count(len(name) + len(value))
        self._headers += 1
        if self._headers > MAX_HEADERS:
            self._end_parser(431, f"more than {MAX_HEADERS} headers")
        super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Note that the body goes on."""
        self._silent_bytes = -1
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        self._silent_bytes = -1
        super().on_message_complete()


class SupervisedServer(uvicorn.Server):
    """A server that ends its endless replies first, and vouches for its loop and for the database's writer.

    Args:
        config: See `server_config`.
        begin_stop: Ends the endless replies, and refuses new requests.
        open_requests: Returns how many are being answered.
        drain_s: New requests are refused for at least so long before the listener is closed.
        ask_writer: Gives the writer of the database something to do; the future ends once it was its turn.
        supervisor: Is told.
        status: Of the server that is ready, for people.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        begin_stop: Callable[[], None],
        open_requests: Callable[[], int],
        drain_s: float = 0.0,
        ask_writer: Callable[[], Future[None]],
        supervisor: Supervisor,
        status: str,
    ) -> None:
        super().__init__(config)
        self._begin_stop = begin_stop
        self._open_requests = open_requests
        self._drain_s = drain_s
        self._ask_writer = ask_writer
        self._supervisor = supervisor
        self._status = status
        self._asked: Future[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so once requests are answered."""
        await super().startup(sockets)
        if self.started:
            self._supervisor.ready(self._status)

    async def on_tick(self, counter: int) -> bool:
        """Vouch for the loop that runs this, once the writer has answered too; an error is an answer."""
        if self._asked is not None and self._asked.done():
            self._asked = None
            self._supervisor.alive()
        elif self._asked is None and self._supervisor.is_due:
            with contextlib.suppress(Unavailable):  # Too much waits for the writer; it is asked again at the next tick.
                self._asked = self._ask_writer()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say that the end has begun, and vouch for the loop until it is reached; the database closes meanwhile."""
        self._supervisor.stopping()
        self._begin_stop()
        vouching = asyncio.create_task(self._vouch_for_the_loop())
        try:
            await self._drain()
            await super().shutdown(sockets)
        finally:
            vouching.cancel()

    async def _drain(self) -> None:
        """Answer what is open, and new requests with 503, until nothing is open or the time of the stop is over."""
        loop = asyncio.get_running_loop()
        began_s, most_s = loop.time(), self.config.timeout_graceful_shutdown or 0
        while (passed_s := loop.time() - began_s) < self._drain_s or (self._open_requests() and passed_s < most_s):
            if self.force_exit:
                break
            await asyncio.sleep(_DRAIN_LOOK_S)
        self.config.timeout_graceful_shutdown = max(1, math.ceil(most_s - (loop.time() - began_s)))

    async def _vouch_for_the_loop(self) -> None:
        while True:
            self._supervisor.alive()
            await asyncio.sleep(1.0)


def protocol_of(settings: ServerSettings) -> type[BoundedProtocol]:
    """Return the protocol with the times that the settings say."""

    class Protocol(BoundedProtocol):
        head_timeout_s = settings.head_timeout_s
        read_stall_s = settings.read_stall_s

    return Protocol


def raise_socket_limit(streams: int) -> None:
    """Let this process open as many sockets as live streams need, as far as the machine allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    due = streams + _SPARE_FILES
    if soft < due and soft != resource.RLIM_INFINITY:
        most = due if hard == resource.RLIM_INFINITY else min(due, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def server_config(asgi: Any, settings: ServerSettings, *, backlog: int = 1024) -> uvicorn.Config:
    """Return how uvicorn runs the application.

    Args:
        asgi: The application.
        settings: Of the server.
        backlog: Connections that wait to be taken.
    """
    return uvicorn.Config(
        asgi,
        log_config=None,
        access_log=False,  # Addresses of people are in no log.
        server_header=False,
        http=protocol_of(settings),
        ws="none",
        lifespan="on",  # A start that fails ends the server; nothing would be told and no batch be made without it.
        proxy_headers=bool(settings.trusted_proxy),
        forwarded_allow_ips=settings.trusted_proxy,
        timeout_graceful_shutdown=math.ceil(settings.stop_s),
        timeout_keep_alive=30,
        backlog=backlog,
    )
