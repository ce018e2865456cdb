"""Whether ingest has work, and for how long it has had none. For the event loop's thread only."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from dashlight.store.stopping import is_set_within, unless_set

T = TypeVar("T")


class Idleness:
    """What lets background work run while nobody uploads, and ends it at once when somebody does."""

    def __init__(self) -> None:
        """Begin without work."""
        self._working = 0
        self._busy = asyncio.Event()
        self._free = asyncio.Event()
        self._free.set()
        self._is_stopped = False

    @contextmanager
    def working(self) -> Iterator[None]:
        """Say that ingest has work while the block runs; blocks may overlap."""
        self._working += 1
        self._busy.set()
        self._free.clear()
        try:
            yield
        finally:
            self._working -= 1
            if not self._working and not self._is_stopped:
                self._busy.clear()
                self._free.set()

    def stop(self) -> None:
        """Let nothing run in the background any more."""
        self._is_stopped = True
        self._busy.set()
        self._free.set()

    async def wait_idle(self, seconds: float) -> bool:
        """Wait until ingest has had no work for so long; return False when `stop` was called."""
        while not self._is_stopped:
            await self._free.wait()
            if await self.stays_idle(seconds):
                return True
        return False

    async def stays_idle(self, seconds: float) -> bool:
        """Wait so long and return True, or return False as soon as ingest has work or `stop` is called."""
        return not await is_set_within(self._busy, seconds)

    async def while_idle(self, wanted: Coroutine[Any, Any, T]) -> T | None:
        """Return what `wanted` returns, or end it and return None as soon as ingest has work or `stop` is called."""
        return await unless_set(self._busy, wanted)
