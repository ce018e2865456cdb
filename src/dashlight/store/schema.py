"""The tables as SQLAlchemy Core sees them; `migrations/` makes them and says what the units are."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import sqlalchemy as sa

METADATA = sa.MetaData()


class BundleState(IntEnum):
    """How far a bundle has come."""

    PUBLISHED = 0  # `fleet` and `open`: stored as it came.
    STAGED = 1  # `personal`: waits for the daily batch, at most 24 h.
    TAKEN_APART = 2  # `personal`: published; key and manifest are forgotten.
    ERASED = 3  # Its key asked for it.


class PictureState(IntEnum):
    """Whether a picture is shown."""

    PUBLISHED = 0
    HIDDEN = 1  # By a report, until it is decided; by a decision while `kept` has it.


class Precision(IntEnum):
    """How finely the time of a picture is told."""

    INSTANT = 0
    WEEK = 1
    MONTH = 2


class ExportState(IntEnum):
    """How far an export has come."""

    BEING_MADE = 0
    SHOWN = 1


class FileState(IntEnum):
    """What can be had of a file of an export."""

    BEING_WRITTEN = 0
    WHOLE = 1
    WITHDRAWN = 2  # It held a picture that is not shown any more; it is to be written anew.


def _table(name: str, /, **columns: type[sa.types.TypeEngine[Any]]) -> sa.Table:
    return sa.Table(name, METADATA, *(sa.Column(column, kind) for column, kind in columns.items()))


_I, _B, _T = sa.BigInteger, sa.LargeBinary, sa.Text

setting = _table("setting", name=_T, value=_T)
terms = _table("terms", number=_I, policy=_T, license=_T, attribution=_T, pictures=_I)
sequence = _table("sequence", number=_I, id=_B, next_rank=_I)
object_ = _table("object", number=_I, key=_T, size_bytes=_I, head_bytes=_I)
bundle = _table("bundle", sha256=_B, state=_I, receipt=_B, public_key=_B, object=_I)
picture = _table(
    "picture",
    number=_I,
    id=_B,
    state=_I,
    qk=_I,
    h3_r15=_I,
    lon_e6=_I,
    lat_e6=_I,
    captured_ms=_I,
    captured_precision=_I,
    heading_ddeg=_I,
    accuracy_dm=_I,
    terms=_I,
    sequence=_I,
    rank=_I,
    width=_I,
    height=_I,
    object=_I,
    offset_bytes=_I,
    size_bytes=_I,
    thumbnail_offset_bytes=_I,
    thumbnail_size_bytes=_I,
    redactions=_T,
    deletion_commitment=_B,
)
mark = _table("mark", qk=_I, number=_I, mark=_B)
live = _table("live", cell=_I, octant=_I, captured_ms=_I, number=_I, mark=_B)
cover = _table("cover", resolution=_I, qk=_I, cell=_I, pictures=_I, captured_ms=_I, heading_ddeg=_I, outline=_B)
cover_day = _table("cover_day", resolution=_I, qk=_I, day=_I, pictures=_I)
daily = _table("daily", day=_I, pictures=_I)
gone = _table("gone", id=_B)
erasure = _table("erasure", number=_I, key=_T, offset_bytes=_I, length_bytes=_I)
event = _table("event", cursor=_I, kind=_T, lon_e6=_I, lat_e6=_I, picture=_B, data=_T)
invite = _table("invite", hash=_B, policy=_T)
enrolment = _table("enrolment", hash=_B, policy=_T, license=_T, drawn_day=_I, drawn_tokens=_I)
token = _table("token", hash=_B, policy=_T, bundle=_B)
refused = _table("refused", sha256=_B, day=_I)
report = _table("report", number=_I, picture=_I, issue=_T, comment=_T, day=_I)
cleared = _table("cleared", picture=_I)
decision = _table("decision", number=_I, picture=_I, verdict=_T)
passkey = _table("passkey", id=_B, public_key=_B, label=_T)
operator_invite = _table("operator_invite", hash=_B, label=_T, ends_ms=_I)
operator_session = _table("operator_session", hash=_B, passkey=_B, ends_ms=_I)
spent_challenge = _table("spent_challenge", hash=_B, ends_ms=_I)
kept = _table("kept", picture=_I, erased_day=_I)
moderated = _table("moderated", month=_I, issue=_T, decision=_T, pictures=_I)
statement = _table("statement", number=_I, month=_I, issue=_T, decision=_T, reason=_T, sentence=_T)
collection = _table(
    "collection",
    id=_T,
    terms=_I,
    sequence=_I,
    pictures=_I,
    west_e6=_I,
    south_e6=_I,
    east_e6=_I,
    north_e6=_I,
    first_ms=_I,
    last_ms=_I,
)
export = _table("export", number=_I, format=_T, state=_I, day=_I, pictures=_I, pictures_done=_I)
export_file = _table(
    "export_file",
    key=_T,
    export=_I,
    path=_T,
    state=_I,
    qk_first=_I,
    qk_end=_I,
    cell=_I,
    day_first=_I,
    day_last=_I,
    pictures=_I,
    size_bytes=_I,
    sha256=_B,
)
