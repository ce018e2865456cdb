"""The server as the edge sees it: one method a request of docs/reference/http.md, replies checked and bounded.

Nothing here retries; `edge.spool.upload` does. Whatever comes back is untrusted: an odd status, a page of a hotel's
portal, or a gigabyte where a receipt is due raise only `dashlight.errors`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx

from dashlight.config import masked
from dashlight.edge.server.deadline import Deadline
from dashlight.errors import (
    Conflict,
    Corrupt,
    DashlightError,
    InputError,
    NotFound,
    PrivacyError,
    TooLarge,
    Unauthorized,
    Unavailable,
    UsageError,
)
from dashlight.model import BBox, Policy
from dashlight.wire import MEDIA_TYPE, from_base64url

MAX_REPLY_BYTES = 4 * 1024 * 1024
MAX_RETRY_AFTER_S = 86_400.0
TOTAL_TIMEOUTS = 4.0  # A request takes at most so many times the timeout in all, beside the time for its body.
MIN_UPLOAD_BYTES_S = 16 * 1024  # A slower line cannot upload.
_LATER = "nothing is lost: what waits in the spool goes up with the next `dashlight edge run`"
NOT_ENROLLED = "no enrolment was stored; run the command again when the server answers"
_STATUS: dict[int, type[DashlightError]] = {
    400: Corrupt,
    401: Unauthorized,
    403: Unauthorized,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    413: TooLarge,
    422: PrivacyError,
}
_VERDICTS = frozenset({400, 413, 422})
_PROBLEMS = "https://dashlight.example/problems/"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The server's answer to an enrolment."""

    credential: str = field(repr=False)
    policy: Policy
    license_id: str
    server_key: bytes
    tokens: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that was read to its end; `body` is at most `MAX_REPLY_BYTES`."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Server:
    """A dashlight server over HTTP.

    Args:
        url: Its address, `http` or `https`.
        timeout_s: Without any byte moving for so long, a request has failed; and after `TOTAL_TIMEOUTS` times as long
            from the last byte of its body, whatever trickles in.
        proxy: Such as `socks5://127.0.0.1:9050`, or empty.
        transport: Takes the place of the network, in tests.

    Raises:
        UsageError: When the address is not one.
    """

    def __init__(
        self, url: str, *, timeout_s: float = 30.0, proxy: str = "", transport: httpx.BaseTransport | None = None
    ) -> None:
        self.url = checked_url(url)
        self._timeout_s = timeout_s
        self._proxy = proxy
        self._transport = transport
        self._deadline = Deadline()
        self._client = self._new_client()

    def _new_client(self) -> httpx.Client:
        try:
            return httpx.Client(
                base_url=self.url,
                timeout=self._timeout_s,
                proxy=self._proxy or None,
                transport=self._transport,
                trust_env=False,
                follow_redirects=False,
                headers={"User-Agent": "dashlight", "Accept": "application/json", "Accept-Encoding": "identity"},
            )
        except (ValueError, ImportError, httpx.InvalidURL) as exc:
            raise UsageError(  # What httpx says may name a part of the password.
                f"cannot use the proxy {masked('proxy', self._proxy)!r}",
                hint="such as socks5://127.0.0.1:9050; write a : / ? # or @ of a password as %3A %2F %3F %23 %40",
            ) from exc

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def on_fresh_connection(self) -> None:
        """Close the connection, so that the next request is not tied to the ones before."""
        if self._transport is None:
            self._client.close()
            self._client = self._new_client()

    def instance(self, *, hint: str = _LATER) -> dict[str, Any]:
        """Return what the server says of itself; `hint` is what to do when it does not answer."""
        return _object(self._checked("GET", "/v1/instance", hint=hint))

    def ready(self) -> datetime | None:
        """Check that the server is ready, and return its clock when it tells it.

        Raises:
            Unavailable: When it is not.
        """
        reply = self._checked("GET", "/readyz")
        try:
            at = parsedate_to_datetime(reply.headers.get("date", ""))
        except ValueError:
            return None
        return at.astimezone(UTC) if at.tzinfo else None

    def enroll(self, invite: str, *, policy: Policy, license_id: str) -> Enrolled:
        """Spend an invite.

        Raises:
            Unauthorized: When it is spent, forged, or for another policy.
        """
        body = {"invite": invite, "policy": str(policy), "license": license_id}
        members = _object(self._checked("POST", "/v1/enrolments", json_body=body, hint=NOT_ENROLLED))
        try:
            return Enrolled(
                credential=_text(members, "credential"),
                policy=Policy(_text(members, "policy")),
                license_id=_text(members, "license"),
                server_key=from_base64url(_text(members, "server_key"), size=32),
                tokens=_texts(members, "tokens"),
            )
        except ValueError as exc:
            raise Corrupt(f"the server's answer to the enrolment is not one: {exc}", code="bad-reply") from exc

    def tokens(self, credential: str, *, count: int) -> tuple[str, ...]:
        """Return fresh upload tokens.

        Raises:
            Unauthorized: When the enrolment is unknown or was ended.
        """
        reply = self._checked("POST", "/v1/tokens", json_body={"count": count}, bearer=credential)
        return _texts(_object(reply), "tokens")

    def put_bundle(self, sha256: str, archive: bytes, *, token: str) -> bytes:
        """Send a bundle and return the body of the reply, which may or may not be a receipt."""
        return self._checked(
            "PUT", f"/v1/bundles/{sha256}", content=archive, headers={"Content-Type": MEDIA_TYPE}, bearer=token
        ).body

    def delete_bundle(self, sha256: str, *, signature: str) -> bool:
        """Erase a bundle; return False when the server knows none of that name (any more)."""
        return self._delete(f"/v1/bundles/{sha256}", {"Dashlight-Signature": signature})

    def delete_picture(self, picture_id: str, *, secret: str) -> bool:
        """Erase a picture; return False when it is not there (any more)."""
        return self._delete(f"/v1/pictures/{picture_id}", {"Dashlight-Deletion-Secret": secret})

    def _delete(self, path: str, headers: dict[str, str]) -> bool:
        try:
            self._checked("DELETE", path, headers=headers)
        except NotFound:
            return False
        return True

    def picture(self, picture_id: str) -> dict[str, Any]:
        """Return the public Feature of a picture.

        Raises:
            NotFound: When there is none.
        """
        return _object(self._checked("GET", f"/v1/pictures/{picture_id}"))

    def pictures_at(self, lon: float, lat: float) -> list[dict[str, Any]]:
        """Return the public Features within about a metre of a place."""
        reach = 1e-5
        box = f"{lon - reach:.6f},{lat - reach:.6f},{lon + reach:.6f},{lat + reach:.6f}"
        return self._pictures_page(f"bbox={box}&limit=500")[0]

    def pictures_in(self, box: BBox) -> Iterator[dict[str, Any]]:
        """Yield the public Features in a box, page by page.

        Raises:
            Corrupt: When a page is none, or the pages have no end.
        """
        query = f"bbox={box.west:.6f},{box.south:.6f},{box.east:.6f},{box.north:.6f}&limit=500"
        cursors: set[str] = set()
        cursor = ""
        while True:
            features, following = self._pictures_page(query + cursor)
            yield from features
            if not following:
                return
            if following in cursors:
                raise Corrupt("the server's pages of pictures have no end", code="bad-reply")
            cursors.add(following)
            cursor = f"&cursor={quote(following, safe='')}"

    def _pictures_page(self, query: str) -> tuple[list[dict[str, Any]], str]:
        """Return the Features of a page, and the cursor of the next one or nothing."""
        page = _object(self._checked("GET", f"/v1/pictures?{query}"))
        features, following = page.get("features"), page.get("next")
        if not isinstance(features, list):
            raise Corrupt("the server's answer has no features", code="bad-reply")
        return [f for f in features if isinstance(f, dict)], following if isinstance(following, str) else ""

    def _checked(
        self,
        method: str,
        path: str,
        *,
        json_body: dict[str, Any] | None = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        bearer: str = "",
        hint: str = _LATER,
    ) -> Reply:
        sent = dict(headers or {})
        if bearer:
            sent["Authorization"] = f"Bearer {bearer}"
        to_send_s = sending_s(len(content or b""), timeout_s=self._timeout_s)
        to_answer_s = self._timeout_s * TOTAL_TIMEOUTS
        traced = {"trace": self._deadline.trace}
        try:
            with (
                self._deadline.within(sending_s=to_send_s, answering_s=to_answer_s),
                self._client.stream(
                    method, path, json=json_body, content=content, headers=sent, extensions=traced
                ) as response,
            ):
                reply = Reply(response.status_code, dict(response.headers), _bounded(response, self._deadline))
        except (httpx.TransportError, httpx.DecodingError) as exc:
            raise Unavailable(
                f"{self.url} cannot be reached: {type(exc).__name__}: {exc}",
                hint=hint,
                code="unreachable",
            ) from exc
        if 200 <= reply.status < 300:
            return reply
        raise _problem(method, reply, hint)


