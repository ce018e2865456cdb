"""Signature Version 4 in the query of an address, as Amazon publishes it; pure, and nothing of S3 beside it.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html

obstore signs addresses too, but no headers with them, and a `Range` that is not signed opens the whole object.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An access key, and where it is good.

    Attributes:
        key_id: Its public part, which every address shows.
        secret: The other.
        region: Of the bucket.
    """

    key_id: str
    secret: str = field(repr=False)
    region: str

    def scope(self, at: datetime) -> str:
        """Return what a signature of that day is good for."""
        return f"{at:%Y%m%d}/{self.region}/s3/aws4_request"

    def signature(self, canonical: str, *, at: datetime) -> str:
        """Return the signature of a canonical request, as lower-case hex.

        Args:
            canonical: As `canonical_request` makes it.
            at: The moment that the request says, in UTC.
        """
        key = f"AWS4{self.secret}".encode()
        for part in self.scope(at).split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        said = "\n".join([_ALGORITHM, timestamp(at), self.scope(at), hashed])
        return hmac.digest(key, said.encode(), "sha256").hex()


def timestamp(at: datetime) -> str:
    """Return a moment of UTC as S3 writes it."""
    return f"{at:%Y%m%dT%H%M%SZ}"


def canonical_request(method: str, path: str, query: str, headers: Mapping[str, str], payload_sha256: str) -> str:
    """Return what is signed of a request.

    Args:
        method: In capitals.
        path: Encoded, once.
        query: Encoded, sorted, without the signature.
        headers: Those that are signed, by their lower-case names.
        payload_sha256: Of the body, as hex, or `UNSIGNED_PAYLOAD`.
    """
    lines = [f"{name}:{' '.join(headers[name].split())}" for name in sorted(headers)]
    return "\n".join([method, path, query, *lines, "", signed_names(headers), payload_sha256])


def signed_names(headers: Mapping[str, str]) -> str:
    """Return the names of signed headers as a request lists them."""
    return ";".join(sorted(headers))


def presigned_query(
    key: SigningKey, host: str, path: str, headers: Mapping[str, str], *, at: datetime, lifetime_s: int
) -> str:
    """Return the query with which anybody may GET an object, but with these headers alone.

    Args:
        key: To sign with.
        host: As the request will name it.
        path: Encoded, once.
        headers: What the request must say beside the host, by their lower-case names.
        at: From when on, in UTC; of whole seconds the one that has begun.
        lifetime_s: How long.
    """
    signed = {"host": host, **headers}
    said = {
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{key.key_id}/{key.scope(at)}",
        "X-Amz-Date": timestamp(at),
        "X-Amz-Expires": str(lifetime_s),
        "X-Amz-SignedHeaders": signed_names(signed),
    }
    query = "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in sorted(said.items()))
    canonical = canonical_request("GET", path, query, signed, UNSIGNED_PAYLOAD)
    return f"{query}&X-Amz-Signature={key.signature(canonical, at=at)}"
