import asyncio

import pytest

from dashlight.ingest.idleness import Idleness


def test_nothing_is_idle_before_the_time_is_over():
    async def ask():
        return await Idleness().stays_idle(0.01)

    assert asyncio.run(ask()) is True


def test_work_that_begins_ends_what_runs_in_the_background():
    async def ask():
        idleness, is_running, ended = Idleness(), asyncio.Event(), []

        async def look():
            is_running.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                ended.append(True)
                raise

        looking = asyncio.create_task(idleness.while_idle(look()))
        await is_running.wait()
        with idleness.working():
            return await looking, ended

    assert asyncio.run(ask()) == (None, [True])


def test_what_ends_while_idle_is_returned_and_its_error_is_raised():
    async def ask():
        idleness = Idleness()

        async def fail():
            raise ValueError("blurred")

        with pytest.raises(ValueError, match="blurred"):
            await idleness.while_idle(fail())
        return await idleness.while_idle(asyncio.sleep(0, "found"))

    assert asyncio.run(ask()) == "found"


def test_work_of_a_moment_begins_the_waiting_anew():
    async def ask():
        idleness = Idleness()
        waiting = asyncio.create_task(idleness.stays_idle(60))
        await asyncio.sleep(0)
        with idleness.working(), idleness.working():
            pass
        return await waiting, await idleness.wait_idle(0.01)

    assert asyncio.run(ask()) == (False, True)


def test_nothing_is_idle_while_any_work_runs():
    async def ask():
        idleness = Idleness()
        with idleness.working():
            with idleness.working():
                pass
            return await idleness.stays_idle(60)

    assert asyncio.run(ask()) is False


def test_a_stop_ends_all_waiting_for_good():
    async def ask():
        idleness = Idleness()
        waiting = asyncio.create_task(idleness.wait_idle(60))
        await asyncio.sleep(0)
        idleness.stop()
        with idleness.working():
            pass
        return await waiting, await idleness.wait_idle(0), await idleness.stays_idle(60)

    assert asyncio.run(ask()) == (False, False, False)
