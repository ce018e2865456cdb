"""Who operates the instance: passkeys, the links that enrol them, and who is signed in.

Of a person there is the public half of a passkey and a label. How often and when it is used is not kept: its counter of
signatures is not stored, and the row of a session dies with it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import sqlalchemy as sa

from dashlight.errors import Conflict, NotFound, Unauthorized
from dashlight.store import schema, tokens
from dashlight.store.database import Transaction

INVITE_S = 3_600  # A link to enrol a passkey can be used for so long, once.
SESSION_S = 3_600  # Whoever signed in is signed out after so long.
MAX_PASSKEYS = 50
_DYING = (schema.operator_invite, schema.operator_session, schema.spent_challenge)


@dataclass(frozen=True, slots=True)
class Passkey:
    """A key that an operator signs in with.

    Attributes:
        id: Chosen by the authenticator.
        public_key: COSE.
        label: What its owner calls it.
    """

    id: bytes
    public_key: bytes
    label: str


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in.

    Attributes:
        passkey: With which.
        ends_ms: When it ends, since 1970.
    """

    passkey: Passkey
    ends_ms: int


def invite_operator(transaction: Transaction, label: str, *, now_ms: int) -> str:
    """Return the secret of a new link that enrols one passkey."""
    secret = tokens.new_secret()
    row = {"hash": tokens.secret_hash(secret, "invite"), "label": label, "ends_ms": now_ms + INVITE_S * 1000}
    transaction.connection.execute(sa.insert(schema.operator_invite).values(**row))
    return secret


def find_invite(connection: sa.Connection, secret: str, *, now_ms: int) -> str:
    """Return the label of a link that can still be used.

    Raises:
        Unauthorized: When it was used, is too old, or was never made here.
    """
    table = schema.operator_invite
    hashed = tokens.secret_hash(secret, "invite")
    query = sa.select(table.c.label).where(table.c.hash == hashed, table.c.ends_ms > now_ms)
    label = connection.execute(query).scalar()
    if label is None:
        raise Unauthorized(
            "the link was used already, is older than an hour, or is not one of this server's",
            hint="make another: dashlight operator invite",
            code="bad-invite",
        )
    return str(label)


def enrol_passkey(transaction: Transaction, secret: str, passkey: Passkey, *, now_ms: int) -> None:
    """Spend a link on a passkey.

    Raises:
        Unauthorized: When the link cannot be used any more.
        Conflict: When the passkey is enrolled already, or there are too many.
    """
    find_invite(transaction.connection, secret, now_ms=now_ms)
    table, connection = schema.passkey, transaction.connection
    known = set(connection.execute(sa.select(table.c.id)).scalars())
    if passkey.id in known:
        raise Conflict("this passkey is enrolled already", code="known-passkey")
    if len(known) >= MAX_PASSKEYS:
        raise Conflict(f"{len(known)} passkeys are enrolled, and {MAX_PASSKEYS} are allowed", code="many-passkeys")
    row = {"id": passkey.id, "public_key": passkey.public_key, "label": passkey.label}
    connection.execute(sa.insert(table).values(**row))
    hashed = tokens.secret_hash(secret, "invite")
    connection.execute(sa.delete(schema.operator_invite).where(schema.operator_invite.c.hash == hashed))


def passkeys(connection: sa.Connection) -> list[Passkey]:
    """Return every passkey, by label."""
    table = schema.passkey
    rows = connection.execute(sa.select(table).order_by(table.c.label, table.c.id)).all()
    return [Passkey(row.id, row.public_key, row.label) for row in rows]


def find_passkey(connection: sa.Connection, passkey_id: bytes) -> Passkey:
    """Return one passkey.

    Raises:
        NotFound: When it is not enrolled.
    """
    row = connection.execute(sa.select(schema.passkey).where(schema.passkey.c.id == passkey_id)).one_or_none()
    if row is None:
        raise NotFound("this passkey is not enrolled here", code="no-passkey")
    return Passkey(row.id, row.public_key, row.label)


def remove_passkey(transaction: Transaction, passkey_id: bytes) -> None:
    """Forget a passkey and end its sessions.

    Raises:
        NotFound: When it is not enrolled.
    """
    find_passkey(transaction.connection, passkey_id)
    transaction.connection.execute(sa.delete(schema.passkey).where(schema.passkey.c.id == passkey_id))
    sessions = schema.operator_session
    transaction.connection.execute(sa.delete(sessions).where(sessions.c.passkey == passkey_id))


def open_session(
    transaction: Transaction, passkey_id: bytes, *, challenge: bytes, challenge_ends_ms: int, now_ms: int
) -> str:
    """Spend a challenge and return the secret of a new session.

    Args:
        transaction: The write.
        passkey_id: Has signed the challenge.
        challenge: Given out by this server.
        challenge_ends_ms: It would not be taken later than this.
        now_ms: Since 1970.

    Raises:
        Unauthorized: When the challenge was spent already.
        NotFound: When the passkey was removed meanwhile.
    """
    connection, spent = transaction.connection, schema.spent_challenge
    find_passkey(connection, passkey_id)
    hashed = hashlib.sha256(challenge).digest()
    if connection.execute(sa.select(spent.c.ends_ms).where(spent.c.hash == hashed)).first() is not None:
        raise Unauthorized("this signature was used already", hint="sign in again", code="spent-challenge")
    connection.execute(sa.insert(spent).values(hash=hashed, ends_ms=challenge_ends_ms))
    secret = tokens.new_secret()
    row = {
        "hash": tokens.secret_hash(secret, "session"),
        "passkey": passkey_id,
        "ends_ms": now_ms + SESSION_S * 1000,
    }
    connection.execute(sa.insert(schema.operator_session).values(**row))
    return secret


def find_session(connection: sa.Connection, secret: str, *, now_ms: int) -> Session:
    """Return who is signed in under a secret.

    Raises:
        Unauthorized: When nobody is (any more).
    """
    table, key = schema.operator_session, schema.passkey
    hashed = tokens.secret_hash(secret, "session")
    row = connection.execute(
        sa.select(key, table.c.ends_ms)
        .join(key, key.c.id == table.c.passkey)
        .where(table.c.hash == hashed, table.c.ends_ms > now_ms)
    ).one_or_none()
    if row is None:
        raise Unauthorized("nobody is signed in here any more", hint="sign in again", code="no-session")
    return Session(Passkey(row.id, row.public_key, row.label), row.ends_ms)


def close_session(transaction: Transaction, secret: str) -> None:
    """End a session; once more changes nothing."""
    table = schema.operator_session
    hashed = tokens.secret_hash(secret, "session")
    transaction.connection.execute(sa.delete(table).where(table.c.hash == hashed))


def forget_ended(transaction: Transaction, *, now_ms: int) -> None:
    """Delete links, sessions and spent challenges whose time is over."""
    for table in _DYING:
        transaction.connection.execute(sa.delete(table).where(table.c.ends_ms <= now_ms))


def is_ended_due(connection: sa.Connection, *, now_ms: int) -> bool:
    """Return whether `forget_ended` would delete something."""
    return any(
        connection.execute(sa.select(table.c.hash).where(table.c.ends_ms <= now_ms).limit(1)).first() is not None
        for table in _DYING
    )


def forget_all(transaction: Transaction) -> None:
    """End every session and every link: for a copy that must not let anybody in."""
    for table in _DYING:
        transaction.connection.execute(sa.delete(table))
