"""Writes that are on the disk when the call returns: temporary file, fsync, rename, fsync of the folder.

The server's objects and the edge's spool use it alike. A file written so is whole or absent after a power cut,
never half. Names that begin with a dot and end in `.part` are unfinished and may be deleted by whoever owns the folder
and knows that nobody writes there.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dashlight.errors import HostError

PART_SUFFIX = ".part"


@contextmanager
def _as_host_error(doing: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise HostError(
            f"cannot {doing} {path.name}: {exc.strerror or exc}",
            hint="look at the disk's free space and at the folder's permissions",
            code="disk",
        ) from exc


def part_path(folder: Path) -> Path:
    """Return a fresh name in `folder` for a file that is not finished."""
    return folder / f".{secrets.token_hex(8)}{PART_SUFFIX}"


def is_part(path: Path) -> bool:
    """Return whether a file is one that was not finished."""
    return path.name.startswith(".") and path.name.endswith(PART_SUFFIX)


def fsync_folder(folder: Path) -> None:
    """Make the names in `folder` durable.

    Raises:
        HostError: When the disk refuses.
    """
    if os.name == "nt":  # Windows makes names durable with the file and cannot open a folder.
        return
    with _as_host_error("make durable", folder):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def make_folder(folder: Path, *, mode: int = 0o700) -> None:
    """Make `folder` and what is above it, durably; one that exists is left as it is.

    Raises:
        HostError: When the disk refuses.
    """
    missing = []
    at = folder
    while not at.exists():
        missing.append(at)
        at = at.parent
    for path in reversed(missing):
        with _as_host_error("make the folder", path):
            path.mkdir(mode=mode, exist_ok=True)
        fsync_folder(path.parent)


def write_durably(path: Path, content: bytes | memoryview, *, mode: int = 0o600) -> None:
    """Write `content` to `path`, replacing what was there; whole or not at all, and durable on return.

    Raises:
        HostError: When the disk is full or refuses; `path` is then as it was.
    """
    part = part_path(path.parent)
    try:
        with _as_host_error("write", path):
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        adopt_durably(part, path, is_synced=True)
    except BaseException:
        with suppress(OSError):  # What went wrong first is told.
            part.unlink(missing_ok=True)
        raise


def adopt_durably(part: Path, path: Path, *, is_synced: bool = False) -> None:
    """Give a file that was written elsewhere on the same disk its name; durable on return.

    Args:
        part: The file; gone afterwards.
        path: Its name from now on; a file of that name is replaced.
        is_synced: Whether its content is known to be on the disk.

    Raises:
        HostError: When the disk refuses; `part` is then still there.
    """
    with _as_host_error("store", path):
        if not is_synced:
            handle = os.open(part, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        part.replace(path)
    fsync_folder(path.parent)


def zero_durably(path: Path, offset: int, length: int) -> None:
    """Overwrite a range of a file with zero bytes; durable on return.

    Raises:
        HostError: When the disk refuses.
    """
    with _as_host_error("erase in", path):
        handle = os.open(path, os.O_WRONLY)
        try:
            done = 0
            while done < length:
                done += os.pwrite(handle, bytes(min(length - done, 1 << 20)), offset + done)
            os.fsync(handle)
        finally:
            os.close(handle)


def remove_durably(path: Path) -> None:
    """Delete a file if it is there; durable on return.

    Raises:
        HostError: When the disk refuses.
    """
    with _as_host_error("delete", path):
        path.unlink(missing_ok=True)
    fsync_folder(path.parent)
