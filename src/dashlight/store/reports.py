"""Reports until they are decided: what waits for the operator, and carrying a decision out.

A decision is written by a command beside the running server and carried out by the server itself, which alone knows
what it keeps in memory of the map. The words of a report go with the decision, and after `REPORT_DAYS` in any case.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa

from dashlight.errors import NotFound
from dashlight.store import schema, withdraw
from dashlight.store.database import Database, Transaction
from dashlight.store.objects import Objects
from dashlight.store.outbox import NewEvent, tell
from dashlight.store.pictures import ByteRange
from dashlight.store.places import Place
from dashlight.store.publish import Shown, show
from dashlight.store.schema import PictureState, decision, report

REPORT_DAYS = 7  # After so many a report's words are deleted; a hidden picture stays hidden until it is decided.
_p = schema.picture


def hide_and_file(transaction: Transaction, number: int, *, issue: str, comment: str, day: int) -> bool:
    """Hide a published picture and queue it for the operator; return False when it is not shown any more.

    The caller runs `Database.forget_journal` once this is committed.
    """
    is_hidden = withdraw.hide(transaction, number)
    if is_hidden:
        file(transaction, number, issue=issue, comment=comment, day=day)
    return is_hidden


def file(transaction: Transaction, number: int, *, issue: str, comment: str, day: int) -> None:
    """Queue a picture for the operator.

    Args:
        transaction: The write.
        number: Of the picture.
        issue: What is wrong with it.
        comment: In the reporter's words, or empty.
        day: Today as days since 1970-01-01.
    """
    transaction.connection.execute(sa.insert(report).values(picture=number, issue=issue, comment=comment, day=day))


class Verdict(StrEnum):
    """What becomes of a reported picture."""

    RESTORE = "restore"
    ERASE = "erase"


@dataclass(frozen=True, slots=True)
class Reported:
    """A picture that waits for a decision.

    Attributes:
        picture_id: Its name.
        is_hidden: Whether it is off the map until then.
        issues: Of its reports, oldest first.
        comments: The words of each, empty where there were none or they are deleted already.
        day: Of the oldest report, since 1970-01-01, or None when nothing but the hidden picture is left.
        lon: Degrees.
        lat: Degrees.
        jpeg: Where its bytes lie.
    """

    picture_id: UUID
    is_hidden: bool
    issues: tuple[str, ...]
    comments: tuple[str, ...]
    day: int | None
    lon: float
    lat: float
    jpeg: ByteRange


def waiting(connection: sa.Connection) -> list[Reported]:
    """Return every picture that is hidden or reported and not decided, those that wait longest first."""
    is_reported = sa.exists().where(report.c.picture == _p.c.number)
    is_decided = sa.exists().where(decision.c.picture == _p.c.number)
    rows = connection.execute(
        sa.select(_p, schema.object_.c.key.label("key"))
        .join(schema.object_, schema.object_.c.number == _p.c.object)
        .where(sa.or_(_p.c.state == int(PictureState.HIDDEN), is_reported), ~is_decided)
    ).all()
    found = []
    for row in rows:
        told = connection.execute(
            sa.select(report).where(report.c.picture == row.number).order_by(report.c.number)
        ).all()
        found.append(
            Reported(
                picture_id=UUID(bytes=row.id),
                is_hidden=row.state == PictureState.HIDDEN,
                issues=tuple(each.issue for each in told),
                comments=tuple(each.comment for each in told),
                day=min((each.day for each in told), default=None),
                lon=row.lon_e6 / 1e6,
                lat=row.lat_e6 / 1e6,
                jpeg=ByteRange(row.key, row.offset_bytes, row.size_bytes),
            )
        )
    return sorted(found, key=lambda each: -1 if each.day is None else each.day)


def find_waiting(connection: sa.Connection, picture_id: UUID) -> Reported:
    """Return one picture that waits for a decision.

    Raises:
        NotFound: When it does not wait.
    """
    for each in waiting(connection):
        if each.picture_id == picture_id:
            return each
    raise NotFound(f"no report about the picture {picture_id} waits for a decision", code="no-report")


def decide(transaction: Transaction, picture_id: UUID, verdict: Verdict) -> None:
    """Write a decision down and delete the reports that it decides; `carry_out` does the rest.

    Raises:
        NotFound: When the picture does not wait for one.
    """
    connection = transaction.connection
    find_waiting(connection, picture_id)
    number = connection.execute(sa.select(_p.c.number).where(_p.c.id == picture_id.bytes)).scalar_one()
    connection.execute(sa.delete(report).where(report.c.picture == number))
    connection.execute(sa.insert(decision).values(picture=number, verdict=str(verdict)))


def carry_out(database: Database, objects: Objects) -> int:
    """Carry out every decision that waits; return how many. For the server, or where no server runs."""
    with database.read() as connection:
        is_due = connection.execute(sa.select(decision.c.number).limit(1)).first() is not None
    if not is_due:
        return 0
    count = database.write(_carry_out)
    withdraw.finish_erasures(database, objects)
    database.forget_journal()
    return count


def _carry_out(transaction: Transaction) -> int:
    connection = transaction.connection
    rows = connection.execute(sa.select(decision).order_by(decision.c.number)).all()
    for row in rows:
        if row.verdict == Verdict.ERASE:
            withdraw.erase(transaction, [row.picture])
        else:
            _restore(transaction, row.picture)
    connection.execute(sa.delete(decision).where(decision.c.number.in_([row.number for row in rows])))
    return len(rows)


def _restore(transaction: Transaction, number: int) -> None:
    """Put a hidden picture back onto the map; one that is shown or erased is left as it is."""
    row = transaction.connection.execute(
        sa.select(_p, schema.terms.c.policy, schema.sequence.c.id.label("sequence_id"))
        .join(schema.terms, schema.terms.c.number == _p.c.terms)
        .join_from(_p, schema.sequence, schema.sequence.c.number == _p.c.sequence, isouter=True)
        .where(_p.c.number == number, _p.c.state == int(PictureState.HIDDEN))
    ).one_or_none()
    if row is None:
        return
    is_known = sa.exists().where(schema.cleared.c.picture == number)
    once = sa.select(sa.literal(number)).where(~is_known)
    transaction.connection.execute(sa.insert(schema.cleared).from_select(["picture"], once))
    state = {"state": int(PictureState.PUBLISHED)}
    transaction.connection.execute(sa.update(_p).where(_p.c.number == number).values(**state))
    one = Shown(
        number=number,
        id=row.id,
        place=Place(row.qk, row.h3_r15, row.lon_e6, row.lat_e6),
        captured_ms=row.captured_ms,
        precision=row.captured_precision,
        heading_ddeg=row.heading_ddeg,
        policy=row.policy,
        sequence_id=row.sequence_id,
    )
    show(transaction, [one])
    tell(transaction, [NewEvent("refresh", "{}")])


def forget_words(transaction: Transaction, today: int) -> None:
    """Delete the words of reports whose deadline has passed, and the reports that hid nothing."""
    is_old = report.c.day < today - REPORT_DAYS
    is_hidden = sa.exists().where(_p.c.number == report.c.picture, _p.c.state == int(PictureState.HIDDEN))
    transaction.connection.execute(sa.delete(report).where(is_old, ~is_hidden))
    transaction.connection.execute(sa.update(report).where(is_old).values(comment=""))
