"""The second look at pictures that are reported and shown all the same, because the bounds on reports were reached.

A script that reports everything uses up what anonymous reports may hide, and hopes that the picture which ought to go
stays. So the server looks by itself at whatever was reported as private and is still on the map: what shows a readable
face or plate is hidden on that evidence, outside the bounds of reports. In random order, so that nobody can put
thousands of harmless pictures before one; each once for as long as its report waits. What it finds nothing in waits for
the operator, at the head of their queue.
"""

from __future__ import annotations

import asyncio
import logging
import time
from random import SystemRandom
from uuid import UUID

from dashlight.errors import Corrupt, DashlightError, NotFound
from dashlight.ingest.looking import CPU_SHARE, LEAST_REST_S, PictureToLookAt, held, hide, picture_to_look_at, readable
from dashlight.ingest.recheck import SecondLook
from dashlight.model import Policy
from dashlight.store import reports
from dashlight.store.database import Database
from dashlight.store.moderated import HIDING
from dashlight.store.objects import Objects
from dashlight.store.pictures import find_picture
from dashlight.store.stopping import is_set_within, unless_set

PAUSE_S = 20.0  # So long a report waits for its look at most, when nothing else does.
_LOG = logging.getLogger("dashlight.ingest")
_RANDOM = SystemRandom()


class ReportedLook:
    """Looks at what is reported as private and still shown.

    Args:
        database: The rows.
        objects: The bytes.
        look: Its process is ended whenever nothing waits.
        pause_s: Seconds between two looks at the queue.
        cpu_share: Of the time that may be spent on looking, above 0 and at most 1.
    """

    def __init__(
        self,
        database: Database,
        objects: Objects,
        look: SecondLook,
        *,
        pause_s: float = PAUSE_S,
        cpu_share: float = CPU_SHARE,
    ) -> None:
        self._database = database
        self._objects = objects
        self._look = look
        self._pause_s = pause_s
        self._rest = 1.0 / cpu_share - 1.0
        self._looked: set[UUID] = set()  # Of those that wait; owned by the task that runs.

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop` is set."""
        while not stop.is_set():
            try:
                await self._look_on(stop)
            except DashlightError as exc:
                _LOG.warning("reported.failed", extra={"reason": exc.code})
            except Exception:  # noqa: BLE001  # The top of a worker: it says so and looks again.
                _LOG.exception("reported.crashed")
            await self._look.close()
            await is_set_within(stop, self._pause_s)

    async def _look_on(self, stop: asyncio.Event) -> None:
        while not stop.is_set() and (drawn := await asyncio.to_thread(self._draw)) is not None:
            began = time.monotonic()
            try:
                # Only the look is ended half-way: what is written is written whole.
                found = await unless_set(stop, readable(self._objects, self._look, drawn))
            except (Corrupt, NotFound):  # Damaged, or erased meanwhile: nothing can be read in it.
                found = ()
            if found is None:
                return
            if found:
                await asyncio.to_thread(hide, self._database, drawn.stored.number, found[0])
            self._looked.add(drawn.stored.id)
            await is_set_within(stop, max(LEAST_REST_S, (time.monotonic() - began) * self._rest))

    def _draw(self) -> PictureToLookAt | None:
        """Return one of those that wait for a look, or None when none does or no more may be hidden."""
        with self._database.read() as connection:
            shown = set(reports.shown_though_reported(connection, HIDING))
            self._looked &= shown
            if not shown - self._looked:
                return None
            picture_id = _RANDOM.choice(sorted(shown - self._looked))
            drawn = picture_to_look_at(connection, find_picture(connection, picture_id))
        waiting, most = held(self._database, tuple(Policy))
        return drawn if waiting < most else None