def sending_s(size_bytes: int, *, timeout_s: float) -> float:
    """Return the longest time that a request with so large a body may take to be sent, seconds."""
    return timeout_s * TOTAL_TIMEOUTS + size_bytes / MIN_UPLOAD_BYTES_S


def checked_url(url: str) -> str:
    """Return an address without a slash at the end.

    Raises:
        UsageError: When it is not `http(s)://host[:port][/path]`.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as exc:
        raise UsageError(f"{url!r} is not a server's address: {exc}") from exc
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.userinfo:
        raise UsageError(f"{url!r} is not a server's address", hint="such as https://roads.example")
    return str(parsed).rstrip("/")


def _bounded(response: httpx.Response, deadline: Deadline) -> bytes:
    """Return the body as it came: what is packed may be a thousand times as large, and is refused."""
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("", "identity"):
        raise Corrupt("the server's reply is packed, though the request forbids it", code="bad-reply")
    body = bytearray()
    for part in response.iter_raw():
        body += part
        if len(body) > MAX_REPLY_BYTES:
            raise Corrupt(f"the server's reply is over {MAX_REPLY_BYTES} bytes", code="bad-reply")
    deadline.check()  # A connection that was shut down looks like the end of a reply.
    return bytes(body)


def _problem(method: str, reply: Reply, later: str) -> DashlightError:
    detail, hint, code = _problem_document(reply.body)
    message = detail or f"the server answered {method} with status {reply.status}"
    if 300 <= reply.status < 400:  # What a redirect leads to is not the server of the enrolment.
        return Unavailable(
            f"the server answered {method} with status {reply.status}, a redirect; none is followed",
            hint=f"{later}; if the server has moved, enrol with its new address",
            code="redirected",
        )
    kind = _STATUS.get(reply.status)
    if reply.status in _VERDICTS and not code:
        kind = None  # Somebody on the way, such as a hotel's portal: our server says why it will never take something.
    if kind is None:
        return Unavailable(
            message,
            hint=hint or later,
            code=code or f"http-{reply.status}",
            retry_after_s=_retry_after_s(reply.headers.get("retry-after", "")),
        )
    return kind(message, hint=hint, code=code or f"http-{reply.status}")


def _problem_document(body: bytes) -> tuple[str, str, str]:
    """Return detail, hint and code of a problem document (RFC 9457); empty where it is none, or none of ours."""
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        return "", "", ""
    if not isinstance(members, dict):
        return "", "", ""

    def short(name: str) -> str:
        value = members.get(name)
        return "".join(c if c.isprintable() else " " for c in value)[:400] if isinstance(value, str) else ""

    kind = short("type")
    code = kind.removeprefix(_PROBLEMS) if kind.startswith(_PROBLEMS) else ""
    return short("detail") or short("title"), short("hint"), code


def _retry_after_s(text: str) -> float | None:
    """Return the seconds of a `Retry-After` in its delta form; a date is treated as absent."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:
        return None
    return min(float(text), MAX_RETRY_AFTER_S)


def _object(reply: Reply) -> dict[str, Any]:
    try:
        members = json.loads(reply.body)
    except (ValueError, RecursionError) as exc:
        raise Corrupt("the server's answer is not JSON", hint="is this a dashlight server?", code="bad-reply") from exc
    if not isinstance(members, dict):
        raise Corrupt("the server's answer is not a JSON object", code="bad-reply")
    return members


def _text(members: dict[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 1000:
        raise Corrupt(f"the server's answer has no {name}", code="bad-reply")
    return value


def _texts(members: dict[str, Any], name: str) -> tuple[str, ...]:
    value = members.get(name)
    if not isinstance(value, list) or len(value) > 1000 or not all(isinstance(v, str) and v for v in value):
        raise Corrupt(f"the server's answer has no {name}", code="bad-reply")
    if not all(v.isascii() and v.isprintable() and len(v) <= 1000 for v in value):
        raise InputError(f"a value of {name} is not plain text", code="bad-reply")
    return tuple(value)
