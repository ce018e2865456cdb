"""Which bytes of a stored bundle anybody may have: those of pictures that are shown, and the tar's own between them."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from dashlight.errors import Gone, InputError, NotFound
from dashlight.store.exports import is_name
from dashlight.store.schema import PictureState, erasure, object_, picture

_PREFIX = "bundles/"  # `fleet` and `open`. What lies with what of `personal` pictures is nobody's business.


@dataclass(frozen=True, slots=True)
class Held:
    """A stored bundle.

    Attributes:
        number: The row's own; not told.
        key: Of the object.
        size_bytes: Of the object.
        head_bytes: How much at its beginning is not given out: the manifest tells of hidden pictures too.
    """

    number: int
    key: str
    size_bytes: int
    head_bytes: int


def find_object(connection: sa.Connection, key: str) -> Held:
    """Return a stored bundle of `fleet` or `open` pictures.

    Raises:
        NotFound: When there is none of that key.
    """
    is_ours = key.startswith(_PREFIX) and is_name(key)
    row = connection.execute(sa.select(object_).where(object_.c.key == key)).first() if is_ours else None
    if row is None:
        raise NotFound(f"there is no bundle {key[:120]!r}", code="no-object")
    return Held(int(row.number), str(row.key), int(row.size_bytes), int(row.head_bytes))


def check_range(connection: sa.Connection, held: Held, start: int, end: int) -> None:
    """Check that a half-open range of a bundle's bytes may be given out.

    Raises:
        InputError: When it reaches into the manifest.
        Gone: When it holds something of a picture that is not shown any more.
    """
    if start < held.head_bytes:
        raise InputError(
            f"the range begins at {start}, before the first picture at {held.head_bytes}",
            hint="ask for the ranges that the list of bundles names",
            code="bad-range",
        )
    p, note = picture.c, erasure.c
    is_touched = sa.or_(
        sa.and_(p.offset_bytes < end, p.offset_bytes + p.size_bytes > start),
        sa.and_(p.thumbnail_offset_bytes < end, p.thumbnail_offset_bytes + p.thumbnail_size_bytes > start),
    )
    hidden = sa.select(p.number).where(p.object == held.number, p.state != int(PictureState.PUBLISHED), is_touched)
    going = sa.select(note.number).where(
        note.key == held.key,
        sa.or_(note.length_bytes < 0, sa.and_(note.offset_bytes < end, note.offset_bytes + note.length_bytes > start)),
    )
    if connection.execute(hidden.limit(1)).first() or connection.execute(going.limit(1)).first():
        raise Gone("something in this range is no longer shown", hint="ask for one picture at a time")
