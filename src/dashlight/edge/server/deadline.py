"""An end for each request: a timeout bounds the silence between two bytes, a deadline bounds the whole."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx


class Deadline:
    """Ends a request that takes too long, wherever it stands: its connection is shut down, so that all waiting ends.

    For one client with one request at a time. Give `trace` as each request's extension of that name.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None  # Of the latest connection, which is kept alive. Guarded by `_lock`.
        self._timer: threading.Timer | None = None  # Guarded by `_lock`.
        self._has_passed = False  # Guarded by `_lock`.
        self._allowed_s = 0.0
        self._answering_s = 0.0

    @contextlib.contextmanager
    def within(self, *, sending_s: float, answering_s: float) -> Iterator[None]:
        """Bound a request.

        Args:
            sending_s: For connecting and sending, seconds.
            answering_s: For the whole reply, from the last byte sent on, seconds.

        Raises:
            httpx.ReadTimeout: When the time is over.
        """
        self._answering_s = answering_s
        self._has_passed = False
        self._wind(sending_s)
        try:
            yield
        except httpx.TransportError as exc:
            if self._has_passed:
                raise self._passed() from exc
            raise
        finally:
            self._stop()

    def check(self) -> None:
        """Raise when the time is over.

        Raises:
            httpx.ReadTimeout: When it is.
        """
        if self._has_passed:
            raise self._passed()

    def trace(self, event: str, members: dict[str, Any]) -> None:
        """Follow a request: which connection it makes, and when its body is sent."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            with self._lock:
                self._socket = members["return_value"].get_extra_info("socket")
                if self._has_passed:
                    self._shut()
        elif event.endswith(".send_request_body.complete"):
            self._wind(self._answering_s)

    def _wind(self, seconds: float) -> None:
        with self._lock:
            if self._has_passed:
                return
            if self._timer is not None:
                self._timer.cancel()
            self._allowed_s = seconds
            self._timer = threading.Timer(seconds, self._end)
            self._timer.daemon = True
            self._timer.start()

    def _stop(self) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        with self._lock:
            if self._timer is threading.current_thread():  # Else it was stopped a moment ago.
                self._has_passed = True
                self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):  # Closed already.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # Below TLS, which is not for two threads.

    def _passed(self) -> httpx.ReadTimeout:
        return httpx.ReadTimeout(f"no whole reply within {self._allowed_s:.0f} s")
