"""Objects as wholes, for what moves a store or copies it: read piece by piece, hashed, and copied."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator

import sqlalchemy as sa

from dashlight.errors import HostError
from dashlight.store.database import Database
from dashlight.store.objects import Objects
from dashlight.store.schema import object_

CHUNK_BYTES = 1 << 22


def named_objects(database: Database) -> list[tuple[str, int]]:
    """Return key and size in bytes of every object that a row names, in the order of the keys."""
    with database.read() as connection:
        rows = connection.execute(sa.select(object_.c.key, object_.c.size_bytes).order_by(object_.c.key)).all()
    return [(row.key, int(row.size_bytes)) for row in rows]


def sha256_of(objects: Objects, key: str, size: int) -> str:
    """Return the SHA-256 of an object of so many bytes, as hex.

    Raises:
        NotFound: When there is no such object.
        Corrupt: When it is shorter.
    """
    digest = hashlib.sha256()
    for chunk in _chunks(objects, key, size):
        digest.update(chunk)
    return digest.hexdigest()


def copy_object(source: Objects, target: Objects, key: str, size: int) -> str:
    """Copy an object of so many bytes to another store; return the SHA-256 of what was copied, as hex.

    Raises:
        NotFound: When there is no such object.
        Corrupt: When it is shorter.
        HostError: When this machine's disk refuses.
    """
    digest = hashlib.sha256()
    staged = target.staging_file()
    try:
        handle = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            for chunk in _chunks(source, key, size):
                digest.update(chunk)
                file.write(chunk)
        target.adopt(staged, key)
    except OSError as exc:
        raise HostError(f"cannot write a copy of {key}: {exc.strerror}", hint="make room", code="disk") from exc
    finally:
        staged.unlink(missing_ok=True)
    return digest.hexdigest()


def _chunks(objects: Objects, key: str, size: int) -> Iterator[bytes]:
    for at in range(0, size, CHUNK_BYTES):
        yield objects.read(key, at, min(CHUNK_BYTES, size - at))
