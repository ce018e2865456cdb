"""The second look when ingest has nothing to do: at random published pictures, for ever.

    no upload for `recheck_idle_s` ─ draw a picture ─ look, in a process of its own ─ readable: hide it
                                           ▲                    │
                                           └─ rest 3 x as long ─┘      an upload: end the process at once

The draw is uniform over the `fleet` and `open` pictures that are shown, with replacement, and nothing is kept of it: a
list of what was looked at would tell which pictures are old. What is readable is hidden as by a report about privacy
and waits for the operator's decision under the issue `recheck`; a picture that the operator put back is never drawn
again. Where as much of the library waits hidden so as may (`store.reports.most_held`), it looks on only when the
operator has decided some of it: the detectors object to one to three of a hundred pictures at most, so that something
is wrong with them then, or with the library. Verdicts are counted at the daily batch, because a pause in them would
tell that somebody uploads.
"""

from __future__ import annotations

import asyncio
import logging
import time
from random import SystemRandom

from dashlight.errors import Corrupt, DashlightError, NotFound
from dashlight.ingest.idleness import Idleness
from dashlight.ingest.looking import CPU_SHARE, LEAST_REST_S, PictureToLookAt, held, hide, picture_to_look_at, readable
from dashlight.ingest.metrics import IngestMetrics
from dashlight.ingest.recheck import SecondLook
from dashlight.model import Policy
from dashlight.store.database import Database
from dashlight.store.objects import Objects
from dashlight.store.pictures import draw_picture

_DRAWN_POLICIES = (Policy.FLEET, Policy.OPEN)
_LOG = logging.getLogger("dashlight.ingest")
_RANDOM = SystemRandom()


class IdleLook:
    """Looks at published pictures whenever ingest is idle.

    Args:
        idleness: Of ingest.
        database: The rows.
        objects: The bytes.
        look: Its process is ended whenever ingest has work, so it may not be the one that uploads wait for.
        idle_s: Seconds without work before the first look; 0 never looks.
        metrics: To count verdicts.
        cpu_share: Of the time that may be spent on looking, above 0 and at most 1.
    """

    def __init__(
        self,
        idleness: Idleness,
        database: Database,
        objects: Objects,
        look: SecondLook,
        *,
        idle_s: float,
        metrics: IngestMetrics,
        cpu_share: float = CPU_SHARE,
    ) -> None:
        self._idleness = idleness
        self._database = database
        self._objects = objects
        self._look = look
        self._idle_s = idle_s
        self._metrics = metrics
        self._rest = 1.0 / cpu_share - 1.0
        self._is_bound_told = False

    def stop(self) -> None:
        """End the look that runs; `run` returns soon."""
        self._idleness.stop()

    async def run(self) -> None:
        """Look until `stop` is called."""
        while self._idle_s > 0 and await self._idleness.wait_idle(self._idle_s):
            try:
                await self._look_on()
            except DashlightError as exc:
                _LOG.warning("recheck.failed", extra={"reason": exc.code})
            except Exception:  # noqa: BLE001  # The top of a worker: it says so and looks again.
                _LOG.exception("recheck.crashed")
            await self._look.close()

    async def _look_on(self) -> None:
        """Look at one picture after the other until ingest has work or there is none to look at."""
        # Only the look is ended half-way: what is written is written whole, before the database may be closed.
        while await self._may_hide() and (drawn := await asyncio.to_thread(_draw, self._database)) is not None:
            began = time.monotonic()
            try:
                found = await self._idleness.while_idle(readable(self._objects, self._look, drawn))
            except (Corrupt, NotFound):  # Damaged, or erased meanwhile: nothing can be read in it.
                self._metrics.count_idle_look("damaged")
            else:
                if found is None:
                    return
                if found:
                    await asyncio.to_thread(hide, self._database, drawn.stored.number, found[0])
                self._metrics.count_idle_look("readable" if found else "clean")
            rest_s = max(LEAST_REST_S, (time.monotonic() - began) * self._rest)
            if not await self._idleness.stays_idle(rest_s):
                return

    async def _may_hide(self) -> bool:
        """Return whether one more picture may wait for the operator; say once when none may."""
        waiting, most = await asyncio.to_thread(held, self._database, _DRAWN_POLICIES)
        if waiting >= most and not self._is_bound_told:
            _LOG.error("recheck.bound", extra={"waiting": waiting, "most": most})
        self._is_bound_told = waiting >= most
        return not self._is_bound_told


def _draw(database: Database) -> PictureToLookAt | None:
    with database.read() as connection:
        stored = draw_picture(connection, policies=_DRAWN_POLICIES, random=_RANDOM)
        if stored is None:
            return None
        return picture_to_look_at(connection, stored)
