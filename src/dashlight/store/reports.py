"""Reports until they are decided: what waits for the operator, and carrying a decision out.

A decision is written by a command beside the running server, or by the operator's page, and carried out by the server
itself, which alone knows what it keeps in memory of the map. The words of a report go with the decision, and after
`REPORT_DAYS` in any case.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from dashlight.errors import NotFound, Unavailable
from dashlight.model import h3_parent
from dashlight.store import moderated, schema, withdraw
from dashlight.store.database import Database, Transaction
from dashlight.store.moderated import Decision, Ruling
from dashlight.store.objects import Objects
from dashlight.store.outbox import NewEvent, tell
from dashlight.store.pictures import ByteRange
from dashlight.store.places import Place, h3_range
from dashlight.store.publish import Shown, captured_text, show
from dashlight.store.schema import PictureState, cleared, decision, kept, report

REPORT_DAYS = 7  # After so many a report's words are deleted; a hidden picture stays hidden until it is decided.
KEPT_DAYS = 30  # What the operator keeps hidden is erased after so many, unless something else is decided.
MOST_OF_A_PICTURE = 5  # Reports of one picture that are kept: the sixth tells the operator nothing new.
MOST_REPORTS = 20_000  # That are kept altogether; a script shall not fill the disk.
NEAR_RESOLUTION = 9  # Of the H3 cell in which hidden pictures are counted together: about 350 m across.
HELD_SHARE = 0.05  # Of all pictures, that may wait hidden for the operator because of reports, or of a look;
HELD_AT_LEAST = 20  # or so many where the library is small, but not more than half of a tiny one.
NEAR_SHARE = 0.25  # Of the pictures of one neighbourhood, that may wait hidden because of reports;
NEAR_AT_LEAST = 10  # or so many: one house is seen in about as many.
_MOST_COUNTED = 4_000  # Pictures of such a cell; where there are more, the bound is of so many.
_p = schema.picture
_IS_HIDDEN = _p.c.state == sa.literal_column(str(int(PictureState.HIDDEN)))  # Spelled out, the partial index serves.


def hide_and_file(transaction: Transaction, number: int, *, issue: str, comment: str, day: int) -> bool:
    """Hide a published picture and queue it for the operator; return False when it is not shown any more.

    However many reports wait: whoever fills the queue shall not keep a readable picture on the map. The caller runs
    `Database.forget_journal` once this is committed.
    """
    is_hidden = withdraw.hide(transaction, number)
    if is_hidden:
        _keep_report(transaction, number, issue=issue, comment=comment, day=day)
    return is_hidden


def file(transaction: Transaction, number: int, *, issue: str, comment: str, day: int) -> None:
    """Queue a picture for the operator; what says nothing new is not kept.

    Args:
        transaction: The write.
        number: Of the picture.
        issue: What is wrong with it.
        comment: In the reporter's words, or empty.
        day: Today as days since 1970-01-01.

    Raises:
        Unavailable: When `MOST_REPORTS` wait already.
    """
    connection, comment = transaction.connection, comment.replace("\0", "")  # PostgreSQL keeps no zero characters.
    known = connection.execute(sa.select(report.c.issue, report.c.comment).where(report.c.picture == number)).all()
    if len(known) >= MOST_OF_A_PICTURE or (issue, comment) in {tuple(row) for row in known}:
        return
    if connection.execute(sa.select(sa.func.count()).select_from(report)).scalar_one() >= MOST_REPORTS:
        raise Unavailable(
            f"{MOST_REPORTS} reports wait for the operator already",
            hint="write to the operator",
            code="too-many-reports",
            retry_after_s=3_600.0,
        )
    _keep_report(transaction, number, issue=issue, comment=comment, day=day)


def _keep_report(transaction: Transaction, number: int, *, issue: str, comment: str, day: int) -> None:
    transaction.connection.execute(sa.insert(report).values(picture=number, issue=issue, comment=comment, day=day))
    moderated.count(transaction, issue=issue, decision=moderated.REPORTED, day=day)


def is_cleared(connection: sa.Connection, number: int) -> bool:
    """Return whether the operator has looked at a picture and found nothing wrong."""
    return connection.execute(sa.select(cleared).where(cleared.c.picture == number)).first() is not None


def _held(issues: Collection[str]) -> sa.Select[int]:
    return (
        sa.select(sa.func.count(sa.distinct(report.c.picture)))
        .join(_p, _p.c.number == report.c.picture)
        .where(_IS_HIDDEN, report.c.issue.in_(issues), ~sa.exists().where(kept.c.picture == _p.c.number))
    )


def most_held(pictures: int) -> int:
    """Return how many of so many pictures may wait hidden for the operator: always one at least."""
    return max(1, int(pictures * HELD_SHARE), min(HELD_AT_LEAST, (pictures + 1) // 2))


def most_held_near(pictures: int) -> int:
    """Return how many of so many pictures of one neighbourhood may wait hidden because of reports."""
    return max(int(pictures * NEAR_SHARE), NEAR_AT_LEAST)


def count_held(connection: sa.Connection, issues: Collection[str]) -> int:
    """Return how many pictures are hidden by reports of these issues and wait for a decision."""
    return int(connection.execute(_held(issues)).scalar_one())


def count_held_near(connection: sa.Connection, number: int, issues: Collection[str]) -> tuple[int, int]:
    """Return how many pictures near one wait hidden by reports of these issues, and how many are shown there.

    Returns:
        The second at most 4,000.
    """
    h3_r15 = connection.execute(sa.select(_p.c.h3_r15).where(_p.c.number == number)).scalar_one()
    near = _p.c.h3_r15.between(*h3_range(h3_parent(h3_r15, NEAR_RESOLUTION)))
    some = sa.select(_p.c.number).where(near, _p.c.state == int(PictureState.PUBLISHED)).limit(_MOST_COUNTED).subquery()
    shown = connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()
    return int(connection.execute(_held(issues).where(near)).scalar_one()), int(shown)


@dataclass(frozen=True, slots=True)
class Reported:
    """A picture that waits for a decision.

    Attributes:
        picture_id: Its name.
        is_hidden: Whether it is off the map until then.
        is_cleared: Whether the operator has put it back before.
        erased_day: On which it is erased when nothing else is decided, since 1970-01-01; None for one that is not kept.
        issues: Of its reports, oldest first.
        comments: The words of each, empty where there were none or they are deleted already.
        day: Of the oldest report, since 1970-01-01, or None when nothing but the hidden picture is left.
        lon: Degrees.
        lat: Degrees.
        captured: As it is told.
        policy: Under which it was published.
        width: Pixels.
        height: Pixels.
        jpeg: Where its bytes lie.
        thumbnail: Where those of its thumbnail lie.
    """

    picture_id: UUID
    is_hidden: bool
    is_cleared: bool
    erased_day: int | None
    issues: tuple[str, ...]
    comments: tuple[str, ...]
    day: int | None
    lon: float
    lat: float
    captured: str
    policy: str
    width: int
    height: int
    jpeg: ByteRange
    thumbnail: ByteRange


def queue(connection: sa.Connection, *, urgent: Collection[str] = (), is_kept: bool = False) -> list[int]:
    """Return the numbers of the pictures that wait for a decision, in the order in which they should be decided.

    First those that are shown though a report of an urgent issue asks for the contrary, then those that are hidden,
    then the rest; of each those that wait longest first.

    Args:
        connection: To read with.
        urgent: Issues.
        is_kept: For those that the operator keeps hidden instead.
    """
    if is_kept:
        return list(connection.execute(sa.select(kept.c.picture).order_by(kept.c.erased_day, kept.c.picture)).scalars())
    is_open = ~sa.exists().where(decision.c.picture == _p.c.number) & ~sa.exists().where(kept.c.picture == _p.c.number)
    is_urgent = sa.func.max(sa.case((report.c.issue.in_(urgent), 1), else_=0))
    told = connection.execute(
        sa.select(_p.c.number, _p.c.state, is_urgent, sa.func.min(report.c.day), sa.func.min(report.c.number))
        .join(report, report.c.picture == _p.c.number)
        .where(is_open)
        .group_by(_p.c.number, _p.c.state)
    ).all()
    untold = connection.execute(
        sa.select(_p.c.number).where(_IS_HIDDEN, is_open, ~sa.exists().where(report.c.picture == _p.c.number))
    ).scalars()
    ranked = [((1, -1, 0, number), number) for number in untold]
    for number, state, is_urgent_one, day, first in told:
        rank = 1 if state == PictureState.HIDDEN else 0 if is_urgent_one else 2
        ranked.append(((rank, day, first, number), number))
    return [number for _, number in sorted(ranked)]


def count_waiting(connection: sa.Connection, *, is_kept: bool = False) -> int:
    """Return how long `queue` is; it is not read for that."""
    if is_kept:
        return int(connection.execute(sa.select(sa.func.count()).select_from(kept)).scalar_one())
    is_open = ~sa.exists().where(decision.c.picture == _p.c.number) & ~sa.exists().where(kept.c.picture == _p.c.number)
    is_told = sa.exists().where(report.c.picture == _p.c.number)
    told = sa.select(sa.func.count(sa.distinct(_p.c.number))).join(report, report.c.picture == _p.c.number)
    untold = sa.select(sa.func.count()).select_from(_p).where(_IS_HIDDEN, is_open, ~is_told)
    return sum(int(connection.execute(query).scalar_one()) for query in (told.where(is_open), untold))


def reported(connection: sa.Connection, numbers: Sequence[int]) -> list[Reported]:
    """Return what is known of pictures that wait for a decision, in the given order; of few at once."""
    thing = schema.object_.c.key.label("key")
    rows = connection.execute(
        sa.select(_p, thing, schema.terms.c.policy, kept.c.erased_day, cleared.c.picture.label("cleared"))
        .join(schema.object_, schema.object_.c.number == _p.c.object)
        .join(schema.terms, schema.terms.c.number == _p.c.terms)
        .join(kept, kept.c.picture == _p.c.number, isouter=True)
        .join(cleared, cleared.c.picture == _p.c.number, isouter=True)
        .where(_p.c.number.in_(numbers))
    ).all()
    told: dict[int, list[sa.Row[tuple[object, ...]]]] = {number: [] for number in numbers}
    for each in connection.execute(
        sa.select(report).where(report.c.picture.in_(numbers)).order_by(report.c.number)
    ).all():
        told[each.picture].append(each)
    found = {row.number: _reported(row, told[row.number]) for row in rows}
    return [found[number] for number in numbers if number in found]


def _reported(row: sa.Row[tuple[object, ...]], told: Sequence[sa.Row[tuple[object, ...]]]) -> Reported:
    return Reported(
        picture_id=UUID(bytes=row.id),
        is_hidden=row.state == PictureState.HIDDEN,
        is_cleared=row.cleared is not None,
        erased_day=row.erased_day,
        issues=tuple(each.issue for each in told),
        comments=tuple(each.comment for each in told),
        day=min((each.day for each in told), default=None),
        lon=row.lon_e6 / 1e6,
        lat=row.lat_e6 / 1e6,
        captured=captured_text(row.captured_ms, row.captured_precision),
        policy=row.policy,
        width=row.width,
        height=row.height,
        jpeg=ByteRange(row.key, row.offset_bytes, row.size_bytes),
        thumbnail=ByteRange(row.key, row.thumbnail_offset_bytes, row.thumbnail_size_bytes),
    )


def shown_though_reported(connection: sa.Connection, issues: Collection[str]) -> list[UUID]:
    """Return the pictures that a report of these issues waits about and that are shown, but for those put back."""
    is_settled = sa.exists().where(cleared.c.picture == _p.c.number) | sa.exists().where(
        decision.c.picture == _p.c.number
    )
    rows = connection.execute(
        sa.select(_p.c.id)
        .join(report, report.c.picture == _p.c.number)
        .where(report.c.issue.in_(issues), _p.c.state == int(PictureState.PUBLISHED), ~is_settled)
        .distinct()
    )
    return [UUID(bytes=each) for each in rows.scalars()]


def oldest_day(connection: sa.Connection) -> int | None:
    """Return the day of the oldest report that waits, since 1970-01-01; None when none does."""
    is_kept = sa.exists().where(kept.c.picture == report.c.picture)
    day = connection.execute(sa.select(sa.func.min(report.c.day)).where(~is_kept)).scalar()
    return None if day is None else int(day)


def waiting(connection: sa.Connection) -> list[Reported]:
    """Return every picture that is hidden or reported and not decided, those that wait longest first."""
    numbers = queue(connection)
    found = [one for at in range(0, len(numbers), 500) for one in reported(connection, numbers[at : at + 500])]
    return sorted(found, key=lambda each: -1 if each.day is None else each.day)


def find_waiting(connection: sa.Connection, picture_id: UUID) -> Reported:
    """Return one picture that waits for a decision, or that the operator keeps hidden.

    Raises:
        NotFound: When it does neither.
    """
    number = connection.execute(sa.select(_p.c.number).where(_p.c.id == picture_id.bytes)).scalar()
    is_decided = sa.exists().where(decision.c.picture == number)
    for each in reported(connection, [] if number is None else [number]):
        if (each.is_hidden or each.issues) and not connection.execute(sa.select(is_decided)).scalar():
            return each
    raise NotFound(f"no report about the picture {picture_id} waits for a decision", code="no-report")


def decide(transaction: Transaction, picture_id: UUID, ruling: Ruling, *, day: int) -> Decision:
    """Write a decision down, count it, and delete the reports that it decides; `carry_out` does the rest.

    Args:
        transaction: The write.
        picture_id: Of a picture that waits.
        ruling: To restore one that is shown is to dismiss its reports, and the other way round.
        day: Today as days since 1970-01-01.

    Returns:
        What was decided.

    Raises:
        NotFound: When the picture does not wait for a decision.
    """
    connection = transaction.connection
    found = find_waiting(connection, picture_id)
    decided = ruling.decision
    if decided in (Decision.RESTORE, Decision.DISMISS):
        decided = Decision.RESTORE if found.is_hidden else Decision.DISMISS
    number = connection.execute(sa.select(_p.c.number).where(_p.c.id == picture_id.bytes)).scalar_one()
    connection.execute(sa.delete(kept).where(kept.c.picture == number))
    if decided is Decision.KEEP:
        connection.execute(sa.insert(kept).values(picture=number, erased_day=day + KEPT_DAYS))
    else:
        connection.execute(sa.delete(report).where(report.c.picture == number))
    connection.execute(sa.insert(decision).values(picture=number, verdict=str(decided)))
    issue = found.issues[0] if found.issues else "other"
    moderated.count(transaction, issue=issue, decision=str(decided), day=day)
    moderated.say(transaction, Ruling(decided, ruling.reason, ruling.sentence), issue=issue, day=day)
    return decided


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
        _CARRIERS[Decision(row.verdict)](transaction, row.picture)
    connection.execute(sa.delete(decision))  # Nobody else writes meanwhile.
    return len(rows)


def _erase(transaction: Transaction, number: int) -> None:
    withdraw.erase(transaction, [number])


def _keep(transaction: Transaction, number: int) -> None:
    withdraw.hide(transaction, number)


def _clear(transaction: Transaction, number: int) -> None:
    """Note that nothing is wrong with a picture: no report hides it again, and the look at pictures leaves it alone."""
    is_there = sa.exists().where(_p.c.number == number)
    once = sa.select(sa.literal(number)).where(is_there, ~sa.exists().where(cleared.c.picture == number))
    transaction.connection.execute(sa.insert(cleared).from_select(["picture"], once))


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
    _clear(transaction, number)
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


_CARRIERS = {Decision.ERASE: _erase, Decision.KEEP: _keep, Decision.DISMISS: _clear, Decision.RESTORE: _restore}


def erase_kept(transaction: Transaction, today: int) -> int:
    """Decide to erase the pictures that were kept hidden until today, and return how many; `carry_out` does it."""
    connection = transaction.connection
    due = connection.execute(
        sa.select(_p.c.id).join(kept, kept.c.picture == _p.c.number).where(kept.c.erased_day <= today)
    )
    ids = [UUID(bytes=each) for each in due.scalars()]
    for picture_id in ids:
        decide(transaction, picture_id, Ruling(Decision.ERASE), day=today)
    return len(ids)


def forget_words(transaction: Transaction, today: int) -> None:
    """Delete the words of reports whose deadline has passed, and the reports that hid nothing."""
    is_old = report.c.day < today - REPORT_DAYS
    is_hidden = sa.exists().where(_p.c.number == report.c.picture, _p.c.state == int(PictureState.HIDDEN))
    transaction.connection.execute(sa.delete(report).where(is_old, ~is_hidden))
    transaction.connection.execute(sa.update(report).where(is_old).values(comment=""))
