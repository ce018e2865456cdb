"""The types of ASGI, and replies that need no framework."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any

PROBLEMS = "https://dashlight.example/problems/"
PROBLEM_TYPE = "application/problem+json"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def problem_body(status: int, code: str, detail: str, *, hint: str = "") -> bytes:
    """Return a problem document (RFC 9457)."""
    body = {"type": PROBLEMS + code, "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if hint:
        body["hint"] = hint
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace")


async def refuse(
    send: Send, status: int, code: str, detail: str, *, hint: str = "", headers: Mapping[str, str] | None = None
) -> None:
    """Answer with a problem document."""
    body = problem_body(status, code, detail, hint=hint)
    given = {"content-type": PROBLEM_TYPE, "content-length": str(len(body)), "cache-control": "no-store"}
    given |= headers or {}
    raw = [(name.lower().encode(), value.encode()) for name, value in given.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
