"""Challenges for passkeys that are remembered by nobody until they are spent.

A challenge is 16 random bytes, when it ends, and a MAC of both and of what it is for, under a key derived from the
server's. So whoever asks for a million of them fills no table, and every process of an instance takes what another
gave. That it is spent once is the business of `store.operators`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dashlight.errors import Unauthorized

LIFE_S = 300
_NONCE_BYTES = 16
_TIME_BYTES = 8
_MAC_BYTES = 32


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge that was given out here.

    Attributes:
        content: Its bytes.
        ends_ms: It is not taken later than this, since 1970.
    """

    content: bytes
    ends_ms: int


class Challenges:
    """Gives challenges out, and knows them again.

    Args:
        secret: The server's; every process of one instance has the same.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = HKDF(hashes.SHA256(), 32, salt=None, info=b"dashlight operator challenge v1").derive(secret)

    def new(self, purpose: str, *, now_ms: int) -> Challenge:
        """Return a new challenge for one purpose."""
        ends_ms = now_ms + LIFE_S * 1000
        head = secrets.token_bytes(_NONCE_BYTES) + ends_ms.to_bytes(_TIME_BYTES)
        return Challenge(head + self._mac(head, purpose), ends_ms)

    def known(self, content: bytes, purpose: str, *, now_ms: int) -> Challenge:
        """Return the challenge of these bytes.

        Raises:
            Unauthorized: When it was not given out here for this purpose, or is too old.
        """
        head, mac = content[:-_MAC_BYTES], content[-_MAC_BYTES:]
        is_ours = len(content) == _NONCE_BYTES + _TIME_BYTES + _MAC_BYTES
        if not is_ours or not hmac.compare_digest(mac, self._mac(head, purpose)):
            raise Unauthorized("the challenge is not one of this server's", hint="begin again", code="bad-challenge")
        ends_ms = int.from_bytes(head[_NONCE_BYTES:])
        if now_ms >= ends_ms:
            raise Unauthorized(
                f"the passkey answered after more than {LIFE_S} s", hint="begin again", code="old-challenge"
            )
        return Challenge(content, ends_ms)

    def _mac(self, head: bytes, purpose: str) -> bytes:
        return hmac.digest(self._key, head + purpose.encode(), hashlib.sha256)
