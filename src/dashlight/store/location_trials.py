"""Whether a store of S3 keeps to what is signed in an address: tried with every wrong request that would open more."""

from __future__ import annotations

import http.client
import secrets
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

from dashlight.errors import HostError, Unavailable
from dashlight.store.pictures import ByteRange
from dashlight.store.s3 import PROBES, RETRY_AFTER_S, S3Objects
from dashlight.store.signed_ranges import SignedRange, Signer

LATE_S = 60  # So long after its end an address must be refused: clocks may differ by less.
_TIMEOUT_S = 10.0
_PROBE_BYTES, _OFFSET, _LENGTH = 256, 64, 64
_OTHER_VERSION = '"0"'

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """A request that must be refused.

    Attributes:
        what: It asks for.
        href: Its address.
        headers: Its headers; a name may come twice.
    """

    what: str
    href: str
    headers: Headers


def try_store(objects: S3Objects, signer: Signer, *, at: datetime) -> None:
    """Put two objects into the bucket, ask for what is signed and for what is not, and remove them.

    Raises:
        HostError: When the store serves something that is not signed, or not what is.
        Unavailable: When it does not answer.
    """
    content = secrets.token_bytes(_PROBE_BYTES)
    keys = [f"{PROBES}{secrets.token_hex(8)}" for _ in range(2)]
    try:
        for key in keys:
            _put(objects, key, content)
        part = ByteRange(keys[0], _OFFSET, _LENGTH)
        signed = signer.signed(part, version=objects.version(part.key), at=at)
        right = tuple(signed.headers.items())
        _check_served(signed.href, right, content[_OFFSET : _OFFSET + _LENGTH])
        for trial in trials(signer, signed, part, other_key=keys[1], at=at):
            _check_refused(trial)
        objects.zero(part.key, [(_OFFSET, _LENGTH)])
        _check_refused(Trial("an object of which a part was erased since", signed.href, right))
    finally:
        for key in keys:
            objects.remove(key)


def trials(signer: Signer, signed: SignedRange, part: ByteRange, *, other_key: str, at: datetime) -> Iterator[Trial]:
    """Yield the requests that must be refused, made of one that may be served.

    Args:
        signer: That signed it.
        signed: It.
        part: What that opens; not at the object's beginning.
        other_key: Of another object, as long.
        at: When it was signed.
    """
    href, given = signed.href, dict(signed.headers)
    right = tuple(given.items())
    asked = ("Range", given.pop("Range"))
    others = tuple(given.items())
    longer = ("Range", f"{asked[1]}0")
    everything = ("Range", "bytes=0-")
    for what, ranges in (
        ("the whole object", ()),
        ("a longer range", (longer,)),
        ("a range to the object's end", (everything,)),
        ("a second range beside the signed one", (("Range", f"{asked[1]},0-0"),)),
        ("a second header with another range", (asked, everything)),
        ("a first header with another range", (everything, asked)),
    ):
        yield Trial(what, href, (*ranges, *others))
    for name in given:
        changed = {**given, name: _OTHER_VERSION}
        yield Trial(f"another {name} than is signed", href, (asked, *changed.items()))
        yield Trial(f"no {name}, which is signed", href, (asked, *((n, v) for n, v in others if n != name)))
    elsewhere = signer.signed(ByteRange(other_key, part.offset, part.size_bytes), version=given["If-Match"], at=at)
    query = href.partition("?")[2]
    yield Trial("another object than is signed", f"{elsewhere.href.partition('?')[0]}?{query}", right)
    yield Trial("an object without a signature", href.partition("?")[0], right)
    unsigned = href.replace("%3Brange&", "&")
    yield Trial("a range that is said not to be signed", unsigned, (everything, *others))
    late = at - timedelta(seconds=signer.lifetime_s + LATE_S)
    yield Trial("an address that has ended", signer.signed(part, version=given["If-Match"], at=late).href, right)


def _put(objects: S3Objects, key: str, content: bytes) -> None:
    staged = objects.staging_file()
    try:
        staged.write_bytes(content)
        objects.adopt(staged, key)
    except OSError as exc:
        raise HostError(f"cannot write {staged.parent}: {exc.strerror}", code="disk") from exc
    finally:
        staged.unlink(missing_ok=True)


def _check_served(href: str, headers: Headers, content: bytes) -> None:
    status, body = _reply(href, headers)
    if status != HTTPStatus.PARTIAL_CONTENT or body != content:
        raise HostError(
            f"the store of pictures answers an address that is signed rightly with {status} and {len(body)} bytes, "
            f"not with 206 and the {len(content)} that are signed",
            hint="look at region and style in server.objects_url, server.presigned_endpoint and the clocks of both; "
            "or set server.presigned_s = 0",
            code="presigned",
        )


def _check_refused(trial: Trial) -> None:
    status, _ = _reply(trial.href, trial.headers)
    if not 400 <= status < 500:
        raise HostError(
            f"the store of pictures does not keep to what is signed: asked for {trial.what} it answers {status}",
            hint="set server.presigned_s = 0: such a store would give out pictures that are hidden",
            code="presigned",
        )


def _reply(href: str, headers: Headers) -> tuple[int, bytes]:
    """Return status and body, of which no more is read than an object of a trial has."""
    parts = urlsplit(href)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(parts.netloc, timeout=_TIMEOUT_S, context=context)
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=_TIMEOUT_S)
    try:
        connection.putrequest("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        reply = connection.getresponse()
        return reply.status, reply.read(_PROBE_BYTES + 1)
    except (OSError, http.client.HTTPException) as exc:
        raise Unavailable(
            f"the store of pictures does not answer at {parts.scheme}://{parts.netloc}, where readers are to find it",
            retry_after_s=RETRY_AFTER_S,
            code="presigned-endpoint",
        ) from exc
    finally:
        connection.close()
