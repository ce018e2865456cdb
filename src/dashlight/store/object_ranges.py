"""Which bytes of a stored bundle anybody may have: those of pictures that are shown, and the tar's own between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from dashlight.errors import Gone, InputError, NotFound
from dashlight.store.exports import is_name
from dashlight.store.schema import PictureState, object_, picture

_BLOCK_BYTES = 512  # Of a tar. A member has a header of one, and fills its last one with zeros.
_BETWEEN_BYTES = 2 * _BLOCK_BYTES - 1
_BEHIND_BYTES = 3 * _BLOCK_BYTES - 1  # Two of zeros end it.
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

    Only pictures that are shown decide: of an erased one nothing is left that could, and a hidden one shall not be
    told from it.

    Raises:
        InputError: When it reaches into the manifest of a bundle of which all is shown.
        Gone: When it holds something of a picture that is not shown any more, or of a manifest that tells of one.
    """
    p = picture.c
    of_object = sa.and_(p.object == held.number, p.state == int(PictureState.PUBLISHED))
    columns = (p.offset_bytes, p.size_bytes, p.thumbnail_offset_bytes, p.thumbnail_size_bytes)
    shown: list[tuple[int, int]] = []
    for at, size, thumbnail_at, thumbnail_size in connection.execute(sa.select(*columns).where(of_object)):
        shown += [(at, at + size), (thumbnail_at, thumbnail_at + thumbnail_size)]
    gaps = list(_gaps(sorted(shown), held.size_bytes))
    if gaps == [(0, held.head_bytes)] and start < held.head_bytes:
        raise InputError(
            f"the range begins at {start}, before the first picture at {held.head_bytes}",
            hint="ask for the ranges that the list of bundles names",
            code="bad-range",
        )
    if any(start < gap_end and end > gap_start for gap_start, gap_end in gaps):
        raise Gone("something in this range is no longer shown", hint="ask for one picture at a time")


def _gaps(shown: Sequence[tuple[int, int]], size_bytes: int) -> Iterator[tuple[int, int]]:
    """Yield where something else than the tar's own lies between pictures that are shown."""
    last = 0
    for start, end in shown:
        if start - last > _BETWEEN_BYTES:  # Before the first: the manifest, or what is not shown.
            yield last, start
        last = end
    if size_bytes - last > _BEHIND_BYTES:
        yield last, size_bytes
