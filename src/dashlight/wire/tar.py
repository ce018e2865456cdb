"""The narrow tar of a bundle: one header for one name and size, so that every byte of a bundle is accounted for.

A bundle is a POSIX ustar archive (IEEE Std 1003.1, pax) that any tar program unpacks. Of the many headers that
the format allows for a member, exactly one is ours: mode 0644, owner 0, time 0, no prefix, no extension. A reader
takes name and size out of a header and then demands the very bytes that it would have written itself; links,
devices, sparse files, paths and duplicates have no spelling left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dashlight.errors import Corrupt

BLOCK = 512
_END = bytes(2 * BLOCK)
_NAME = re.compile(rb"[a-z0-9][a-z0-9.]{0,62}\Z")
_OWNER = b"0000644\0" + b"0000000\0" * 2
_TIME = b"\0%011o\0" % 0
_REST = b"".join((b"\0 ", b"0" + bytes(100), b"ustar\x0000", bytes(64), b"0000000\0" * 2, bytes(167)))
_SAME_SUM = sum(_OWNER) + sum(_TIME) + sum(_REST[2:]) + sum(b" " * 8)  # The sum counts its own field as spaces.
_OCTAL = re.compile(rb"[0-7]{11}\0\Z")


@dataclass(frozen=True, slots=True)
class Member:
    """Where a member's bytes lie.

    Attributes:
        name: A file name without any path.
        offset: From the start of the archive, in bytes.
        size_bytes: Its length, without padding.
    """

    name: str
    offset: int
    size_bytes: int


def header(name: str, size_bytes: int) -> bytes:
    """Return the 512 bytes before a member."""
    told, size = name.encode("ascii"), b"%011o" % size_bytes
    total = _SAME_SUM + sum(told) + sum(size)
    return b"".join((told.ljust(100, b"\0"), _OWNER, size, _TIME, b"%06o" % total, _REST))


def padding(size_bytes: int) -> bytes:
    """Return the zero bytes that fill the last block of a member."""
    return bytes(-size_bytes % BLOCK)


def write(members: list[tuple[str, bytes]]) -> tuple[bytes, tuple[Member, ...]]:
    """Return the archive of `members` in their order, and where each lies."""
    parts: list[bytes] = []
    placed: list[Member] = []
    offset = 0
    for name, content in members:
        parts += [header(name, len(content)), content, padding(len(content))]
        placed.append(Member(name, offset + BLOCK, len(content)))
        offset += BLOCK + len(content) + len(parts[-1])
    return b"".join([*parts, _END]), tuple(placed)


def members(archive: memoryview) -> Iterator[Member]:
    """Yield the members in their order, having checked every byte between them.

    Raises:
        Corrupt: When a header, padding or the end is not as `write` makes it, or a name comes twice.
    """
    offset, seen = 0, set[str]()
    while bytes(archive[offset : offset + 2 * BLOCK]) != _END:
        block = bytes(archive[offset : offset + BLOCK])
        name, size_bytes = _name_and_size(block, offset)
        if name in seen:
            raise Corrupt(f"the member {name!r} comes twice", code="duplicate-member")
        seen.add(name)
        member = Member(name, offset + BLOCK, size_bytes)
        offset += BLOCK + size_bytes
        end = offset + len(padding(size_bytes))
        if end + 2 * BLOCK > len(archive):
            raise Corrupt(f"the member {name!r} of {size_bytes} bytes reaches over the end of the archive")
        if any(archive[offset:end]):
            raise Corrupt(f"the padding after {name!r} is not zero")
        yield member
        offset = end
    if offset + 2 * BLOCK != len(archive):
        raise Corrupt(f"{len(archive) - offset - 2 * BLOCK} bytes follow the end of the archive")


def _name_and_size(block: bytes, offset: int) -> tuple[str, int]:
    raw_name, raw_size = block[:100].rstrip(b"\0"), block[124:136]
    if len(block) != BLOCK or not _OCTAL.match(raw_size):
        raise Corrupt(f"no tar header at byte {offset}")
    if not _NAME.match(raw_name):
        raise Corrupt(f"the member name {raw_name[:60]!r} is not a plain file name", code="bad-member-name")
    name, size_bytes = raw_name.decode("ascii"), int(raw_size[:-1], 8)
    if header(name, size_bytes) != block:
        raise Corrupt(f"the tar header of {name!r} is not the plain one of a file")
    return name, size_bytes
