"""Where a page ended, as a text that nobody can read, forge, or use with another query.

AES-SIV (RFC 5297) under a key derived from the server's: the same page always ends in the same text, the tag covers the
query, and what is inside (row numbers tell what came before what) stays inside.
"""

from __future__ import annotations

import hashlib

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dashlight.errors import Corrupt, InputError
from dashlight.wire import from_base64url, to_base64url

MOST_CHARACTERS = 200


class Cursors:
    """Seals and opens the ends of pages.

    Args:
        secret: The server's; every process of one instance has the same.
    """

    def __init__(self, secret: bytes) -> None:
        key = HKDF(hashes.SHA256(), 64, salt=None, info=b"dashlight stac cursor v1").derive(secret)
        self._cipher = AESSIV(key)

    def seal(self, position: str, *, query: object) -> str:
        """Return the end of a page of `query`, which is JSON."""
        return to_base64url(self._cipher.encrypt(position.encode(), [_digest(query)]))

    def open(self, text: str, *, query: object) -> str:
        """Return what `seal` was given.

        Raises:
            InputError: When it was not made here, or for another query.
        """
        try:
            return self._cipher.decrypt(from_base64url(text), [_digest(query)]).decode()
        except (InvalidTag, Corrupt, ValueError) as exc:
            raise InputError(
                f"cursor {text[:40]!r} is not one of this server's for this query",
                hint="follow the link `next` as it is, and change nothing else of the query",
                code="bad-cursor",
            ) from exc


def _digest(query: object) -> bytes:
    return hashlib.sha256(orjson.dumps(query, option=orjson.OPT_SORT_KEYS)).digest()
