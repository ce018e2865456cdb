"""How uvicorn runs the application: whom it believes about addresses, how long a head may be, for what it vouches."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dashlight.cli.supervisor import Supervisor
from dashlight.config import ServerSettings
from dashlight.errors import Unavailable

MAX_HEAD_BYTES = 32 * 1024  # Of a request's line, headers and trailers.


class BoundedProtocol(HttpToolsProtocol):
    """HTTP/1.1 with bounded request lines, headers and trailers; the parser alone would keep any number of them."""

    _head_bytes = 0  # Of this request, in fields that are complete.
    _silent_bytes = 0  # Received since anything was complete.

    def data_received(self, data: bytes) -> None:
        """Parse, and end the connection when nothing gets complete for too long."""
        before = self._silent_bytes
        super().data_received(data)
        if self._silent_bytes == before:
            self._silent_bytes += len(data)
            if self._silent_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self._refuse()
        else:
            self._silent_bytes = 0

    def _refuse(self) -> None:
        self.transport.write(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
        self.transport.close()

    def _count(self, size: int) -> None:
        self._silent_bytes = -1
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            raise ValueError(f"a head of more than {MAX_HEAD_BYTES} bytes")  # The parser ends the connection with 400.

    def on_message_begin(self) -> None:
        """Begin to count."""
        self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count a part of the request's line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header or a trailer."""
        self._count(len(name) + len(value))
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
        stop_streams: Ends the endless replies.
        ask_writer: Gives the writer of the database something to do; the future ends once it was its turn.
        supervisor: Is told.
        status: Of the server that is ready, for people.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        stop_streams: Callable[[], None],
        ask_writer: Callable[[], Future[None]],
        supervisor: Supervisor,
        status: str,
    ) -> None:
        super().__init__(config)
        self._stop_streams = stop_streams
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
        self._stop_streams()
        vouching = asyncio.create_task(self._vouch_for_the_loop())
        try:
            await super().shutdown(sockets)
        finally:
            vouching.cancel()

    async def _vouch_for_the_loop(self) -> None:
        while True:
            self._supervisor.alive()
            await asyncio.sleep(1.0)


def server_config(asgi: Any, settings: ServerSettings, *, stop_s: int, backlog: int = 1024) -> uvicorn.Config:
    """Return how uvicorn runs the application.

    Args:
        asgi: The application.
        settings: Of the server.
        stop_s: An upload that runs at the stop has so long to end.
        backlog: Connections that wait to be taken.
    """
    return uvicorn.Config(
        asgi,
        log_config=None,
        access_log=False,  # Addresses of people are in no log.
        server_header=False,
        http=BoundedProtocol,
        ws="none",
        proxy_headers=bool(settings.trusted_proxy),
        forwarded_allow_ips=settings.trusted_proxy,
        timeout_graceful_shutdown=stop_s,
        timeout_keep_alive=30,
        backlog=backlog,
    )
