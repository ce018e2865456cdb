"""One job at a time, among all processes of the instance."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dashlight.errors import Busy
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
