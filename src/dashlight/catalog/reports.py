"""Reports by anybody: what hides a picture at once, and how a script is kept from hiding them all.

A sender is known by a salted hash of its address that lives in memory for an hour; the salt is never written. The
address itself is not kept, logged or stored.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa

from dashlight.errors import Unavailable
from dashlight.store import pictures, withdraw
from dashlight.store.database import Database, Transaction
from dashlight.store.schema import report

_WINDOW_S = 3_600.0
_DAY_S = 86_400


class Issue(StrEnum):
    """What is wrong with a picture."""

    PRIVACY = "privacy"
    BLUR_MISSING = "blur_missing"
    BLUR_EXCESS = "blur_excess"
    COPYRIGHT = "copyright"
    MISLOCATED = "mislocated"
    INAPPROPRIATE = "inappropriate"
    PICTURE_LOW_QUALITY = "picture_low_quality"
    OTHER = "other"


HIDING = frozenset({Issue.PRIVACY, Issue.BLUR_MISSING})


class Budget:
    """How many reports are taken in an hour, together and from one sender.

    Args:
        together: From everybody.
        each: From one sender.
        now_s: A monotonic clock.
    """

    def __init__(self, *, together: int, each: int, now_s: Callable[[], float] = time.monotonic) -> None:
        self._together = together
        self._each = each
        self._now_s = now_s
        self._renew()

    def _renew(self) -> None:
        self._salt = secrets.token_bytes(32)
        self._ends_s = self._now_s() + _WINDOW_S
        self._by_sender: Counter[bytes] = Counter()
        self._count = 0

    def spend(self, sender: str) -> None:
        """Count one report of `sender`.

        Raises:
            Unavailable: When the hour's budget is spent.
        """
        if self._now_s() >= self._ends_s:
            self._renew()
        hashed = hashlib.blake2b(sender.encode(), key=self._salt, digest_size=16).digest()
        if self._count >= self._together or self._by_sender[hashed] >= self._each:
            raise Unavailable(
                "too many reports this hour",
                hint="try again later, or write to the operator",
                code="too-many-reports",
                retry_after_s=max(1.0, self._ends_s - self._now_s()),
            )
        self._count += 1
        self._by_sender[hashed] += 1


def file_report(database: Database, picture_id: UUID, issue: Issue, comment: str) -> bool:
    """Keep a report and hide the picture when the issue demands it; return whether it is hidden.

    Raises:
        NotFound: When there is no such picture, or it is not shown any more.
    """
    day = int(datetime.now(UTC).timestamp()) // _DAY_S

    def job(transaction: Transaction) -> bool:
        found = pictures.find_picture(transaction.connection, picture_id)
        transaction.connection.execute(
            sa.insert(report).values(picture=found.number, issue=str(issue), comment=comment, day=day)
        )
        return withdraw.hide(transaction, found.number) if issue in HIDING else False

    is_hidden = database.write(job)
    if is_hidden:
        database.forget_journal()  # What was told of it is deleted; it is not to be read there either.
    return is_hidden
