"""What looks at published pictures have in common: reading one, judging it, hiding it, and how many they may hide."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from dashlight.ingest.recheck import Readable, SecondLook
from dashlight.model import Policy, Redaction, RedactionKind, day_of
from dashlight.store import reports
from dashlight.store.database import Database
from dashlight.store.objects import Objects
from dashlight.store.pictures import ByteRange, StoredPicture, count_pictures, find_bytes

ISSUE = "recheck"
CPU_SHARE = 0.25  # Of one core that looking may take; the rest of the time it rests.
LEAST_REST_S = 0.1
_LOG = logging.getLogger("dashlight.ingest")


@dataclass(frozen=True, slots=True)
class PictureToLookAt:
    """A published picture and where its bytes lie."""

    stored: StoredPicture
    jpeg: ByteRange
    thumbnail: ByteRange


def picture_to_look_at(connection: sa.Connection, stored: StoredPicture) -> PictureToLookAt:
    """Return a published picture with where its bytes lie."""
    jpeg, thumbnail = (find_bytes(connection, stored.id, is_thumbnail=each) for each in (False, True))
    return PictureToLookAt(stored, jpeg, thumbnail)


def held(database: Database, policies: Sequence[Policy]) -> tuple[int, int]:
    """Return how many pictures wait hidden by a look, and how many may, of pictures of these policies."""
    with database.read() as connection:
        everything = count_pictures(connection, policies=policies)
        waiting = reports.count_held(connection, (ISSUE,))
    return waiting, reports.most_held(everything)


async def readable(objects: Objects, look: SecondLook, drawn: PictureToLookAt) -> tuple[Readable, ...]:
    """Return what can be read in a picture.

    Raises:
        Corrupt: When it cannot be decoded.
        NotFound: When it was erased meanwhile.
        Unavailable: When nobody can look.
    """
    jpeg, thumbnail = [
        await asyncio.to_thread(objects.read, lies.key, lies.offset, lies.size_bytes)
        for lies in (drawn.jpeg, drawn.thumbnail)
    ]
    # The look needs no score, and none is kept.
    redactions = [Redaction(RedactionKind(kind), box, 1.0) for kind, box in drawn.stored.redactions]
    return await look.readable(jpeg, redactions, thumbnail)


def hide(database: Database, number: int, found: Readable) -> None:
    """Hide a picture and queue it for the operator, unless it was hidden or erased meanwhile."""
    x_min, y_min, x_max, y_max = (round(side) for side in found.bbox_xyxy)
    comment = f"{found.kind} at {x_min}, {y_min}, {x_max}, {y_max}"
    today = day_of(datetime.now(UTC))
    is_hidden = database.write(lambda t: reports.hide_and_file(t, number, issue=ISSUE, comment=comment, day=today))
    if is_hidden:
        database.forget_journal()  # What was told of it is deleted; it is not to be read there either.
        _LOG.warning("recheck.hidden", extra={"kind": found.kind})
