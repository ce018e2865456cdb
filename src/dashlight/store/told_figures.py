"""What of reports and decisions is told in public: as it was at the daily batch, so that no moment names a picture.

That a picture left the map is told at once, to every live reader. Were the figures to change in the same second, they
would say which pictures somebody called private, and a sentence which one the operator speaks of.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from dashlight.store import moderated, reports
from dashlight.store.database import Transaction
from dashlight.store.moderated import Count, Statement
from dashlight.store.schema import setting

_NAME = "told_figures"
_KEEP = sa.text(
    "INSERT INTO setting (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


@dataclass(frozen=True, slots=True)
class ToldFigures:
    """What the last daily batch told.

    Attributes:
        counts: By month, issue and decision, the newest month first.
        waiting: Pictures that waited for a decision.
        oldest_day: Of the oldest report that waited, since 1970-01-01, or None.
        statements: The newest public sentences that are not taken back, by month and in random order.
    """

    counts: Sequence[Count] = ()
    waiting: int = 0
    oldest_day: int | None = None
    statements: Sequence[Statement] = ()


def tell_figures(transaction: Transaction) -> None:
    """Make public what is counted and said up to now; for the daily batch."""
    connection = transaction.connection
    newest = list(moderated.statements(connection))
    random.SystemRandom().shuffle(newest)
    told = {
        "counts": [[c.month, c.issue, c.decision, c.pictures] for c in moderated.counts(connection)],
        "waiting": reports.count_waiting(connection),
        "oldest_day": reports.oldest_day(connection),
        "statements": [each.number for each in sorted(newest, key=lambda each: each.month, reverse=True)],
    }
    connection.execute(_KEEP, {"name": _NAME, "value": json.dumps(told)})


def told_figures(connection: sa.Connection) -> ToldFigures:
    """Return what is public; nothing before the first batch."""
    value = connection.execute(sa.select(setting.c.value).where(setting.c.name == _NAME)).scalar()
    if value is None:
        return ToldFigures()
    told = json.loads(value)
    there = {each.number: each for each in moderated.statements(connection)}
    return ToldFigures(
        counts=[Count(*each) for each in told["counts"]],
        waiting=told["waiting"],
        oldest_day=told["oldest_day"],
        statements=[there[number] for number in told["statements"] if number in there],
    )
