"""The folder of this machine in which files arrive before a store of objects takes them."""

from __future__ import annotations

import shutil
from pathlib import Path

from dashlight.errors import HostError
from dashlight.store.durable import fsync_folder, is_part, make_folder, part_path


class Staging:
    """A folder of staged files.

    Args:
        folder: Made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        make_folder(folder)

    def file(self) -> Path:
        """Return a new path in it; the caller deletes the file unless a store takes it."""
        return part_path(self._folder)

    def sweep(self) -> int:
        """Delete what an earlier process left unfinished; return how many files. For a start, when nobody stages."""
        left = [path for path in self._folder.iterdir() if is_part(path)]
        for path in left:
            path.unlink(missing_ok=True)
        fsync_folder(self._folder)
        return len(left)

    def free_bytes(self) -> int:
        """Return the free space of its disk.

        Raises:
            HostError: When the disk does not answer.
        """
        try:
            return shutil.disk_usage(self._folder).free
        except OSError as exc:
            raise HostError(f"the disk does not answer: {exc.strerror}", code="disk") from exc
