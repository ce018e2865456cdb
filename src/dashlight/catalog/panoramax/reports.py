"""Reports in the words of Panoramax: of a picture, or of a whole sequence."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from dashlight.catalog.reports import Issue
from dashlight.catalog.stac.asked import parsed_id
from dashlight.errors import InputError, NotFound
from dashlight.store.collections import find_collection
from dashlight.store.search import Query, find_pictures


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about.

    Attributes:
        picture: That is reported; of a sequence, its first one.
        comment: In the words of whoever reports, with the sequence's name before them.
    """

    picture: UUID
    comment: str


def issue_of(text: str) -> Issue:
    """Return the issue of a name; Panoramax and we use the same ones.

    Raises:
        InputError: When it is none.
    """
    try:
        return Issue(text)
    except ValueError as exc:
        raise InputError(
            f"issue: {text[:60]!r} is not one of {len(Issue)}", hint=", ".join(Issue), code="bad-issue"
        ) from exc


def subject_of(connection: sa.Connection, *, picture_id: str | None, sequence_id: str | None, comment: str) -> Subject:
    """Return what a report is about: the picture, when one is named.

    A report of a whole sequence waits for the operator under its first picture, which alone it can hide: what a single
    report hides stays a single picture.

    Raises:
        InputError: When neither is named, or the sequence is a cell and month, whose pictures are of many people.
        NotFound: When there is no such picture or sequence.
    """
    if picture_id is not None:
        picture = parsed_id(picture_id)
        if picture is None:
            raise NotFound(f"there is no picture {picture_id[:80]!r}", code="no-picture")
        return Subject(picture, comment)
    if sequence_id is None:
        raise InputError("picture_id and sequence_id are both missing", hint="name a picture", code="bad-report")
    found = find_collection(connection, sequence_id)
    if not isinstance(found.key, UUID):
        raise InputError(
            f"sequence_id: {sequence_id[:80]!r} is no sequence: its pictures are of many contributors",
            hint="report them by picture_id, one by one",
            code="bad-report",
        )
    first = find_pictures(connection, Query(collections=(found.key,), is_oldest_first=True), limit=1).pictures
    if not first:
        raise NotFound(f"there is no collection {sequence_id[:80]!r}", code="no-collection")
    return Subject(first[0].picture.id, f"[whole sequence {found.id}] {comment}")
