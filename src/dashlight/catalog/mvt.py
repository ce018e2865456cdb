"""Vector tiles (Mapbox Vector Tile 2.1) by the column: features of one layer share a shape and are written together.

Every number of every feature is a column of an array; the bytes of all varints lie in one matrix, and a mask takes
out those that a shorter varint does not have. 5,000 points take about a millisecond.
https://github.com/mapbox/vector-tile-spec/tree/master/2.1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

EXTENT = 4096
Ints = npt.NDArray[np.int64]
Fractions = npt.NDArray[np.float64]
_POINT, _LINE, _POLYGON = 1, 2, 3
_NARROW = 2_048  # Numbers that lie no further apart are counted in a table.
_HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), "<u2")  # Both digits of a byte at once.
_UUID_CUTS = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))


@dataclass(frozen=True, slots=True)
class Attribute:
    """One property of all features of a layer.

    Attributes:
        name: Of the property.
        values: Every distinct value as an encoded `Value` field of the layer, in the order of their indexes, joined.
        count: How many there are.
        index: `(N,) int64`, which value each feature has.
        present: `(N,) bool`, or None when every feature has it.
    """

    name: str
    values: bytes
    count: int
    index: Ints
    present: npt.NDArray[np.bool_] | None = None


def whole_numbers(name: str, values: Ints) -> Attribute:
    """Return a property of whole numbers, none of them negative."""
    low = int(values.min(initial=0))
    span = int(values.max(initial=0)) - low + 1
    if span > _NARROW:
        at, index = _distinct(values)
        distinct = values[at]
    else:  # Days and headings: looked up rather than sorted.
        is_there = np.zeros(span, np.bool_)
        is_there[values - low] = True
        distinct = np.flatnonzero(is_there) + low
        index = (np.cumsum(is_there) - 1)[values - low]
    return Attribute(name, b"".join(map(_whole_number, distinct.tolist())), len(distinct), index)


def _distinct(values: Ints) -> tuple[Ints, Ints]:
    """Return where each distinct one of `(N,)` values is, in rising order, and `(N,)`, the place of each among them."""
    order = np.argsort(values)
    in_order = values[order]
    is_new = np.empty(len(values), np.bool_)
    is_new[:1] = True
    np.not_equal(in_order[1:], in_order[:-1], out=is_new[1:])
    index = np.empty(len(values), np.int64)
    index[order] = np.cumsum(is_new) - 1
    return order[is_new], index


@lru_cache(maxsize=65_536)  # Counts, days and headings: the same few in every tile.
def _whole_number(value: int) -> bytes:
    return _field(0x22, b"\x28" + _varint(value))


def fractions(name: str, values: Fractions) -> Attribute:
    """Return a property of numbers that need not be whole."""
    distinct, index = np.unique(values, return_inverse=True)
    encoded = b"".join(_field(0x22, b"\x19" + np.float64(value).astype("<f8").tobytes()) for value in distinct)
    return Attribute(name, encoded, len(distinct), index.astype(np.int64))


def words(name: str, index: Ints, choices: Sequence[str]) -> Attribute:
    """Return a property that is one of a few words."""
    encoded = b"".join(_field(0x22, _field(0x0A, word.encode())) for word in choices)
    return Attribute(name, encoded, len(choices), index)


def uuids(name: str, raw: npt.NDArray[np.uint8]) -> Attribute:
    """Return a property of UUIDs, each its own; `raw` is `(N, 16)`."""
    return Attribute(name, _uuid_values(raw), len(raw), np.arange(len(raw), dtype=np.int64))


def shared_uuids(name: str, raw: npt.NDArray[np.uint8]) -> Attribute:
    """Return a property of UUIDs that many features share; `raw` is `(N, 16)`, all zero where a feature has none."""
    raw = np.ascontiguousarray(raw)
    at, index = _distinct(raw.view("<u8")[:, 0])  # Numbers sort faster.
    values = raw[at]
    if not np.array_equal(values[index], raw):  # Two share their first half, which chance does not do.
        distinct, index = np.unique(raw.view("V16").ravel(), return_inverse=True)
        values = distinct.view(np.uint8).reshape(-1, 16)
    return Attribute(
        name, _uuid_values(values), len(values), index.astype(np.int64), np.asarray(raw.any(axis=1), np.bool_)
    )


def _uuid_values(raw: npt.NDArray[np.uint8]) -> bytes:
    """Return `Value` fields of the texts of `(N, 16)` UUIDs."""
    out = np.full((len(raw), 40), ord("-"), np.uint8)
    out[:, :4] = (0x22, 38, 0x0A, 36)
    digits = _HEX.take(np.ascontiguousarray(raw)).view(np.uint8).reshape(len(raw), 32)
    at = 4
    for first, last in _UUID_CUTS:
        out[:, at : at + last - first] = digits[:, first:last]
        at += last - first + 1
    return out.tobytes()


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(tag: int, content: bytes) -> bytes:
    return bytes((tag,)) + _varint(len(content)) + content


def _zigzag(values: Ints) -> Ints:
    return (values << 1) ^ (values >> 63)


class _Messages:
    """The bytes of N messages, filled in from the left and from the right: how long they are stands before them.

    Args:
        count: N.
        wide: How many bytes a message has at most.
    """

    def __init__(self, count: int, wide: int) -> None:
        self._content = np.empty((count, wide), np.uint8)
        self._shown = np.ones((count, wide), np.bool_)

    def constant(self, at: int, content: bytes) -> None:
        """Write the same bytes into every message."""
        for number, byte in enumerate(content):
            self._content[:, at + number] = byte

    def varints(
        self, at: int, values: Ints, *, most: int, keyed: bool = False, present: npt.NDArray[np.bool_] | None = None
    ) -> Ints:
        """Write numbers, and return how many bytes each message has of them.

        Args:
            at: Column of the first byte.
            values: `(N, K)`, none of them negative.
            most: Bytes that the longest has, or more.
            keyed: Whether the number of its column, less than 128, stands before each.
            present: `(N, K)`, which of them are there, or None for all.
        """
        count, k = values.shape
        before = int(keyed)
        end = at + k * (before + most)
        content = self._content[:, at:end].reshape(count, k, before + most)
        shown = self._shown[:, at:end].reshape(count, k, before + most)
        for column in range(k if keyed else 0):
            content[:, column, 0] = column
        length = np.full(count, k * (before + 1), np.int64)
        rest = values.astype(np.uint32) if most < 5 else values
        for number in range(before, before + most):
            low: npt.NDArray[np.uint8] = rest.astype(np.uint8)
            if number + 1 < before + most:
                rest = rest >> 7
                more = rest > 0
                low = (low & np.uint8(0x7F)) | (more.view(np.uint8) << np.uint8(7))
                shown[:, :, number + 1] = more
                length += np.ascontiguousarray(more.T).sum(axis=0)
            content[:, :, number] = low
        if present is not None:
            for column in np.flatnonzero(~present.all(axis=0)).tolist():
                is_absent = ~present[:, column]
                length -= np.ascontiguousarray(shown[:, column].T).sum(axis=0) * is_absent
                shown[is_absent, column] = False
        return length

    def joined(self) -> bytes:
        """Return the messages, one after the other."""
        return bytes(self._content[self._shown].tobytes())


def _most(highest: int) -> int:
    """Return how many bytes the varint of a number has."""
    return max(1, -(-highest.bit_length() // 7))


def _features(kind: int, attributes: Sequence[Attribute], geometry: Ints) -> bytes:
    """Return the features of a layer.

    Args:
        kind: Geometry type of the specification.
        attributes: Of every feature, in the order of the layer's keys.
        geometry: `(N, K)`, the geometry's command and parameter integers.
    """
    count, k = geometry.shape
    if count == 0:
        return b""
    firsts = np.cumsum([0, *(attribute.count for attribute in attributes)])  # A layer's values share one list.
    most_tags, most_drawn = _most(int(firsts[-1])), _most(int(geometry.max()))
    tags_wide, drawn_wide = len(attributes) * (1 + most_tags), k * most_drawn
    tags_head, drawn_head = _most(tags_wide), _most(drawn_wide)
    inside = 1 + tags_head + tags_wide + 3 + drawn_head + drawn_wide
    head = 1 + _most(inside)
    messages = _Messages(count, head + inside)
    messages.constant(0, b"\x12")
    messages.constant(head, b"\x12")
    at_tags = head + 1 + tags_head
    if attributes:
        indexes = np.stack([attribute.index for attribute in attributes], axis=1) + firsts[:-1]
        present = _presence(attributes, count)
        tags = messages.varints(at_tags, indexes, most=most_tags, keyed=True, present=present)
    else:
        tags = np.zeros(count, np.int64)
    at_kind = at_tags + tags_wide
    messages.constant(at_kind, bytes((0x18, kind, 0x22)))
    drawn = messages.varints(at_kind + 3 + drawn_head, geometry, most=most_drawn)
    length = 4 + tags + drawn
    length += messages.varints(head + 1, tags[:, None], most=tags_head)
    length += messages.varints(at_kind + 3, drawn[:, None], most=drawn_head)
    messages.varints(1, length[:, None], most=head - 1)
    return messages.joined()


def _presence(attributes: Sequence[Attribute], count: int) -> npt.NDArray[np.bool_] | None:
    if all(attribute.present is None for attribute in attributes):
        return None
    present = np.ones((count, len(attributes)), np.bool_)
    for number, attribute in enumerate(attributes):
        if attribute.present is not None:
            present[:, number] = attribute.present
    return present


def point_features(x: Ints, y: Ints, attributes: Sequence[Attribute]) -> bytes:
    """Return points as features; `x` and `y` are `(N,)` in the tile's own units."""
    geometry = np.full((len(x), 3), 9, np.int64)
    geometry[:, 1], geometry[:, 2] = _zigzag(x), _zigzag(y)
    return _features(_POINT, attributes, geometry)


