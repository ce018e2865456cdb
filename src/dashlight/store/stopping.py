"""Waiting that an event ends: what every background task of the server does between its jobs, and within them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait so long at most and return whether `event` is set; at once when it is already."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def unless_set(event: asyncio.Event, wanted: Coroutine[Any, Any, T]) -> T | None:
    """Return what `wanted` returns, or end it and return None as soon as `event` is set.

    However this ends, cancelled or by an error of `wanted`, no task is left of it.
    """
    task = asyncio.create_task(wanted)
    interruption = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({task, interruption}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        return None
    finally:
        task.cancel()
        interruption.cancel()
        await asyncio.wait({task, interruption})
