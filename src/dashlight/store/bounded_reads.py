"""Reads whose time is bounded: a reader that stays long would keep what is erased from being forgotten.

Between two statements the connection's own events look at the clock, inside of one the database does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import sqlalchemy as sa

from dashlight.errors import Unavailable

GRACE_S = 0.5  # That a bounded reader may stay once somebody waits to forget what was erased.
_OPTION = "dashlight_turn"


class Forgetting:
    """Who waits for readers to end; any thread may enter and leave."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = 0  # Guarded by the lock.

    def __enter__(self) -> None:
        """Begin to wait."""
        with self._lock:
            self._waiting += 1

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait no more."""
        with self._lock:
            self._waiting -= 1

    @property
    def is_waiting(self) -> bool:
        """Whether somebody waits."""
        return self._waiting > 0


class Turn:
    """How long one reader may read.

    Args:
        most_s: At most so long.
        forgetting: Who is waited for no longer than `GRACE_S`; None where readers are in nobody's way.
    """

    def __init__(self, most_s: float, forgetting: Forgetting | None = None) -> None:
        self.most_s = most_s
        self._began = time.monotonic()
        self._forgetting = forgetting

    @property
    def is_over(self) -> bool:
        """Whether the reader has to end."""
        passed = time.monotonic() - self._began
        is_awaited = self._forgetting is not None and self._forgetting.is_waiting
        return passed > self.most_s or (passed > GRACE_S and is_awaited)

    def error(self) -> Unavailable:
        """Return what a reader is told whose turn is over."""
        return Unavailable(
            f"the answer takes more than {self.most_s:g} s, or an erasure waits for it",
            hint="ask for less: a smaller area, fewer days, fewer names, a shorter filter",
            retry_after_s=2.0,
            code="too-long",
        )


def look_at_the_clock(engine: sa.Engine) -> None:
    """End the readers of an engine, before each statement, whose turn is over."""

    @sa.event.listens_for(engine, "before_cursor_execute")
    def check(connection: sa.Connection, *_given: Any) -> None:
        turn = connection.get_execution_options().get(_OPTION)
        if turn is not None and turn.is_over:
            raise turn.error()


@contextmanager
def in_turn(connection: sa.Connection, turn: Turn) -> Iterator[sa.Connection]:
    """Yield the connection of an engine that looks at the clock, for one turn."""
    connection.execution_options(**{_OPTION: turn})
    try:
        yield connection
    finally:
        connection.execution_options(**{_OPTION: None})
