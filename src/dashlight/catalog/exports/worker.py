"""When exports are made: daily after the batch, and whenever one was interrupted or a file of it withdrawn.

They are made by a process of their own (`exports.process`), because the writers take more memory than the whole server.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter, Gauge

from dashlight.catalog.exports.names import NAMES
from dashlight.config import ServerSettings
from dashlight.errors import DashlightError
from dashlight.model import day_of
from dashlight.store import exports, upkeep
from dashlight.store.crashes import Overheard
from dashlight.store.database import Database
from dashlight.store.stopping import is_set_within

_LOG = logging.getLogger("dashlight.catalog.exports")
_COMMAND = (sys.executable, "-X", "faulthandler", "-m", "dashlight.catalog.exports.process")
_LOOK_S = 30.0
_AGAIN_S = 600.0  # After a failure.
_BUSY_S = 60.0  # Another process makes one.
_STOP_S = 20.0  # Within which the child stops between two files; killed, it loses no more than that file.


class ExportMetrics:
    """What is counted of exports; labels are closed sets."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""
        self.jobs = Counter(
            "dashlight_catalog_export_jobs", "Processes that made exports, by outcome", ["outcome"], registry=registry
        )
        self.made = Counter(
            "dashlight_catalog_exports", "Exports that were made, by format", ["format"], registry=registry
        )
        self.progress = Gauge(
            "dashlight_catalog_export_progress_ratio",
            "How much of the export is written that is being made or was made last",
            ["format"],
            registry=registry,
        )
        self.size = Gauge(
            "dashlight_catalog_export_size_bytes", "Of the export that was made last", ["format"], registry=registry
        )


def due(connection: sa.Connection, *, schedule: str, formats: Sequence[str], today: int) -> tuple[bool, list[str]]:
    """Return whether there is anything to be done, and which formats are to be made.

    The exports of a day wait for its batch of personal pictures, so that they hold them.
    """
    wanted = []
    if schedule == "daily" and upkeep.last_batch_day(connection) == today:
        for name in formats:
            shown = exports.shown(connection, name)
            if shown is None or shown.day < today:
                wanted.append(name)
    return bool(wanted) or exports.is_work_left(connection), wanted


class ExportWorker:
    """Makes exports in the background.

    Args:
        database: The rows.
        folder: Of the server's data.
        settings: Of the server.
        base_url: What addresses in files begin with; empty for relative ones.
        metrics: Counts.
        command: Of the child.
        now: The wall clock.
        look_s: How often to look whether something is due.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        settings: ServerSettings,
        *,
        base_url: str,
        metrics: ExportMetrics,
        command: Sequence[str] = _COMMAND,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        look_s: float = _LOOK_S,
    ) -> None:
        """Do nothing yet."""
        self._database = database
        self._folder = folder
        self._settings = settings
        self._base_url = base_url
        self._metrics = metrics
        self._command = tuple(command)
        self._now = now
        self._look_s = look_s
        self._not_before_s = 0.0  # Of the monotonic clock.

    async def run(self, stop: asyncio.Event) -> None:
        """Look now and then whether something is due, until `stop` is set; then a child that runs is stopped."""
        while not stop.is_set():
            try:
                await self._look(stop)
            except DashlightError as exc:
                _LOG.warning("export.failed", extra={"reason": exc.code})
                self._note_failure()
            except Exception:  # noqa: BLE001  # The top of a worker: it says so and looks again.
                _LOG.exception("export.crashed")
                self._note_failure()
            await is_set_within(stop, self._look_s)

    def _note_failure(self) -> None:
        self._metrics.jobs.labels("failed").inc()
        self._not_before_s = time.monotonic() + _AGAIN_S

    async def _look(self, stop: asyncio.Event) -> None:
        if time.monotonic() < self._not_before_s:
            return
        is_due, wanted = await asyncio.to_thread(self._due)
        if is_due:
            outcome = await self._make(wanted, stop)
            self._metrics.jobs.labels(outcome).inc()
            if outcome in ("failed", "busy"):
                self._not_before_s = time.monotonic() + (_BUSY_S if outcome == "busy" else _AGAIN_S)

    def _due(self) -> tuple[bool, list[str]]:
        today = day_of(self._now())
        with self._database.read() as connection:
            schedule, formats = self._settings.export_schedule, self._settings.export_formats
            return due(connection, schedule=schedule, formats=formats, today=today)

    async def _make(self, wanted: Sequence[str], stop: asyncio.Event) -> str:
        """Run the child; return `made`, `failed`, `busy` or `stopped`."""
        asked = {
            "folder": str(self._folder),
            "settings": asdict(self._settings),
            "formats": list(wanted),
            "base_url": self._base_url,
            "today": day_of(self._now()),
        }
        process = await asyncio.create_subprocess_exec(*self._command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        overheard = Overheard(process.stderr) if process.stderr else None
        try:
            reading = asyncio.create_task(self._read(process, json.dumps(asked, default=str).encode() + b"\n"))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({reading, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not reading.done() and process.stdin is not None:
                process.stdin.close()
                await asyncio.wait({reading}, timeout=_STOP_S)
            if not reading.done():
                process.kill()
            failure = await reading
            code = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return self._outcome(failure, code, await overheard.words() if overheard else "")

    @staticmethod
    def _outcome(failure: str | None, code: int, crash: str) -> str:
        if failure == "export-stopped":
            return "stopped"
        if failure == "export-runs":
            return "busy"
        if failure is not None or code:
            _LOG.warning("export.failed", extra={"reason": failure or "ended", "exit_code": code, "crash": crash})
            return "failed"
        return "made"

    async def _read(self, process: Process, asked: bytes) -> str | None:
        """Ask the child and note what it tells; return the code of its failure, or None."""
        if process.stdin is None or process.stdout is None:
            return "ended"
        process.stdin.write(asked)
        await process.stdin.drain()
        failure = None
        while line := await process.stdout.readline():
            failure = self._note(json.loads(line)) or failure
        return failure

    def _note(self, told: dict[str, Any]) -> str | None:
        if "failed" in told:
            return str(told["failed"])
        name = told.get("format", told.get("made"))
        if name not in NAMES:
            return None
        if "made" in told:
            self._metrics.made.labels(name).inc()
            self._metrics.size.labels(name).set(told["size_bytes"])
            self._metrics.progress.labels(name).set(1.0)
            _LOG.info("export.made", extra={"format": name, "files": told["files"], "size_bytes": told["size_bytes"]})
        else:
            self._metrics.progress.labels(name).set(told["pictures_done"] / max(1, told["pictures"]))
        return None
