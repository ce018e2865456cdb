"""Reports by anybody: what hides a picture at once, and how a script is kept from hiding them all.

A report about privacy hides the picture at once, as long as

- its sender, the sender's neighbours and everybody together are within the hour's bounds, half of which are there for
  senders of few reports;
- few enough pictures wait hidden for the operator already, everywhere and near this one, so that neither a slow script
  nor one that wants a street gone gets further than an operator who looks in now and then;
- the operator has not put this very picture back before.

Beyond them it is kept for the operator and the picture stays, unless the second look finds something readable in it
(`ingest.reported_look`). Other reports have bounds of their own, so that they leave room for these. Why it is these and
no proof of work: docs/explanation/moderation.md.

A sender is known by salted hashes of its networks (of IPv6 the first 64 bits, which one sender has whole, and 48, which
one sender may have; of IPv4 the address and its first 24 bits) that live in memory for an hour; the salt is never
written. The address itself is not kept, logged or stored.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa

from dashlight.errors import Unavailable
from dashlight.model import day_of, network_of, wider_network_of
from dashlight.store import pictures, reports, withdraw
from dashlight.store.database import Database, Transaction
from dashlight.store.moderated import HIDING, Issue

__all__ = ["HIDING", "Budget", "Budgets", "Issue", "Report", "file_report"]

_WINDOW_S = 3_600.0
HIDDEN_SHARE = 0.02  # Of the pictures shown, that reports may hide in an hour;
HIDDEN_AT_LEAST = 20  # or so many, where the library is small.
FEW = 2  # Reports of one sender in an hour that may use all of the hour's bound; further ones only its first half.
NEIGHBOURS_FACTOR = 3  # Times a sender's reports are taken from its wider network.
QUEUE_FACTOR = 10  # Times the hour's reports are kept for the operator once they hide nothing any more.


class Budget:
    """How many reports are taken in an hour, together and from one sender.

    Args:
        together: From everybody.
        each: From one sender.
        has_reserve: Whether half of it is there for senders of few reports alone.
        now_s: A monotonic clock.
    """

    def __init__(
        self, *, together: int, each: int, has_reserve: bool = False, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._has_reserve = has_reserve
        self._together = together
        self._each = each
        self._now_s = now_s
        self._renew()

    def _renew(self) -> None:
        self._salt = secrets.token_bytes(32)
        self._ends_s = self._now_s() + _WINDOW_S
        self._by_sender: Counter[bytes] = Counter()
        self._by_neighbours: Counter[bytes] = Counter()
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
        narrow, wide = (self._hashed(network) for network in (network_of(sender), wider_network_of(sender)))
        spent, together = self._by_sender[narrow], self._together if most is None else min(self._together, most)
        if self._has_reserve and spent >= FEW:
            together -= together // 2
        if (
            self._count >= together
            or spent >= self._each
            or self._by_neighbours[wide] >= self._each * NEIGHBOURS_FACTOR
        ):
            return False
        self._count += 1
        self._by_sender[narrow] += 1
        self._by_neighbours[wide] += 1
        return True

    def _hashed(self, network: str) -> bytes:
        return hashlib.blake2b(network.encode(), key=self._salt, digest_size=16).digest()


class Budgets:
    """The bounds on reports that hide, on those kept once these are spent, and on all others.

    Args:
        together: Of each kind from everybody in an hour.
        each: Of each kind from one sender.
        now_s: A monotonic clock.
    """

    def __init__(self, *, together: int, each: int, now_s: Callable[[], float] = time.monotonic) -> None:
        self._hiding = Budget(together=together, each=each, has_reserve=True, now_s=now_s)
        self._kept = Budget(together=together * QUEUE_FACTOR, each=each * QUEUE_FACTOR, now_s=now_s)
        self._other = Budget(together=together, each=each, now_s=now_s)

    def spend(self, sender: str, issue: Issue, *, shown: int, may_hide: bool = True) -> bool:
        """Count a report and return whether it hides its picture.

        Args:
            sender: Its address.
            issue: What is wrong.
            shown: How many pictures the map shows.
            may_hide: Whether the picture may be hidden at all.

        Raises:
            Unavailable: When not even a report for the operator is taken any more.
        """
        if issue not in HIDING:
            self._other.spend(sender)
            return False
        if may_hide and self._hiding.try_spend(sender, most=max(HIDDEN_AT_LEAST, int(shown * HIDDEN_SHARE))):
            return True
        self._kept.spend(sender)
        return False


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody says about a picture.

    Attributes:
        picture_id: The picture.
        issue: What is wrong with it.
        comment: In the sender's words, or empty.
        sender: Its address; counted and forgotten.
    """

    picture_id: UUID
    issue: Issue
    comment: str
    sender: str


def file_report(database: Database, budgets: Budgets, told: Report, *, shown: int) -> bool:
    """Keep a report and hide the picture when the issue demands it; return whether it is hidden.

    Args:
        database: The rows.
        budgets: Of the hour; asked in the writer's thread, once the picture is found.
        told: The report.
        shown: How many pictures the map shows.

    Raises:
        NotFound: When there is no such picture, or it is not shown any more; nothing is spent then.
        Unavailable: When the hour's budget is spent, or too many reports wait.
    """
    day = day_of(datetime.now(UTC))

    def job(transaction: Transaction) -> bool:
        found = pictures.find_picture(transaction.connection, told.picture_id)
        may_hide = told.issue in HIDING and _has_room(transaction.connection, found.number, shown)
        hides = budgets.spend(told.sender, told.issue, shown=shown, may_hide=may_hide)
        reports.file(transaction, found.number, issue=str(told.issue), comment=told.comment, day=day)
        return withdraw.hide(transaction, found.number) if hides else False

    is_hidden = database.write(job)
    if is_hidden:
        database.forget_journal()  # What was told of it is deleted; it is not to be read there either.
    return is_hidden


def _has_room(connection: sa.Connection, number: int, shown: int) -> bool:
    if reports.is_cleared(connection, number):
        return False
    held = reports.count_held(connection, HIDING)
    near_held, near_shown = reports.count_held_near(connection, number, HIDING)
    has_room_near = near_held < reports.most_held_near(near_held + near_shown)
    return has_room_near and held < reports.most_held(held + shown)
