"""How many requests of a kind one client address may make in a minute.

A client is known by a hash of its network under a key that is drawn anew each minute and never written: after the
minute nobody can tell who asked, not even from the memory of the process. Open live streams are counted under a key of
the process, for as long as the connection lasts, which has the address anyway. Each server of several counts alone.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from dashlight.border.asgi import App, Receive, Scope, Send, refuse
from dashlight.border.groups import Group, group_of
from dashlight.model import is_this_machine, network_of

WINDOW_S = 60.0
MOST_CLIENTS = 200_000  # Kept of one minute, about 20 MB; beyond them new clients are not limited.


class Rates:
    """Counts of the running minute; owned by the event loop.

    Args:
        per_minute: Of each kind for one client; 0 or none does not limit.
        live_each: Streams that one client may have open; 0 does not limit.
        now_s: A monotonic clock.
    """

    def __init__(
        self, per_minute: Mapping[Group, int], *, live_each: int = 0, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_minute = dict(per_minute)
        self._live_each = live_each
        self._now_s = now_s
        self._open: Counter[bytes] = Counter()
        self._open_key = secrets.token_bytes(32)
        self._renew()

    def _renew(self) -> None:
        self._key = secrets.token_bytes(32)
        self._ends_s = self._now_s() + WINDOW_S
        self._counts: Counter[tuple[Group, bytes]] = Counter()

    def spend(self, address: str, group: Group) -> float:
        """Count a request.

        Returns:
            0.0, or after how many seconds the client may ask again.
        """
        most = self._per_minute.get(group, 0)
        if not most or is_this_machine(address):
            return 0.0
        if self._now_s() >= self._ends_s:
            self._renew()
        client = group, _hashed(address, self._key)
        if self._counts[client] >= most:
            return max(1.0, self._ends_s - self._now_s())
        if client in self._counts or len(self._counts) < MOST_CLIENTS:
            self._counts[client] += 1
        return 0.0

    @contextmanager
    def stream(self, address: str) -> Iterator[bool]:
        """Hold one of a client's live streams; yield whether it may have one more."""
        if not self._live_each or is_this_machine(address):
            yield True
            return
        client = _hashed(address, self._open_key)
        if self._open[client] >= self._live_each:
            yield False
            return
        self._open[client] += 1
        try:
            yield True
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]


def _hashed(address: str, key: bytes) -> bytes:
    return hashlib.blake2b(network_of(address).encode(), key=key, digest_size=12).digest()


class Rated:
    """Refuses requests of clients that ask too often with 429 and `Retry-After`.

    Args:
        app: The layer inside.
        rates: Of this process.
        count_refused: Is told of each refusal.
    """

    def __init__(self, app: App, rates: Rates, *, count_refused: Callable[[str, Group], None]) -> None:
        self._app = app
        self._rates = rates
        self._count_refused = count_refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        address = scope["client"][0] if scope.get("client") else ""
        group = group_of(scope["method"], scope["path"])
        wait_s = self._rates.spend(address, group)
        if wait_s:
            await self._refuse(send, group, f"too many requests of one address in a minute ({group})", wait_s)
        elif group is Group.LIVE:
            with self._rates.stream(address) as has_room:
                if has_room:
                    await self._app(scope, receive, send)
                else:
                    await self._refuse(send, group, "too many live streams of one address", WINDOW_S)
        else:
            await self._app(scope, receive, send)

    async def _refuse(self, send: Send, group: Group, detail: str, wait_s: float) -> None:
        self._count_refused("rate", group)
        headers = {"retry-after": str(round(wait_s)), "connection": "close"}
        await refuse(send, 429, "too-many-requests", detail, hint="ask again later, and less often", headers=headers)
