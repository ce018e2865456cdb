"""Telling the service manager how a long-running command does: `sd_notify(3)` over a datagram socket.

READY=1 once there is something to use, WATCHDOG=1 as long as the loop that does the work goes round, STOPPING=1 at the
end. Nothing here has a thread of its own: one that lives on would vouch for a loop that hangs.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from dashlight.config import Supervision, environment, supervision

_LOG = logging.getLogger(__name__)
_BEATS = 4  # In the time after which the watchdog would end us: one or two may be late.


class Supervisor:
    """Tells the service manager that started this process; without one it is silent.

    What cannot be told is logged once and stops nothing: a manager that hears too little acts by itself.

    Args:
        told: What it wants to hear.
        now_s: A monotonic clock.
    """

    def __init__(self, told: Supervision, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._told = told
        self._now_s = now_s
        self._next_s = 0.0
        self._has_failed = False
        self._socket: socket.socket | None = None

    @classmethod
    def of_this_process(cls) -> Supervisor:
        """Return the supervisor that the environment names."""
        return cls(supervision(environment(), pid=os.getpid()))

    @property
    def beat_s(self) -> float:
        """Return how often `alive` is to be called at least, in seconds; 0 where no watchdog waits."""
        return self._told.watchdog_s / _BEATS

    @property
    def is_due(self) -> bool:
        """Return whether a call of `alive` would be told."""
        return bool(self._told.watchdog_s) and self._now_s() >= self._next_s

    def ready(self, status: str = "") -> None:
        """Say that the start is done."""
        self._tell("READY=1", status)

    def alive(self) -> None:
        """Say that the calling loop goes round; call it as often as you like, it is told `_BEATS` times as needed."""
        if self.is_due:
            self._next_s = self._now_s() + self.beat_s
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._tell("STOPPING=1")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _tell(self, state: str, status: str = "") -> None:
        if not self._told.socket:
            return
        lines = [state, f"STATUS={status}"] if status else [state]
        address = "\0" + self._told.socket[1:] if self._told.socket.startswith("@") else self._told.socket
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
                self._socket.setblocking(False)  # A manager that does not listen must not hold up the loop.
            self._socket.sendto("\n".join(lines).encode(), address)
        except (OSError, ValueError) as exc:
            if not self._has_failed:
                self._has_failed = True
                _LOG.warning("supervisor.deaf", extra={"reason": getattr(exc, "strerror", None) or str(exc)})
