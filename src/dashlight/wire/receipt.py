"""The server's signed word that a bundle is stored for good; only on it may the spool drop its copy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dashlight.errors import Corrupt
from dashlight.wire import keys
from dashlight.wire.canonical import decode_json, encode_json, from_base64url, to_base64url

_PURPOSE = "receipt"
_SHA256 = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)
MAX_RECEIPT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the server signed.

    Attributes:
        sha256: The bundle's, lower-case hex.
        pictures: How many it took over.
        picture_ids: In the bundle's order; empty for `personal`, whose pictures get theirs in the daily batch.
    """

    sha256: str
    pictures: int
    picture_ids: tuple[str, ...] = ()


def encode_receipt(receipt: Receipt, key: Ed25519PrivateKey) -> bytes:
    """Return the receipt as canonical JSON with the server's signature in it."""
    members = _unsigned(receipt)
    signature = keys.sign(key, _PURPOSE, encode_json(members))
    return encode_json({**members, "signature": to_base64url(signature)})


def _unsigned(receipt: Receipt) -> dict[str, Any]:
    return {
        "version": 1,
        "bundle": receipt.sha256,
        "pictures": receipt.pictures,
        "picture_ids": list(receipt.picture_ids),
    }


def verify_receipt(encoded: bytes, *, server_key: bytes, sha256: str) -> Receipt:
    """Return the receipt when it is the server's own for this very bundle.

    Args:
        encoded: The reply's body, untrusted.
        server_key: The server's public key as pinned at enrolment, 32 bytes.
        sha256: The bundle that was sent.

    Raises:
        Corrupt: When it is no receipt, another bundle's, or not signed by that key.
    """
    if len(encoded) > MAX_RECEIPT_BYTES:
        raise Corrupt(f"a receipt of {len(encoded)} bytes is over {MAX_RECEIPT_BYTES}", code="bad-receipt")
    members = decode_json(encoded)
    if not isinstance(members, dict) or set(members) != {
        "version",
        "bundle",
        "pictures",
        "picture_ids",
        "signature",
    }:
        raise Corrupt("the reply is not a receipt", code="bad-receipt")
    receipt = _checked(members)
    if receipt.sha256 != sha256:
        raise Corrupt(f"the receipt is for {receipt.sha256}, not {sha256}", code="bad-receipt")
    signature = from_base64url(str(members["signature"]), size=keys.SIGNATURE_SIZE_BYTES)
    keys.verify(server_key, _PURPOSE, encode_json(_unsigned(receipt)), signature)
    return receipt


def _checked(members: dict[str, Any]) -> Receipt:
    sha256, count, ids = members["bundle"], members["pictures"], members["picture_ids"]
    if type(members["version"]) is not int or members["version"] != 1:
        raise Corrupt(f"a receipt of version {members['version']!r:.40}; this program reads 1", code="bad-receipt")
    if not isinstance(sha256, str) or not _SHA256.match(sha256):
        raise Corrupt("the receipt names no bundle", code="bad-receipt")
    if type(count) is not int or count < 1 or not isinstance(ids, list) or len(ids) not in (0, count):
        raise Corrupt("the receipt does not count its pictures", code="bad-receipt")
    if not all(isinstance(i, str) and len(i) <= 40 for i in ids):
        raise Corrupt("a picture id of the receipt is not a short text", code="bad-receipt")
    return Receipt(sha256, count, tuple(ids))
