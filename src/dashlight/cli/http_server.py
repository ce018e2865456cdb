"""How uvicorn runs the application: who is believed about addresses, and how much of a request may be no body."""

from __future__ import annotations

from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dashlight.config import ServerSettings

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
