"""What ingest does by the clock: the daily batch of personal pictures, and forgetting."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any

from dashlight.errors import DashlightError
from dashlight.ingest.metrics import IngestMetrics
from dashlight.ingest.personal import publish_staged
from dashlight.model import day_of
from dashlight.store import operators, reports, upkeep, withdraw
from dashlight.store.database import Database
from dashlight.store.objects import Objects
from dashlight.store.stopping import is_set_within
from dashlight.store.told_figures import tell_figures, told_figures

_LOG = logging.getLogger("dashlight.ingest")
_LOOK_S = 30.0


def is_batch_due(last_day: int | None, now: datetime, hour: int) -> bool:
    """Return whether the batch is to be made: its hour has come today, or a day was missed."""
    today = day_of(now)
    if last_day is None or last_day < today - 1:
        return True
    return last_day < today and now.hour >= hour


def run_due(
    database: Database, objects: Objects, *, now: datetime, hour: int, metrics: IngestMetrics | None = None
) -> int:
    """Carry out decisions, make the batch when it is due, forget what is due; return how many were published."""
    today = day_of(now)
    if database.is_journal_due:
        database.forget_journal()
    reports.carry_out(database, objects)
    _sign_out(database, now)
    withdraw.finish_erasures(database, objects)  # Of an erasure during which the objects were not there.
    published = 0
    with database.alone("batch") as is_mine:
        if is_mine:
            with database.read() as connection:
                last_day = upkeep.last_batch_day(connection)
            if is_batch_due(last_day, now, hour):
                published = _run_daily(database, objects, today, metrics)
    if metrics is not None:
        with database.read() as connection:
            metrics.note_batch(upkeep.last_batch_day(connection))
            metrics.waiting.set(told_figures(connection).waiting)
    return published


def _sign_out(database: Database, now: datetime) -> None:
    """Delete the sessions and links of operators whose time is over."""
    now_ms = int(now.timestamp() * 1000)
    with database.read() as connection:
        is_due = operators.is_ended_due(connection, now_ms=now_ms)
    if is_due:
        database.write(lambda t: operators.forget_ended(t, now_ms=now_ms))


def _run_daily(database: Database, objects: Objects, today: int, metrics: IngestMetrics | None) -> int:
    published = publish_staged(database, objects, metrics=metrics)
    if metrics is not None:
        metrics.tell_held()
    database.write(lambda t: reports.erase_kept(t, today))  # Carried out at the next look.
    database.write(lambda t: reports.forget_words(t, today))
    database.write(lambda t: upkeep.forget_refused(t, today))
    database.forget_order()
    if objects.is_shared:
        upkeep.sweep_orphans(database, objects)
    database.write(tell_figures)
    database.write(lambda t: upkeep.note_batch(t, today))
    return published


async def run(
    stop: asyncio.Event,
    database: Database,
    objects: Objects,
    *,
    hour: int,
    metrics: IngestMetrics | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    traced: Callable[[str], AbstractContextManager[Any]] = lambda _name: nullcontext(),
) -> None:
    """Look twice a minute whether something is due, until `stop` is set; a batch that has begun is finished first.

    Args:
        stop: Ends it.
        database: The rows.
        objects: The bytes.
        hour: Of the batch, UTC.
        metrics: Counters.
        now: The clock, aware UTC.
        traced: Holds a trace of the job that it names.
    """
    while not stop.is_set():
        try:
            with traced("ingest.due"):
                await asyncio.to_thread(run_due, database, objects, now=now(), hour=hour, metrics=metrics)
        except DashlightError as exc:
            _LOG.warning("batch.failed", extra={"reason": exc.code})
        except Exception:  # noqa: BLE001  # The top of a worker: it says so and looks again.
            _LOG.exception("batch.crashed")
        await is_set_within(stop, _LOOK_S)
