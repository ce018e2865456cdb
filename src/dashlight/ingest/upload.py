"""Receiving a body into a staged file: bounded in bytes, in silence and in time."""

from __future__ import annotations

import asyncio
import hashlib
import math
import os
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from dashlight.errors import HostError, TooLarge, TooSlow
from dashlight.wire import MAX_BUNDLE_BYTES

MIN_BYTES_PER_S = 16 * 1024  # Slower than any line of today that takes a bundle in its 15 minutes.
RATE_WINDOW_S = 30.0  # The rate is of so long, so that a short silence is no reason.
_RETRY_S = 30.0
_QUOTA_LOOK_S = 60.0  # How old the sum of what is stored may be; what was taken since is added.
_WRITE_BYTES = 1 << 20  # Fewer, larger writes; each is a trip to a thread.


@dataclass(frozen=True, slots=True)
class Received:
    """A body that is whole in its staged file.

    Attributes:
        size_bytes: Of it.
        sha256: Of it, lower-case hex, computed while it came.
    """

    size_bytes: int
    sha256: str


def check_length(announced: int | None, *, free_bytes: int, keep_free_bytes: int) -> None:
    """Refuse a body by what it announces, before any of it is read.

    Raises:
        TooLarge: When it is over the limit of a bundle.
        HostError: When the disk has no room for it.
    """
    if announced is not None and announced > MAX_BUNDLE_BYTES:
        raise TooLarge(f"a bundle of {announced} bytes is over {MAX_BUNDLE_BYTES}")
    if free_bytes - (announced or MAX_BUNDLE_BYTES) < keep_free_bytes:
        raise HostError(
            "the server's disk is full",
            hint="the bundle is safe with you; the operator has to make room",
            code="disk-full",
        )


class Quota:
    """How much the bundles of the instance may take together.

    Args:
        most_bytes: Of all bundles; 0 for no bound.
        stored_bytes: Returns what is stored; asked once a minute.
        now_s: A monotonic clock.
    """

    def __init__(
        self, most_bytes: int, stored_bytes: Callable[[], int], *, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._most_bytes = most_bytes
        self._stored_bytes = stored_bytes
        self._now_s = now_s
        self._known_bytes = 0
        self._until_s = -math.inf

    def check(self, announced: int | None) -> None:
        """Refuse a bundle for which there is no room; of one that does not say its size, the largest is assumed.

        Raises:
            HostError: When all bundles with it would be over the quota.
        """
        if not self._most_bytes:
            return
        if self._now_s() >= self._until_s:
            self._known_bytes = self._stored_bytes()
            self._until_s = self._now_s() + _QUOTA_LOOK_S
        if self._known_bytes + (MAX_BUNDLE_BYTES if announced is None else announced) > self._most_bytes:
            raise HostError(
                "the instance holds as many bytes as its operator allows",
                hint="the bundle is safe with you; the operator has to allow more",
                code="quota",
            )

    def add(self, size_bytes: int) -> None:
        """Note that a bundle was taken."""
        self._known_bytes += size_bytes


async def receive(chunks: AsyncIterator[bytes], path: Path, *, stall_s: float, timeout_s: float) -> Received:
    """Write a body to `path` and return its size and hash; the caller deletes the file, whole or not.

    Args:
        chunks: The body as it comes.
        path: Does not exist yet.
        stall_s: How long nothing may come.
        timeout_s: How long all of it may take.

    Raises:
        TooLarge: As soon as it is over the limit of a bundle.
        TooSlow: When it stalls, takes too long, or comes at under 16 KiB/s over 30 s.
        HostError: When the disk is full or refuses.
    """
    loop = asyncio.get_running_loop()
    ends = loop.time() + timeout_s
    size = 0
    waiting: list[bytes] = []
    waiting_bytes = 0
    rate = _Rate(loop.time())
    file = _StagedFile(path)
    try:
        await asyncio.to_thread(file.open)
        async with asyncio.timeout_at(min(ends, loop.time() + stall_s)) as limit:
            async for chunk in chunks:
                limit.reschedule(min(ends, loop.time() + stall_s))
                size += len(chunk)
                rate.add(len(chunk), loop.time())
                if size > MAX_BUNDLE_BYTES:
                    raise TooLarge(f"a bundle of more than {MAX_BUNDLE_BYTES} bytes")
                waiting.append(chunk)
                waiting_bytes += len(chunk)
                if waiting_bytes >= _WRITE_BYTES:
                    await asyncio.to_thread(file.write, waiting)
                    waiting, waiting_bytes = [], 0
        await asyncio.to_thread(file.write, waiting)
    except TimeoutError as exc:
        raise TooSlow(
            f"the upload sent nothing for {stall_s:g} s, or took more than {timeout_s:g} s",
            code="upload-stalled",
            retry_after_s=_RETRY_S,
        ) from exc
    except OSError as exc:
        raise HostError(
            f"the server cannot write: {exc.strerror}", hint="the bundle is safe with you", code="disk-full"
        ) from exc
    finally:
        await asyncio.to_thread(file.close)
    return Received(size, file.sha256)


class _Rate:
    """How fast a body comes, window by window."""

    def __init__(self, now_s: float) -> None:
        self._since_s = now_s
        self._bytes = 0

    def add(self, count: int, now_s: float) -> None:
        """Count bytes.

        Raises:
            TooSlow: When the window that has ended held too few.
        """
        self._bytes += count
        passed_s = now_s - self._since_s
        if passed_s < RATE_WINDOW_S:
            return
        if self._bytes < MIN_BYTES_PER_S * passed_s:
            raise TooSlow(
                f"the upload came at {self._bytes / passed_s:.0f} bytes/s, under {MIN_BYTES_PER_S}",
                code="upload-slow",
                retry_after_s=_RETRY_S,
            )
        self._since_s, self._bytes = now_s, 0


class _StagedFile:
    """A file that threads open, write and close, and that is hashed as it is written.

    Whoever awaits a thread may be cancelled while it still works. So a call waits for the one before, and after
    `close` nothing is done any more: no write ever meets a handle that is closed, or that is another file's by then.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.Lock()
        self._handle: int | None = None  # Under the lock.
        self._is_closed = False  # Under the lock.
        self._hash = hashlib.sha256()  # Under the lock.

    @property
    def sha256(self) -> str:
        """Of what was written, lower-case hex."""
        with self._turn:
            return self._hash.hexdigest()

    def open(self) -> None:
        with self._turn:
            if not self._is_closed:
                self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    def write(self, chunks: list[bytes]) -> None:
        with self._turn:
            # One large block rather than many: what is freed at once in that size stays with the process's allocator.
            view = memoryview(b"".join(chunks))
            self._hash.update(view)
            while view and self._handle is not None:
                view = view[os.write(self._handle, view) :]

    def close(self) -> None:
        with self._turn:
            self._is_closed = True
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None
