"""One job at a time: among all processes of the instance, and in a folder of the operator's own."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dashlight.errors import Busy, HostError
from dashlight.store.database import Database
from dashlight.store.durable import make_folder

_LOCK = "exports.lock"


@contextmanager
def turn(database: Database, folder: Path) -> Iterator[None]:
    """Be alone in making exports, among all processes of the instance.

    Raises:
        Busy: When another job runs.
    """
    make_folder(folder)
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    busy = Busy("another export is being made", hint="wait until it is done", code="export-runs")
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise busy from exc
        with database.alone("exports") as is_mine:
            if not is_mine:
                raise busy
            yield
    finally:
        os.close(handle)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Be alone in a folder that is made, or emptied of what a job that was killed has left; it may be renamed within.

    Raises:
        Busy: When another job is in it.
        HostError: When the disk refuses.
    """
    try:
        folder.mkdir(mode=0o755, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as exc:
        raise HostError(f"cannot write {folder}: {exc.strerror}", code="disk") from exc
    try:
        _take(handle, folder)
        yield
    finally:
        os.close(handle)


def _take(handle: int, folder: Path) -> None:
    busy = Busy(f"another export is being written to {folder}", hint="wait until it is done", code="export-runs")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(handle), folder.stat()):  # Its job has just ended and given it its name.
            raise busy
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    except (BlockingIOError, FileNotFoundError) as exc:
        raise busy from exc
    except OSError as exc:
        raise HostError(f"cannot write {folder}: {exc.strerror}", code="disk") from exc
