"""Bodies of requests: bounded in bytes and time. The routes of uploads bound their own as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dashlight.border.asgi import App, Message, Receive, Scope, Send, refuse
from dashlight.border.groups import Group, group_of

MAX_BODY_BYTES = 64 * 1024  # Of every request but an upload.
_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Bounded:
    """Reads the body before the application does, and refuses one that is too large or too slow.

    Args:
        app: The layer inside.
        timeout_s: A body that is no upload has come whole after so long.
        count_refused: Is told of each refusal.
    """

    def __init__(self, app: App, *, timeout_s: float, count_refused: Callable[[str, Group], None]) -> None:
        self._app = app
        self._timeout_s = timeout_s
        self._count_refused = count_refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        method = scope["method"]
        if method == "PUT" and scope["path"].startswith("/v1/bundles/"):
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > MAX_BODY_BYTES:
            await self._refuse(
                scope, send, 413, "too-large", f"a body of {int(announced)} bytes is over {MAX_BODY_BYTES}"
            )
            return
        if method not in _WITH_BODY:
            await self._app(scope, _bounded(receive), send)
            return
        try:
            async with asyncio.timeout(self._timeout_s):
                body = await _small_body(receive)
        except TimeoutError:
            await self._refuse(scope, send, 408, "too-slow", f"the body took more than {self._timeout_s:g} s")
            return
        if body is None:
            await self._refuse(scope, send, 413, "too-large", f"a body of more than {MAX_BODY_BYTES} bytes")
            return
        await self._app(scope, _replayed(body, receive), send)

    async def _refuse(self, scope: Scope, send: Send, status: int, code: str, detail: str) -> None:
        is_size = status == 413
        self._count_refused("size" if is_size else "slow", group_of(scope["method"], scope["path"]))
        # A body that is too large is read on and thrown away for a while: who is still sending sees the reply.
        await refuse(send, status, code, detail, headers={} if is_size else {"connection": "close"})


def _bounded(receive: Receive) -> Receive:
    """Return a `receive` that hangs up on a body which grows over the bound where none is expected."""
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        return message if received <= MAX_BODY_BYTES else {"type": "http.disconnect"}

    return bounded


async def _small_body(receive: Receive) -> Message | None:
    """Return a whole body as one message, the message that its sender hung up, or None when it is over the bound."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return None
        if message["type"] == "http.disconnect":
            return message
        if not message.get("more_body"):
            return {"type": "http.request", "body": body, "more_body": False}


def _replayed(body: Message, receive: Receive) -> Receive:
    """Return a `receive` that gives a body that was read already, and then what else comes."""
    is_given = False

    async def replayed() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return body

    return replayed
