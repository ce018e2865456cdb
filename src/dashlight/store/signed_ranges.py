"""An address that opens one range of one version of one object, and no other.

Range, If-Match and If-Range are signed. A store that checks what is signed refuses another range. Were If-Range not
signed, whoever adds one that does not fit would be sent the whole object by a server of HTTP (RFC 9110, 13.1.5); once
the object is another, If-Match fails before If-Range is looked at (13.2.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashlight.store.bucket import Bucket
from dashlight.store.pictures import ByteRange
from dashlight.store.presigning import SigningKey, presigned_query


@dataclass(frozen=True, slots=True)
class SignedRange:
    """Where a reader finds a range of an object.

    Attributes:
        href: The address.
        headers: What the request must say, exactly so.
        expires_at: From then on it is refused, in UTC.
    """

    href: str
    headers: Mapping[str, str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs addresses of one bucket.

    Attributes:
        bucket: As readers reach it.
        key: To sign with; whoever may read with it bounds what an address can open.
        lifetime_s: Of an address.
    """

    bucket: Bucket
    key: SigningKey
    lifetime_s: int

    def signed(self, part: ByteRange, *, version: str, at: datetime) -> SignedRange:
        """Return the address of a range.

        Args:
            part: At least one byte.
            version: The object's ETag, with its quotes; once it is another the address opens nothing.
            at: From when on, in UTC.
        """
        scheme, host, path = self.bucket.address(part.key)
        headers = {
            "Range": f"bytes={part.offset}-{part.offset + part.size_bytes - 1}",
            "If-Match": version,
            "If-Range": version,
        }
        at = at.replace(microsecond=0)
        named = {name.lower(): value for name, value in headers.items()}
        query = presigned_query(self.key, host, path, named, at=at, lifetime_s=self.lifetime_s)
        return SignedRange(f"{scheme}://{host}{path}?{query}", headers, at + timedelta(seconds=self.lifetime_s))
