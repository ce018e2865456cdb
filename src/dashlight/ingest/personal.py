"""The daily batch: `personal` pictures of all contributors are mixed and published together.

Bundles are taken apart; every picture gets a random name and a random place among all of the day in new objects. What
tied pictures to each other, to their bundle and to a moment is forgotten in the commit that publishes them.
"""

from __future__ import annotations

import logging
import random
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from dashlight.errors import Conflict, DashlightError
from dashlight.ingest.metrics import IngestMetrics
from dashlight.ingest.verify import new_picture
from dashlight.model import Policy
from dashlight.store import bundles, withdraw
from dashlight.store.bundles import Staged
from dashlight.store.database import Database, Transaction
from dashlight.store.objects import Objects
from dashlight.store.outbox import NewEvent, tell
from dashlight.store.publish import NewPicture, add_object, publish
from dashlight.wire import MAX_BUNDLE_BYTES, decode_bundle

_LOG = logging.getLogger("dashlight.ingest")
_ATTEMPTS = 5  # An owner may erase a bundle while the batch is made; then it is made again without it.


@dataclass(frozen=True, slots=True)
class _Loose:
    """A picture and the staged object that still holds its bytes."""

    key: str
    picture: NewPicture


@dataclass(frozen=True, slots=True)
class _Packed:
    """A new object that is durable, and the pictures in it."""

    key: str
    size_bytes: int
    pictures: tuple[NewPicture, ...]


def publish_staged(database: Database, objects: Objects, *, metrics: IngestMetrics | None = None) -> int:
    """Publish every staged picture; return how many. What fails changes nothing and may be repeated.

    A bundle that cannot be read stays staged and keeps nobody else's out: its object's key is logged for the operator,
    who may restore it from a backup, and the next batch tries again.

    Args:
        database: The rows.
        objects: The bytes.
        metrics: To count what is published and the bundles that cannot be read, or None.

    Raises:
        HostError: When the disk is full or refuses.
        Conflict: When owners kept erasing bundles meanwhile.
    """
    for _ in range(_ATTEMPTS):
        with database.read() as connection:
            staged = bundles.staged_bundles(connection)
        loose, damaged = _readable(objects, staged)
        if metrics is not None:
            metrics.damaged.set(len(damaged))
        staged = [bundle for bundle in staged if bundle not in damaged]
        if not staged:
            return 0
        random.SystemRandom().shuffle(loose)
        packed: list[_Packed] = []
        is_published = False
        try:
            packed.extend(_packed(objects, loose))
            is_published = database.write(lambda t: _publish(t, staged, packed))  # noqa: B023  # Run before the next.
        except _ErasedMeanwhile:
            continue
        finally:
            if not is_published:
                for each in packed:
                    objects.remove(each.key)
        if metrics is not None:
            metrics.pictures.labels(Policy.PERSONAL).inc(len(loose))
        withdraw.finish_erasures(database, objects)
        return len(loose)
    raise Conflict("staged bundles were erased while the batch was made", code="batch")


class _ErasedMeanwhile(Conflict):
    """A bundle of the batch is no longer there."""


def _readable(objects: Objects, staged: Sequence[Staged]) -> tuple[list[_Loose], set[Staged]]:
    """Return the pictures of all bundles that can be read, and the bundles that cannot."""
    loose: list[_Loose] = []
    damaged: set[Staged] = set()
    for bundle in staged:
        try:
            loose += _loose_pictures(objects, bundle)
        except DashlightError as exc:
            damaged.add(bundle)
            _LOG.error("batch.damaged", extra={"object": bundle.key, "reason": exc.code})
    return loose, damaged


def _loose_pictures(objects: Objects, staged: Staged) -> Iterator[_Loose]:
    bundle = decode_bundle(objects.read(staged.key, 0, staged.size_bytes), sha256=staged.sha256.hex())
    for placed in bundle.pictures:
        name = UUID(bytes=secrets.token_bytes(16), version=4)
        yield _Loose(staged.key, new_picture(placed, bundle.manifest, name))


def _packed(objects: Objects, loose: Sequence[_Loose]) -> Iterator[_Packed]:
    waiting: list[_Loose] = []
    size = 0
    for one in loose:
        length = one.picture.size_bytes + one.picture.thumbnail_size_bytes
        if waiting and size + length > MAX_BUNDLE_BYTES:
            yield _pack(objects, waiting)
            waiting, size = [], 0
        waiting.append(one)
        size += length
    if waiting:
        yield _pack(objects, waiting)


def _pack(objects: Objects, loose: Sequence[_Loose]) -> _Packed:
    path = objects.staging_file()
    at = 0
    moved = []
    try:
        with path.open("xb") as file:
            for one in loose:
                old = one.picture
                file.write(objects.read(one.key, old.offset, old.size_bytes))
                file.write(objects.read(one.key, old.thumbnail_offset, old.thumbnail_size_bytes))
                moved.append(replace(old, offset=at, thumbnail_offset=at + old.size_bytes))
                at += old.size_bytes + old.thumbnail_size_bytes
        name = secrets.token_hex(16)
        key = f"personal/{name[:2]}/{name}"
        objects.adopt(path, key)
    finally:
        path.unlink(missing_ok=True)
    return _Packed(key, at, tuple(moved))


def _publish(transaction: Transaction, staged: Sequence[Staged], packed: Sequence[_Packed]) -> bool:
    for bundle in staged:
        if not bundles.take_apart(transaction, bundle):
            raise _ErasedMeanwhile("a bundle was erased while the batch was made", code="batch")
    for each in packed:
        number = add_object(transaction, each.key, size_bytes=each.size_bytes, head_bytes=0)
        publish(transaction, each.pictures, policy=Policy.PERSONAL, object_number=number, sequence=None)
    tell(transaction, [NewEvent("refresh", "{}")])
    return True
