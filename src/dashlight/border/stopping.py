"""The stop: what runs is finished, what is new gets 503, and probes are answered.

SIGTERM ─ streams end with `retry` ─ new requests 503 ─ the last open one ends, or `stop_s` ─ the listener closes
"""

from __future__ import annotations

from collections.abc import Callable

from dashlight.border.asgi import App, Receive, Scope, Send, refuse
from dashlight.border.groups import Group, group_of

RETRY_S = 5  # As long as a restart takes.


class Stoppable:
    """Counts open requests, and refuses new ones once the stop has begun.

    Args:
        app: The layer inside.
        count_refused: Is told of each refusal.
    """

    def __init__(self, app: App, *, count_refused: Callable[[str, Group], None]) -> None:
        self._app = app
        self._count_refused = count_refused
        self._is_stopping = False
        self._open = 0

    @property
    def open_requests(self) -> int:
        """How many requests are being answered."""
        return self._open

    def begin_stop(self) -> None:
        """Refuse new requests from now on; on the event loop only."""
        self._is_stopping = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if self._is_stopping and scope["path"] not in ("/healthz", "/metrics"):
            self._count_refused("stopping", group_of(scope["method"], scope["path"]))
            headers = {"retry-after": str(RETRY_S), "connection": "close"}
            await refuse(send, 503, "stopping", "the server is stopping", hint="ask again soon", headers=headers)
            return
        self._open += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open -= 1
