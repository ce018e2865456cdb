"""The writer: one thread, jobs one after the other, one durable commit for all that wait together."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import sqlalchemy as sa

from dashlight.errors import Unavailable
from dashlight.store.database import Change, Job, Transaction

T = TypeVar("T")
MAX_BATCH = 64  # Jobs that share one commit; beyond it the first would wait for the last.
MAX_WAITING = 256  # Jobs; more are refused as Unavailable.
_STOP = None
_LOG = logging.getLogger("dashlight.store")

Begin = Callable[[], AbstractContextManager[sa.Connection]]


class Writer:
    """Each job in a savepoint, up to `MAX_BATCH` of them in one commit; a job that raises undoes itself alone.

    Args:
        begin: Yields a connection in a transaction, and commits.
        as_ours: Turns what the driver raised into our error; leaves others as they are.
        before_commit: Is given the changes in the transaction that makes them.
        after_commit: Is given the changes once they are durable, before the jobs' futures end. What it raises is
            logged; the jobs have succeeded all the same.
    """

    def __init__(
        self,
        begin: Begin,
        *,
        as_ours: Callable[[BaseException], BaseException],
        before_commit: Callable[[sa.Connection, Sequence[Change]], None] = lambda _connection, _changes: None,
        after_commit: Callable[[Sequence[Change]], None],
    ) -> None:
        self._begin = begin
        self._as_ours = as_ours
        self._before_commit = before_commit
        self._after_commit = after_commit
        self._jobs: queue.Queue[tuple[Job, Future[Any]] | None] = queue.Queue(MAX_WAITING)
        self._closing = threading.Lock()
        self._is_closed = False  # Under the lock.
        self._thread = threading.Thread(target=self._write_forever, name="database-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[Transaction], T]) -> Future[T]:
        """Queue a job; the future ends when it is durable, or with the job's error.

        Raises:
            Unavailable: When too many wait already, or after `close`.
        """
        future: Future[T] = Future()
        try:
            with self._closing:
                if self._is_closed:
                    raise Unavailable("the database is closed", retry_after_s=2.0, code="stopping")
                self._jobs.put_nowait((job, future))
        except queue.Full as exc:
            raise Unavailable(f"{MAX_WAITING} writes wait already", retry_after_s=2.0, code="busy") from exc
        return future

    def close(self) -> None:
        """Finish the jobs that wait, refuse all others, and end the thread."""
        with self._closing:
            self._is_closed = True
        self._jobs.put(_STOP)
        self._thread.join()

    def _write_forever(self) -> None:
        is_stopping = False
        while not is_stopping:
            first = self._jobs.get()
            batch: list[tuple[Job, Future[Any]]] = []
            while first is not _STOP:
                batch.append(first)
                if len(batch) == MAX_BATCH or self._jobs.empty():
                    break
                first = self._jobs.get()
            is_stopping = first is _STOP
            if batch:
                try:
                    self._commit(batch)
                except Exception as exc:  # noqa: BLE001  # The top of the thread: whoever waits is told, and the next are written.
                    _LOG.exception("store.writer-failed")
                    for _, future in batch:
                        if not future.done():
                            future.set_exception(exc)

    def _commit(self, batch: list[tuple[Job, Future[Any]]]) -> None:
        asked = [(job, future) for job, future in batch if future.set_running_or_notify_cancel()]
        done: list[tuple[Future[Any], Any]] = []
        failed: list[tuple[Future[Any], BaseException]] = []
        changes: list[Change] = []
        try:
            with self._begin() as connection:
                for job, future in asked:
                    change = Change()
                    try:
                        with connection.begin_nested():
                            done.append((future, job(Transaction(connection, change))))
                            changes.append(change)
                    except Exception as exc:  # The top of one job: its caller is told, the rest of the batch goes on.
                        if connection.invalidated:  # The connection is lost, and with it the whole batch.
                            raise
                        failed.append((future, exc))
                changes = [change for change in changes if change.qks or change.events or change.is_erasing]
                self._before_commit(connection, changes)
        except Exception as exc:  # noqa: BLE001  # Nothing of the batch was committed, as far as anybody knows.
            error = self._as_ours(exc)
            told = {id(future) for future, _ in failed}
            failed += [(future, error) for _, future in asked if id(future) not in told]
            done, changes = [], []
        if done:
            try:
                self._after_commit(changes)
            except Exception:  # noqa: BLE001  # What is durable is not undone by it.
                _LOG.exception("store.untold")
        for future, exc_of_job in failed:
            future.set_exception(self._as_ours(exc_of_job))
        for future, result in done:
            future.set_result(result)
