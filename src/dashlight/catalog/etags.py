"""Whether a reader has a representation already (RFC 9110, sections 8.8.3 and 13.1.2)."""

from __future__ import annotations

import hashlib


def etag_of(content: bytes) -> str:
    """Return the ETag of a representation that follows from its bytes."""
    return f'"{hashlib.sha256(content).hexdigest()[:24]}"'


def is_known(if_none_match: str | None, etag: str) -> bool:
    """Return whether an If-None-Match header names an ETag."""
    if if_none_match is None:
        return False
    given = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return etag in given or "*" in given