def line_features(vertices: Ints, starts: Ints, attributes: Sequence[Attribute]) -> bytes:
    """Return lines as features: many of one length by the column, a long one by itself.

    Args:
        vertices: `(M, 2)`, x and y in the tile's own units, line after line.
        starts: `(N,)`, where each line begins; every line has two vertices at least.
        attributes: Of every line; every line has each.
    """
    sizes = np.diff(np.append(starts, len(vertices)))
    moves = vertices.copy()
    moves[1:] -= vertices[:-1]
    moves[starts] = vertices[starts]
    zigzag = _zigzag(moves)
    features, alone = [], []
    for size in np.unique(sizes):
        (chosen,) = (sizes == size).nonzero()
        if len(chosen) < size:
            alone += chosen.tolist()
            continue
        steps = zigzag[starts[chosen][:, None] + np.arange(size)].reshape(len(chosen), -1)
        here = [replace(one, index=one.index[chosen]) for one in attributes]
        features.append(_features(_LINE, here, _commanded(steps, (int(size) - 1) << 3 | 2)))
    if alone:
        features.append(_long_lines(zigzag, starts, sizes, alone, attributes))
    return b"".join(features)


def _long_lines(
    zigzag: Ints, starts: Ints, sizes: Ints, chosen: Sequence[int], attributes: Sequence[Attribute]
) -> bytes:
    """Return the features of some lines, one after the other."""
    flat = zigzag.reshape(-1, 1)
    most = _most(int(flat.max()))
    messages = _Messages(len(flat), most)
    ends = np.append(0, np.cumsum(messages.varints(0, flat, most=most)))
    steps = messages.joined()
    firsts = np.cumsum([0, *(attribute.count for attribute in attributes)]).tolist()
    features = []
    for line in chosen:
        first, size = int(starts[line]), int(sizes[line])
        moved, start, end = (int(ends[2 * vertex]) for vertex in (first, first + 1, first + size))
        geometry = b"\x09" + steps[moved:start] + _varint((size - 1) << 3 | 2) + steps[start:end]
        tags = b"".join(
            _varint(key) + _varint(int(attribute.index[line]) + firsts[key]) for key, attribute in enumerate(attributes)
        )
        features.append(_field(0x12, _field(0x12, tags) + b"\x18\x02" + _field(0x22, geometry)))
    return b"".join(features)


