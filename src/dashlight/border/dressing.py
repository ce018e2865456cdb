"""What every reply has: headers that keep browsers careful, and no body where HEAD was asked."""

from __future__ import annotations

from dashlight.border.asgi import App, Message, Receive, Scope, Send

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), geolocation=(self), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_NO_CONTENT_POLICY = b"default-src 'none'; frame-ancestors 'none'"


class Dressed:
    """Adds the headers of every reply, and leaves out the body of one to HEAD; passes HEAD on as GET.

    Args:
        app: The layer inside.
        apart: What hears of anything but requests: the application itself, of its start and end.
    """

    def __init__(self, app: App, *, apart: App) -> None:
        self._app = app
        self._apart = apart

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with a `send` that adds to the reply."""
        if scope["type"] != "http":
            await self._apart(scope, receive, send)
            return
        inner = dict(scope)  # What routing writes there is looked at by the layers inside, and by nobody else.
        if scope["method"] == "HEAD" and scope["path"] != "/live":
            inner |= {"method": "GET", "is_head": True}  # For the counters, and routes whose bodies are large.
        await self._app(inner, receive, _dressed(scope, send))


def _located(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """Return a header; of where to go only the path: the host is what the client claims."""
    if name.lower() == b"location" and value.startswith((b"http://", b"https://")):
        value = b"/" + value.split(b"/", 3)[3].lstrip(b"/") if value.count(b"/") > 2 else b"/"
    return name, value


def _dressed(scope: Scope, send: Send) -> Send:
    is_head = scope["method"] == "HEAD"
    is_public = scope["method"] == "GET" and scope["path"].startswith(("/v1/", "/live"))
    is_public = is_public or (scope["path"] + "/").startswith(("/api/", "/ogc/"))  # Asked by POST too.

    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [_located(*header) for header in message.get("headers", [])]
            if b"content-security-policy" not in {name.lower() for name, _ in headers}:
                headers.append((b"content-security-policy", _NO_CONTENT_POLICY))
            if is_public:
                headers.append((b"access-control-allow-origin", b"*"))
            message = {**message, "headers": headers + list(_HEADERS)}
        elif is_head and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return dressed
