"""From a form to a decision, and from a decision to what becomes of the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from dashlight.errors import InputError, NotFound
from dashlight.store import reports
from dashlight.store.database import Database, Transaction
from dashlight.store.moderated import REASONS, Decision, Reason, Ruling
from dashlight.store.objects import Objects

CHOICES = (Decision.RESTORE, Decision.KEEP, Decision.ERASE)
AT_ONCE = (
    Decision.RESTORE,
    Decision.KEEP,
)  # What may be decided about many pictures in one go; none of it is for good.
REASONS_FOR = REASONS[Decision.RESTORE]
REASONS_AGAINST = REASONS[Decision.KEEP]

Form = Mapping[str, Sequence[str]]


def _one(form: Form, name: str) -> str:
    return form[name][0].strip() if form.get(name) else ""


@dataclass(frozen=True, slots=True)
class Given:
    """What a form held that was refused, to be put in again.

    Attributes:
        choice: One of `CHOICES`, or empty.
        sentence: As it was written.
    """

    choice: str = ""
    sentence: str = ""


def given_in(form: Form) -> Given:
    """Return what is put into a form again that was refused."""
    choice = _one(form, "choice")
    return Given(choice if choice in CHOICES else "", _one(form, "sentence"))


def parsed_ruling(form: Form, *, choices: Sequence[str] = CHOICES) -> Ruling:
    """Return the ruling that a form holds.

    Args:
        form: `choice`, `reason_for` or `reason_against`, and `sentence`.
        choices: That may be made.

    Raises:
        InputError: When something is missing or is none of the known.
    """
    choice = _one(form, "choice")
    if choice not in choices:
        raise InputError(f"choice {choice[:40]!r} is none of {', '.join(choices)}", code="bad-choice")
    decision = Decision(choice)
    said = _one(form, "reason_for" if decision is Decision.RESTORE else "reason_against")
    if said not in REASONS[decision]:
        raise InputError(f"reason {said[:40]!r} is none of {', '.join(REASONS[decision])}", code="bad-reason")
    return Ruling(decision, Reason(said), _one(form, "sentence"))


def parsed_ids(form: Form, *, most: int) -> list[UUID]:
    """Return the pictures that a form names.

    Raises:
        InputError: When one is no id, or there are none or too many.
    """
    given = form.get("picture", ())
    if not 1 <= len(given) <= most:
        raise InputError(f"{len(given)} pictures are chosen, and 1 to {most} can be decided at once", code="bad-choice")
    return [_picture_id(each) for each in given]


def _picture_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as exc:
        raise InputError(f"{text[:40]!r} is no id of a picture", code="bad-choice") from exc


def decide(database: Database, objects: Objects, ids: Sequence[UUID], ruling: Ruling, *, day: int) -> int:
    """Decide about pictures and carry it out; return how many waited for it.

    What was decided or erased meanwhile, by somebody else, is left as it is.

    Raises:
        Unavailable: When rows or bytes cannot be written now; what was decided is carried out later.
    """
    decided = 0
    for picture_id in ids:
        try:
            database.write(partial(_decide, picture_id=picture_id, ruling=ruling, day=day))
        except NotFound:
            continue
        decided += 1
    reports.carry_out(database, objects)
    return decided


def _decide(transaction: Transaction, picture_id: UUID, ruling: Ruling, day: int) -> None:
    reports.decide(transaction, picture_id, ruling, day=day)