def polygon_features(corners: npt.NDArray[np.int64], attributes: Sequence[Attribute]) -> bytes:
    """Return polygons of K corners as features.

    Args:
        corners: `(N, K, 2)`, x and y in the tile's own units, clockwise on the screen, the first not repeated.
        attributes: Of every polygon.
    """
    count, k = corners.shape[:2]
    moves = corners.copy()
    moves[:, 1:] -= corners[:, :-1]
    steps = _zigzag(moves).reshape(count, -1)
    return _features(_POLYGON, attributes, _commanded(steps, (k - 1) << 3 | 2, end=(15,)))


def _commanded(steps: Ints, command: int, *, end: tuple[int, ...] = ()) -> Ints:
    """Return geometries that move to the first of `(N, 2 * K)` steps and draw on along the others."""
    geometry = np.empty((len(steps), steps.shape[1] + 2 + len(end)), np.int64)
    geometry[:, 0], geometry[:, 1:3], geometry[:, 3] = 9, steps[:, :2], command
    geometry[:, 4 : steps.shape[1] + 2] = steps[:, 2:]
    geometry[:, steps.shape[1] + 2 :] = end
    return geometry


def layer(name: str, features: bytes, attributes: Sequence[Attribute]) -> bytes:
    """Return a layer as a field of the tile; empty when it has no features."""
    if not features:
        return b""
    content = b"".join(
        [
            b"\x78\x02",
            _field(0x0A, name.encode()),
            features,
            *(_field(0x1A, attribute.name.encode()) for attribute in attributes),
            *(attribute.values for attribute in attributes),
            b"\x28" + _varint(EXTENT),
        ]
    )
    return _field(0x1A, content)
