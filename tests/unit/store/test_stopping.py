import asyncio

import pytest

from dashlight.store.stopping import is_set_within, unless_set


async def _for_ever(ended):
    try:
        await asyncio.Event().wait()
    finally:
        ended.append(True)


def test_waiting_ends_with_the_time_or_with_the_event():
    async def ask():
        event = asyncio.Event()
        before = await is_set_within(event, 0.01)
        waiting = asyncio.create_task(is_set_within(event, 60))
        await asyncio.sleep(0)
        event.set()
        return before, await waiting, await is_set_within(event, 60)

    assert asyncio.run(ask()) == (False, True, True)


def test_what_is_done_before_the_event_is_returned_and_its_error_is_raised():
    async def fail():
        raise ValueError("blurred")

    async def ask():
        with pytest.raises(ValueError, match="blurred"):
            await unless_set(asyncio.Event(), fail())
        return await unless_set(asyncio.Event(), asyncio.sleep(0, "found")), len(asyncio.all_tasks())

    assert asyncio.run(ask()) == ("found", 1)


def test_the_event_ends_what_runs():
    async def ask():
        event, ended = asyncio.Event(), []

        async def run():
            event.set()
            await _for_ever(ended)

        return await unless_set(event, run()), ended, len(asyncio.all_tasks())

    assert asyncio.run(ask()) == (None, [True], 1)


def test_a_cancel_leaves_no_task():
    async def ask():
        ended, is_running = [], asyncio.Event()

        async def run():
            is_running.set()
            await _for_ever(ended)

        racing = asyncio.create_task(unless_set(asyncio.Event(), run()))
        await is_running.wait()
        racing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await racing
        return ended, asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(ask()) == ([True], set())
