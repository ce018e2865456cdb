import asyncio
import hashlib
import os
import threading

import pytest

from dashlight.errors import HostError, TooSlow
from dashlight.ingest import upload


async def two_chunks():
    yield bytes(1 << 20)
    yield b"the end"


@pytest.fixture
def held_write(monkeypatch):
    """Hold the first write to a file until `leave` is set; give the handle that it writes to."""
    entered, leave, handles = threading.Event(), threading.Event(), []
    write = os.write

    def held(handle, content):
        if not handles:
            handles.append(handle)
            entered.set()
            leave.wait(10)
        return write(handle, content)

    monkeypatch.setattr(upload.os, "write", held)
    return entered, leave, handles


def is_open(handle):
    try:
        os.fstat(handle)
    except OSError:
        return False
    return True


async def many_small_chunks():
    for number in range(3_000):
        yield number.to_bytes(2, "big") * 400


@pytest.mark.parametrize("chunks", [two_chunks, many_small_chunks])
def test_all_that_comes_is_written_and_hashed(tmp_path, chunks):
    async def sent():
        return b"".join([chunk async for chunk in chunks()])

    path, due = tmp_path / "staged", asyncio.run(sent())

    received = asyncio.run(upload.receive(chunks(), path, stall_s=5, timeout_s=5))

    assert path.read_bytes() == due
    assert received == upload.Received(len(due), hashlib.sha256(due).hexdigest())


def test_an_upload_that_takes_too_long_closes_its_file_only_when_the_last_write_is_done(tmp_path, held_write):
    entered, leave, handles = held_write

    async def receive():
        task = asyncio.create_task(upload.receive(two_chunks(), tmp_path / "staged", stall_s=0.05, timeout_s=5))
        await asyncio.to_thread(entered.wait, 10)
        done, _ = await asyncio.wait({task}, timeout=0.3)
        was_open = is_open(handles[0])
        leave.set()
        with pytest.raises(TooSlow, match=r"0\.05 s"):
            await task
        return done, was_open

    done, was_open = asyncio.run(receive())

    assert not done
    assert was_open
    assert not is_open(handles[0])


def test_an_upload_that_is_cancelled_twice_closes_its_file_only_when_the_last_write_is_done(tmp_path, held_write):
    entered, leave, handles = held_write

    async def receive():
        task = asyncio.create_task(upload.receive(two_chunks(), tmp_path / "staged", stall_s=5, timeout_s=5))
        await asyncio.to_thread(entered.wait, 10)
        for _ in range(2):
            task.cancel()
            await asyncio.wait({task}, timeout=0.05)
        was_open = is_open(handles[0])
        leave.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        return was_open

    assert asyncio.run(receive())
    assert not is_open(handles[0])


def test_a_body_that_drips_is_ended():
    rate = upload._Rate(0.0)
    for second in range(30):
        rate.add(16_000, float(second))

    with pytest.raises(TooSlow, match="under 16384"):
        rate.add(1, 30.0)


def test_a_body_at_the_least_rate_may_rest_within_each_window():
    rate = upload._Rate(0.0)
    for window in range(10):
        rate.add(upload.MIN_BYTES_PER_S * 30, window * 30.0 + 1)
        rate.add(0, (window + 1) * 30.0)


def test_a_quota_counts_what_is_stored_and_what_was_taken_since():
    now = [0.0]
    looks = []

    def stored():
        looks.append(now[0])
        return 60

    quota = upload.Quota(100, stored, now_s=lambda: now[0])

    quota.check(40)
    quota.add(30)
    with pytest.raises(HostError, match="as many bytes") as refused:
        quota.check(20)
    assert refused.value.code == "quota"
    with pytest.raises(HostError):
        quota.check(None)
    now[0] += 61
    quota.check(40)
    assert looks == [0.0, 61.0]


def test_no_quota_looks_at_nothing():
    upload.Quota(0, lambda: 1 / 0).check(None)
