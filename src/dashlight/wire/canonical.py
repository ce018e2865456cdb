"""Canonical JSON (RFC 8785) and base64url without padding (RFC 4648, section 5): one value, one spelling."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, NoReturn

import rfc8785

from dashlight.errors import Corrupt

_FIRST_INEXACT = 2**53  # RFC 8785 refuses integers from here on.
_PLAIN = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def encode_json(value: Any) -> bytes:
    """Return the canonical JSON of `value`.

    Raises:
        Corrupt: When it has a value that JSON cannot say, such as NaN or an integer above 2**53.
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError) as exc:
        raise Corrupt(f"not expressible as canonical JSON: {exc}") from exc


def _no_constant(name: str) -> NoReturn:
    raise Corrupt(f"{name} is not JSON")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Corrupt("an object has a member twice")
    return members


class _Numbers:
    """Reads numbers, and notes whether each is spelled as Python and RFC 8785 alike would spell it."""

    def __init__(self) -> None:
        self.are_plain = True

    def real(self, text: str) -> float:
        value = float(text)
        self.are_plain &= repr(value) == text and not text.endswith(".0") and "e" not in text
        return value

    def whole(self, text: str) -> int:
        value = int(text)
        self.are_plain &= abs(value) < _FIRST_INEXACT and text != "-0"
        return value


def decode_json(encoded: bytes) -> Any:
    """Return the value of bytes that are canonical JSON.

    Raises:
        Corrupt: When they are not JSON, or not in their one canonical spelling.
    """
    numbers = _Numbers()
    try:
        value = json.loads(
            encoded,
            parse_constant=_no_constant,
            parse_float=numbers.real,
            parse_int=numbers.whole,
            object_pairs_hook=_no_duplicates,
        )
        # With plain numbers and ASCII alone the standard library's fast encoder has the canonical form as well.
        is_canonical = numbers.are_plain and encoded.isascii() and _PLAIN.encode(value).encode() == encoded
    except (ValueError, RecursionError) as exc:
        raise Corrupt(f"not JSON: {exc}") from exc
    if not is_canonical and encode_json(value) != encoded:
        raise Corrupt("JSON is not in its canonical form (RFC 8785)")
    return value


def to_base64url(raw: bytes) -> str:
    """Return `raw` as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def from_base64url(text: str, *, size: int | None = None) -> bytes:
    """Return the bytes of base64url without padding.

    Args:
        text: What `to_base64url` wrote.
        size: How many bytes it must be, or None for any number.

    Raises:
        Corrupt: When it is not base64url in its one spelling, or not `size` bytes.
    """
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError) as exc:
        raise Corrupt(f"{text[:60]!r} is not base64url") from exc
    if to_base64url(raw) != text:
        raise Corrupt(f"{text[:60]!r} is not base64url in its one spelling")
    if size is not None and len(raw) != size:
        raise Corrupt(f"{len(raw)} bytes where {size} are due")
    return raw
