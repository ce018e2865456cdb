"""What was reported and decided, as public counts: by month, issue and decision, and never by picture.

What the operator says in public about a decision is kept beside them and names no picture either: to say which picture
somebody complained about would lead everybody to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from dashlight.errors import InputError
from dashlight.model import DAY_MS, EPOCH, moment_of
from dashlight.store import schema
from dashlight.store.database import Transaction

MOST_STATEMENTS = 100  # The newest so many are shown.
MOST_CHARACTERS = 280  # Of a public sentence.
REPORTED = "reported"  # What is counted beside decisions: that somebody reported,
REFUSED = "refused"  # and that an upload was refused,
UPLOAD = "upload"  # which is the issue of those.
_ADD = sa.text(
    "INSERT INTO moderated (month, issue, decision, pictures) VALUES (:month, :issue, :decision, :pictures) "
    "ON CONFLICT (month, issue, decision) DO UPDATE SET pictures = moderated.pictures + excluded.pictures"
)


class Issue(StrEnum):
    """What somebody says is wrong with a picture."""

    PRIVACY = "privacy"
    BLUR_MISSING = "blur_missing"
    BLUR_EXCESS = "blur_excess"
    COPYRIGHT = "copyright"
    MISLOCATED = "mislocated"
    INAPPROPRIATE = "inappropriate"
    PICTURE_LOW_QUALITY = "picture_low_quality"
    OTHER = "other"


HIDING = frozenset({Issue.PRIVACY, Issue.BLUR_MISSING})  # They hide a picture at once.


class Decision(StrEnum):
    """What becomes of a reported picture."""

    RESTORE = "restore"  # It is shown again.
    DISMISS = "dismiss"  # It goes on being shown.
    KEEP = "keep"  # It is hidden, and erased after `KEPT_DAYS` if nothing else is decided.
    ERASE = "erase"


class Reason(StrEnum):
    """Why a decision was made."""

    FACE = "face"
    PLATE = "plate"
    PERSON = "person"
    PRIVATE_PLACE = "private_place"
    COPYRIGHT = "copyright"
    INAPPROPRIATE = "inappropriate"
    WRONG_PLACE = "wrong_place"
    POOR_QUALITY = "poor_quality"
    LAW = "law"
    TO_BE_ASKED = "to_be_asked"
    NOTHING_WRONG = "nothing_wrong"
    PAINTED_OVER = "painted_over"
    UNCLEAR_REPORT = "unclear_report"
    FLOOD = "flood"
    OTHER = "other"


_AGAINST = (
    Reason.FACE,
    Reason.PLATE,
    Reason.PERSON,
    Reason.PRIVATE_PLACE,
    Reason.COPYRIGHT,
    Reason.INAPPROPRIATE,
    Reason.WRONG_PLACE,
    Reason.POOR_QUALITY,
    Reason.LAW,
    Reason.OTHER,
)
_FOR = (Reason.NOTHING_WRONG, Reason.PAINTED_OVER, Reason.UNCLEAR_REPORT, Reason.FLOOD, Reason.OTHER)
REASONS: dict[Decision, tuple[Reason, ...]] = {
    Decision.RESTORE: _FOR,
    Decision.DISMISS: _FOR,
    Decision.KEEP: (Reason.TO_BE_ASKED, *_AGAINST),
    Decision.ERASE: _AGAINST,
}


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision, and what is said of it.

    Attributes:
        decision: What becomes of the picture.
        reason: Why; one of `REASONS` of the decision.
        sentence: For everybody to read, or empty.
    """

    decision: Decision
    reason: Reason = Reason.OTHER
    sentence: str = ""

    def __post_init__(self) -> None:
        """Raise InputError when the reason is none for the decision, or the sentence is not one line of text."""
        if self.reason not in REASONS[self.decision]:
            known = ", ".join(REASONS[self.decision])
            raise InputError(
                f"{self.reason} is no reason to {self.decision} a picture", hint=f"one of {known}", code="bad-reason"
            )
        if len(self.sentence) > MOST_CHARACTERS or not self.sentence.isprintable():
            raise InputError(
                f"the public sentence has {len(self.sentence)} characters, or others than printable ones in one line; "
                f"{MOST_CHARACTERS} are allowed",
                code="bad-sentence",
            )


@dataclass(frozen=True, slots=True)
class Count:
    """How many of one kind in one month.

    Attributes:
        month: `YYYY-MM`.
        issue: What was said to be wrong; `upload` for uploads.
        decision: A `Decision`, `reported` or `refused`.
        pictures: How many; of `upload` bundles.
    """

    month: str
    issue: str
    decision: str
    pictures: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A public sentence about a decision.

    Attributes:
        number: Of its row.
        month: `YYYY-MM`.
        issue: What was reported.
        decision: A `Decision`.
        reason: Why.
        sentence: In the operator's words.
    """

    number: int
    month: str
    issue: str
    decision: str
    reason: str
    sentence: str


def month_of(day: int) -> int:
    """Return the month of a day since 1970-01-01, counted since 1970-01."""
    moment = moment_of(day * DAY_MS)
    return (moment.year - EPOCH.year) * 12 + moment.month - 1


def month_text(month: int) -> str:
    """Return a month since 1970-01 as `YYYY-MM`."""
    return f"{EPOCH.year + month // 12:04d}-{month % 12 + 1:02d}"


def count(transaction: Transaction, *, issue: str, decision: str, day: int, pictures: int = 1) -> None:
    """Add to the public counts of the month of `day`."""
    row = {"month": month_of(day), "issue": issue, "decision": decision, "pictures": pictures}
    transaction.connection.execute(_ADD, row)


def say(transaction: Transaction, ruling: Ruling, *, issue: str, day: int) -> None:
    """Keep the public sentence of a ruling, when it has one."""
    if ruling.sentence:
        transaction.connection.execute(
            sa.insert(schema.statement).values(
                month=month_of(day),
                issue=issue,
                decision=str(ruling.decision),
                reason=str(ruling.reason),
                sentence=ruling.sentence,
            )
        )


def unsay(transaction: Transaction, number: int) -> None:
    """Delete a public sentence; once more changes nothing."""
    transaction.connection.execute(sa.delete(schema.statement).where(schema.statement.c.number == number))


def counts(connection: sa.Connection) -> list[Count]:
    """Return all public counts, the newest month first."""
    table = schema.moderated
    rows = connection.execute(sa.select(table).order_by(table.c.month.desc(), table.c.issue, table.c.decision)).all()
    return [Count(month_text(row.month), row.issue, row.decision, row.pictures) for row in rows]


def statements(connection: sa.Connection) -> Sequence[Statement]:
    """Return the newest public sentences, newest first."""
    table = schema.statement
    rows = connection.execute(sa.select(table).order_by(table.c.number.desc()).limit(MOST_STATEMENTS)).all()
    return [
        Statement(row.number, month_text(row.month), row.issue, row.decision, row.reason, row.sentence) for row in rows
    ]
