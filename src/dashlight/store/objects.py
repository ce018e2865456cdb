"""The bytes: objects that are written once, read by ranges, and in which a range can be zeroed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from obstore.exceptions import BaseError
from obstore.store import LocalStore

from dashlight.errors import Corrupt, HostError, NotFound
from dashlight.store.durable import (
    adopt_durably,
    make_folder,
    remove_durably,
    write_durably,
    zero_durably,
)
from dashlight.store.staging import Staging


class Objects(Protocol):
    """A store of objects under keys such as `bundles/3f/...`.

    Durability: when `adopt`, `zero` or `remove` has returned, its effect survives a power cut. Concurrency: any
    thread may call anything; a key is written once and never reused. Retry: every call may be repeated. A store
    shows no time of writing: the order in which things came is nobody's business.
    """

    @property
    def is_shared(self) -> bool:
        """Whether servers beside this one write here."""
        ...

    def staging_file(self) -> Path:
        """Return a path on this machine for a file that `adopt` may take; the caller deletes it otherwise."""
        ...

    def adopt(self, staged: Path, key: str) -> None:
        """Take a staged file as the object `key`; the file is gone afterwards.

        Raises:
            HostError: When the disk is full or refuses; no object exists then.
            Unavailable: When the store does not answer; the object may exist all the same.
        """
        ...

    def read(self, key: str, offset: int, length: int) -> bytes:
        """Return a range of an object.

        Raises:
            NotFound: When there is no such object.
            Corrupt: When it is shorter than that.
        """
        ...

    def zero(self, key: str, ranges: Sequence[tuple[int, int]]) -> None:
        """Overwrite ranges (offset, length) with zero bytes; an object that is not there is no error."""
        ...

    def remove(self, key: str) -> None:
        """Delete an object; one that is not there is no error."""
        ...

    def keys(self, *, is_settled: bool = False) -> Iterator[str]:
        """Yield the key of every object, in no order.

        Args:
            is_settled: Leave out those that may have been written so lately that their row is still to come.
        """
        ...

    def sweep_staging(self) -> int:
        """Delete every staged file; return how many. Only for a start, when nobody stages."""
        ...

    def free_bytes(self) -> int:
        """Return how much may still be written."""
        ...

    def check_writable(self) -> None:
        """Write something and take it back.

        Raises:
            HostError: When the disk is full or refuses.
            Unavailable: When the store does not answer.
        """
        ...


class LocalObjects:
    """Objects as files below one folder, read through obstore.

    obstore's own local write does not fsync, so writing goes through `store.durable`.
    """

    is_shared = False

    def __init__(self, root: Path) -> None:
        """Use `root`, made when it is not there."""
        self._staging = Staging(root / "staging")
        self._objects = root / "objects"
        make_folder(self._objects)
        self._store = LocalStore(self._objects)

    def _path(self, key: str) -> Path:
        path = self._objects / key
        if not key or Path(key).is_absolute() or ".." in path.relative_to(self._objects).parts:
            raise NotFound(f"{key!r} is no key of an object")
        return path

    def staging_file(self) -> Path:
        """Return a path in the staging folder, on the disk of the objects."""
        return self._staging.file()

    def adopt(self, staged: Path, key: str) -> None:
        """Rename `staged` into place after fsync; every object has the same modification time."""
        path = self._path(key)
        make_folder(path.parent)
        try:
            os.utime(staged, (0, 0))
        except OSError as exc:
            raise HostError(f"cannot store {key}: {exc.strerror}", code="disk") from exc
        adopt_durably(staged, path)

    def read(self, key: str, offset: int, length: int) -> bytes:
        """Return a range of a file."""
        try:
            content = bytes(self._store.get_range(key, start=offset, length=length))
        except FileNotFoundError as exc:
            raise NotFound(f"the object {key} is not there") from exc
        except (BaseError, OSError) as exc:
            cause = getattr(exc, "strerror", None) or type(exc).__name__  # Of obstore's own: their words hold paths.
            raise HostError(f"the object {key} cannot be read: {cause}", code="disk") from exc
        if len(content) != length:
            raise Corrupt(f"the object {key} ends before byte {offset + length}")
        return content

    def zero(self, key: str, ranges: Sequence[tuple[int, int]]) -> None:
        """Overwrite ranges of a file in place."""
        path = self._path(key)
        for offset, length in ranges if path.exists() else ():
            zero_durably(path, offset, length)

    def remove(self, key: str) -> None:
        """Delete a file."""
        path = self._path(key)
        if path.exists():
            remove_durably(path)

    def keys(self, *, is_settled: bool = False) -> Iterator[str]:
        """Yield every file's path below the folder of objects; one server alone writes there, so all are settled."""
        del is_settled
        for page in self._store.list():
            for entry in page:
                yield entry["path"]

    def sweep_staging(self) -> int:
        """Delete what an earlier process left unfinished."""
        return self._staging.sweep()

    def free_bytes(self) -> int:
        """Return the free space of the disk."""
        return self._staging.free_bytes()

    def check_writable(self) -> None:
        """Write a staged file and delete it."""
        staged = self.staging_file()
        try:
            write_durably(staged, b"probe")
        finally:
            staged.unlink(missing_ok=True)
