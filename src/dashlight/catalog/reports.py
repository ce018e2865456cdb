"""Reports by anybody: what hides a picture at once, and how a script is kept from hiding them all.

A report about privacy hides the picture at once, as long as its sender and everybody together are within the hour's
bounds: a share of the library, so that a script cannot blank the map. Beyond them it is kept for the operator and the
picture stays. Other reports have bounds of their own, so that they leave room for these.

A sender is known by a salted hash of its network (of IPv6 the first 64 bits, which one sender has whole) that lives in
memory for an hour; the salt is never written. The address itself is not kept, logged or stored.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from dashlight.errors import Unavailable
from dashlight.store import pictures, reports, withdraw
from dashlight.store.database import Database, Transaction
from dashlight.store.places import day_of

_WINDOW_S = 3_600.0
HIDDEN_SHARE = 0.02  # Of the pictures shown, that reports may hide in an hour;
HIDDEN_AT_LEAST = 20  # or so many, where the library is small.
QUEUE_FACTOR = 10  # Times the hour's reports are kept for the operator once they hide nothing any more.


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


def network_of(address: str) -> str:
    """Return what one sender cannot change of its address: all of IPv4, the first 64 bits of IPv6."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False))


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

        Args:
            sender: Its address.

        Raises:
            Unavailable: When the hour's budget is spent.
        """
        if not self.try_spend(sender):
            raise Unavailable(
                "too many reports this hour",
                hint="try again later, or write to the operator",
                code="too-many-reports",
                retry_after_s=max(1.0, self._ends_s - self._now_s()),
            )

    def try_spend(self, sender: str, *, most: int | None = None) -> bool:
        """Count one report of `sender` and return True, or return False when the hour's budget is spent.

        Args:
            sender: Its address.
            most: A bound on the reports of everybody beside the budget's own, or None.
        """
        if self._now_s() >= self._ends_s:
            self._renew()
        hashed = hashlib.blake2b(network_of(sender).encode(), key=self._salt, digest_size=16).digest()
        together = self._together if most is None else min(self._together, most)
        if self._count >= together or self._by_sender.get(hashed, 0) >= self._each:
            return False
        self._count += 1
        self._by_sender[hashed] += 1
        return True


class Budgets:
    """The bounds on reports that hide, on those kept once these are spent, and on all others.

    Args:
        together: Of each kind from everybody in an hour.
        each: Of each kind from one sender.
    """

    def __init__(self, *, together: int, each: int) -> None:
        self._hiding = Budget(together=together, each=each)
        self._kept = Budget(together=together * QUEUE_FACTOR, each=each * QUEUE_FACTOR)
        self._other = Budget(together=together, each=each)

    def spend(self, sender: str, issue: Issue, *, shown: int) -> bool:
        """Count a report and return whether it hides its picture.

        Args:
            sender: Its address.
            issue: What is wrong.
            shown: How many pictures the map shows.

        Raises:
            Unavailable: When not even a report for the operator is taken any more.
        """
        if issue not in HIDING:
            self._other.spend(sender)
            return False
        if self._hiding.try_spend(sender, most=max(HIDDEN_AT_LEAST, int(shown * HIDDEN_SHARE))):
            return True
        self._kept.spend(sender)
        return False


def file_report(database: Database, picture_id: UUID, issue: Issue, comment: str, *, spend: Callable[[], bool]) -> bool:
    """Keep a report and hide the picture when the issue demands it; return whether it is hidden.

    Args:
        database: The rows.
        picture_id: The picture.
        issue: What is wrong with it.
        comment: In the sender's words.
        spend: Counts the report once the picture is found, and says whether it hides; called in the writer's thread.

    Raises:
        NotFound: When there is no such picture, or it is not shown any more; nothing is spent then.
        Unavailable: When the hour's budget is spent.
    """
    day = day_of(datetime.now(UTC))

    def job(transaction: Transaction) -> bool:
        found = pictures.find_picture(transaction.connection, picture_id)
        hides = spend()
        reports.file(transaction, found.number, issue=str(issue), comment=comment, day=day)
        return withdraw.hide(transaction, found.number) if hides else False

    is_hidden = database.write(job)
    if is_hidden:
        database.forget_journal()  # What was told of it is deleted; it is not to be read there either.
    return is_hidden
