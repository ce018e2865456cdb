"""Bundles on disk that wait for their receipt. Only `wire.encode_bundle` makes what is put here.

A bundle exists when the ledger says so. `put` comes before the ledger's row, so a file without a row was never
sent and is swept at the next start; `drop` comes after the row's change, so a file may outlive it and is swept too.
"""

from __future__ import annotations

import errno
import hashlib
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from dashlight.errors import Corrupt, HostError
from dashlight.store.durable import write_durably
from dashlight.wire import MAX_BUNDLE_BYTES

UNREADABLE = "spool-unreadable"
_NO_ROOM = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
_NAME = re.compile(r"([0-9a-f]{64})\.bundle\Z", re.ASCII)


class SpoolFull(HostError):
    """There is no room for another bundle; redacting stops, uploading goes on."""

    default_code = "spool-full"


class Spool:
    """A folder of bundles named by their SHA-256.

    Args:
        folder: Made when absent.
        budget_bytes: All bundles together take at most so much.
        keep_free_bytes: The disk keeps at least so much free.
    """

    def __init__(self, folder: Path, *, budget_bytes: int, keep_free_bytes: int = 0) -> None:
        self._folder = folder
        self._budget_bytes = budget_bytes
        self._keep_free_bytes = keep_free_bytes
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            raise HostError(f"cannot make the spool {folder}: {exc.strerror}") from exc

    def put(self, archive: bytes) -> str:
        """Write a bundle durably and return its SHA-256; writing it again changes nothing.

        Raises:
            SpoolFull: When budget or disk have no room for it; nothing of it is left behind.
            HostError: When the disk fails otherwise.
        """
        sha256 = hashlib.sha256(archive).hexdigest()
        if not self._path(sha256).exists():
            self.check_room(len(archive))
            try:
                write_durably(self._path(sha256), archive, mode=0o600)
            except HostError as exc:
                cause = exc.__cause__
                if isinstance(cause, OSError) and cause.errno in _NO_ROOM:  # Somebody else was faster.
                    raise SpoolFull(f"the disk of {self._folder} is full", hint="make room on the disk") from exc
                raise
        return sha256

    def check_room(self, size_bytes: int = MAX_BUNDLE_BYTES) -> None:
        """Check that a bundle of that size fits.

        Raises:
            SpoolFull: When it does not.
        """
        used = self.used_bytes()
        hint = "bring the server within reach (dashlight edge run), or raise edge.spool_budget_mb"
        if used + size_bytes > self._budget_bytes:
            raise SpoolFull(
                f"the spool holds {used >> 20} MB of its {self._budget_bytes >> 20} MB; "
                f"{size_bytes / 2**20:.1f} MB more do not fit",
                hint=hint,
            )
        with self._readable():
            free = shutil.disk_usage(self._folder).free
        if free - size_bytes < self._keep_free_bytes:
            raise SpoolFull(
                f"the disk of {self._folder} has {free >> 20} MB free; {self._keep_free_bytes >> 20} MB are kept free",
                hint="make room on the disk, or " + hint,
            )

    def read(self, sha256: str) -> bytes:
        """Return a bundle.

        Raises:
            Corrupt: When the file's bytes are no longer those that were put.
            HostError: When it cannot be read (now).
        """
        path = self._path(sha256)
        try:
            archive = path.read_bytes()
        except OSError as exc:
            raise HostError(f"cannot read the spooled bundle {path}: {exc.strerror}", code=UNREADABLE) from exc
        if hashlib.sha256(archive).hexdigest() != sha256:
            raise Corrupt(f"the spooled bundle {path} has changed on disk", hint="check the disk; import again")
        return archive

    def drop(self, sha256: str) -> None:
        """Delete a bundle; one that is not there is fine."""
        try:
            self._path(sha256).unlink(missing_ok=True)
        except OSError as exc:
            raise HostError(f"the spool does not let go of a bundle: {exc.strerror}") from exc

    def used_bytes(self) -> int:
        """Return how many bytes all files of the spool take."""
        return sum(_size_bytes(p) for p in self._files())

    def names(self) -> set[str]:
        """Return the SHA-256 of every bundle on disk."""
        return {found[1] for p in self._files() if (found := _NAME.match(p.name))}

    def sweep(self, keep: Collection[str]) -> int:
        """Delete files that are none of the bundles `keep`, and return how many; call it under the home's lock."""
        doomed = [p for p in self._files() if not ((found := _NAME.match(p.name)) and found[1] in keep)]
        for path in doomed:
            try:
                path.unlink(missing_ok=True)
            except OSError as exc:
                raise HostError(f"cannot delete {path} from the spool: {exc.strerror or exc}") from exc
        return len(doomed)

    def _files(self) -> list[Path]:
        with self._readable():
            return list(self._folder.iterdir())

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            raise HostError(f"cannot read the spool {self._folder}: {exc.strerror or exc}", code=UNREADABLE) from exc

    def _path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.bundle"


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # The uploader dropped it just now, or it cannot be looked at.
        return 0
