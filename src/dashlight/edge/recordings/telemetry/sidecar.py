"""Reads a sidecar's bytes, bounded."""

from __future__ import annotations

import os
from pathlib import Path

from dashlight.errors import HostError, TooLarge

MAX_SIDECAR_BYTES = 256 * 2**20  # A year of a 70mai log at one line a second of driving is about 200 MB.


def bytes_of(path: Path) -> bytes:
    """Return the content.

    Raises:
        TooLarge: When there is more than `MAX_SIDECAR_BYTES`.
        HostError: When it cannot be read.
    """
    try:
        with path.open("rb") as file:
            is_larger = os.fstat(file.fileno()).st_size > MAX_SIDECAR_BYTES
            content = b"" if is_larger else file.read(MAX_SIDECAR_BYTES + 1)
    except OSError as exc:
        raise HostError(f"the file cannot be read: {exc.strerror or exc}", code="unreadable") from exc
    if is_larger or len(content) > MAX_SIDECAR_BYTES:
        raise TooLarge(f"a sidecar of more than {MAX_SIDECAR_BYTES} bytes is not read")
    return content


def text_of(path: Path) -> str:
    """Return the content as text; bytes that are no UTF-8 become replacement characters.

    Raises:
        TooLarge: When there is more than `MAX_SIDECAR_BYTES`.
        HostError: When it cannot be read.
    """
    return bytes_of(path).decode("utf-8-sig", errors="replace")
