"""Names a recording by its bytes, so that the same file is known again under any name and in any folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dashlight.errors import HostError

PARTS = 16
PART_BYTES = 64 * 1024


def fingerprint(path: Path) -> str:
    """Return 32 hex characters made of a file's size and sixteen parts spread over it, first and last among them.

    Reads at most 1 MiB. The name is for this machine's ledger only: it is never sent.

    Raises:
        HostError: When the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            size_bytes = file.seek(0, 2)
            digest = hashlib.sha256(b"dashlight/edge/recording\0%d\0" % size_bytes)
            last = max(0, size_bytes - PART_BYTES)
            for offset in sorted({last * part // (PARTS - 1) for part in range(PARTS)}):
                file.seek(offset)
                digest.update(file.read(PART_BYTES))
    except OSError as exc:
        raise HostError(
            f"the recording cannot be read: {exc.strerror or exc}", hint="is the camera still there?", code="unreadable"
        ) from exc
    return digest.hexdigest()[:32]
