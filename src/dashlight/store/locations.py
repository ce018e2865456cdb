"""Addresses at which a reader fetches one picture from the bucket itself, for some seconds.

docs/adr/0010-signed-ranges.md says what they open. That a store keeps to what is signed is not believed but tried, at
the start and each hour.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from dashlight.config import ServerSettings
from dashlight.errors import DashlightError, NotFound, Unavailable
from dashlight.model import Policy
from dashlight.store import location_trials, schema
from dashlight.store.bucket import parsed_bucket
from dashlight.store.pictures import ByteRange, find_bytes
from dashlight.store.presigning import SigningKey
from dashlight.store.s3 import S3Objects
from dashlight.store.signed_ranges import SignedRange, Signer

TRIED_S = 3600.0  # So long a trial is believed,
REFUSED_S = 60.0  # and so long one that failed.


class Locations:
    """Gives out addresses for as long as the store keeps to what is signed; any thread may ask.

    Args:
        objects: The bucket, as this server reaches it.
        signer: For the bucket as readers reach it.
        now: The time, in UTC; the store's own may differ by less than a minute.
        now_s: A monotonic clock.
    """

    def __init__(
        self,
        objects: S3Objects,
        signer: Signer,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._objects = objects
        self._signer = signer
        self._now = now
        self._now_s = now_s
        self._turn = threading.Lock()
        self._ends_s = -math.inf  # Under the lock, as the next.
        self._error: DashlightError | None = None

    def check(self) -> None:
        """Try whether the store keeps to what is signed, unless that was tried a while ago.

        Raises:
            HostError: When it serves more than that, or not what is signed.
            Unavailable: When it does not answer.
        """
        with self._turn:
            if self._now_s() >= self._ends_s:
                try:
                    location_trials.try_store(self._objects, self._signer, at=self._now())
                except DashlightError as exc:
                    self._error = exc
                else:
                    self._error = None
                self._ends_s = self._now_s() + (REFUSED_S if self._error else TRIED_S)
            if self._error is not None:
                raise self._error.with_traceback(None)

    def location(self, part: ByteRange) -> SignedRange:
        """Return an address of a range of what the object is now.

        Raises:
            Unavailable: When the store does not answer, or has begun to serve more than is signed.
            NotFound: When there is no such object any more.
        """
        try:
            self.check()
        except DashlightError as exc:
            raise Unavailable(
                "the store of pictures gives nothing out by itself now",
                hint="read the picture from this server",
                retry_after_s=REFUSED_S,
                code="locations-off",
            ) from exc
        return self._signer.signed(part, version=self._objects.version(part.key), at=self._now())


def open_locations(folder: Path, settings: ServerSettings) -> Locations | None:
    """Return what gives out addresses, tried, or None where the settings do not ask for it.

    Args:
        folder: For what the settings put nowhere else.
        settings: Of the server.

    Raises:
        HostError: When the store serves more than is signed, or not what is.
        Unavailable: When it does not answer.
    """
    if not settings.presigned_s:
        return None
    bucket = parsed_bucket(settings.objects_url)
    key = SigningKey(settings.objects_key_id, settings.objects_secret, bucket.region)
    objects = S3Objects(settings.objects_url, folder / "staging", key_id=key.key_id, secret=key.secret)
    as_read = replace(bucket, endpoint=settings.presigned_endpoint or bucket.endpoint)
    found = Locations(objects, Signer(as_read, key, settings.presigned_s))
    found.check()
    return found


def find_part(connection: sa.Connection, picture_id: UUID, *, is_thumbnail: bool) -> ByteRange:
    """Return where the JPEG of a published picture of `fleet` or `open` lies.

    Raises:
        Gone: When it was erased or is hidden.
        NotFound: When there never was one, or it is a `personal` one: key and place of those tell which pictures of a
            day are of one object, and in which order.
    """
    found = find_bytes(connection, picture_id, is_thumbnail=is_thumbnail)
    p, terms = schema.picture, schema.terms
    policy = sa.select(terms.c.policy).join(p, p.c.terms == terms.c.number).where(p.c.id == picture_id.bytes)
    if connection.execute(policy).scalar() not in (Policy.FLEET, Policy.OPEN):
        raise NotFound(
            f"the picture {picture_id} is a personal one: where those lie is not told",
            hint="read it from this server",
            code="no-location",
        )
    return found
