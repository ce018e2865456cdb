"""Invites, enrolments and tokens: who may upload, without a trace of who did.

Only SHA-256 hashes are kept; the secrets are 32 random bytes, so a hash tells nothing. A token's row names a policy
and no enrolment, and rows are ordered by hash: which enrolment drew a token cannot be read in the tables.

The journal (`-wal`) does hold, commit by commit, which rows were written together: the enrolment that drew and its
new tokens, and the token and the bundle it was spent on. It is emptied about every half minute, and at a stop. Who
reads the journal in between, or again and again, can tie an enrolment to its tokens and so to its bundles.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from dashlight.errors import Corrupt, Unauthorized, Unavailable
from dashlight.model import Policy
from dashlight.store.database import Transaction
from dashlight.store.schema import enrolment, invite, token
from dashlight.wire import from_base64url, to_base64url

SECRET_BYTES = 32


def new_secret(*, draw: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """Return 32 random bytes as base64url, drawn again while it begins as a flag of a command does.

    Args:
        draw: Returns so many random bytes.
    """
    while (secret := to_base64url(draw(SECRET_BYTES))).startswith("-"):
        pass
    return secret


def secret_hash(secret: str, what: str) -> bytes:
    """Return the SHA-256 of a secret's bytes.

    Raises:
        Unauthorized: When `secret` is not 32 bytes of base64url.
    """
    try:
        return hashlib.sha256(from_base64url(secret, size=SECRET_BYTES)).digest()
    except Corrupt as exc:
        raise Unauthorized(f"the {what} is not one of this server's", code=f"bad-{what}") from exc


def create_invite(transaction: Transaction, policy: Policy) -> str:
    """Return a new invite for one enrolment of `policy`."""
    secret = new_secret()
    transaction.connection.execute(sa.insert(invite).values(hash=secret_hash(secret, "invite"), policy=str(policy)))
    return secret


def enrol(transaction: Transaction, invite_secret: str, policy: Policy, license_id: str) -> str:
    """Spend an invite and return the credential of a new enrolment.

    Raises:
        Unauthorized: When the invite is spent, forged or for another policy.
    """
    hashed = secret_hash(invite_secret, "invite")
    row = transaction.connection.execute(sa.select(invite).where(invite.c.hash == hashed)).one_or_none()
    if row is None or not hmac.compare_digest(row.hash, hashed):
        raise Unauthorized(
            "the invite is spent or not one of this server's", hint="ask the operator for another", code="bad-invite"
        )
    if row.policy != policy:
        raise Unauthorized(
            f"the invite is for {row.policy}, not {policy}",
            hint=f"enrol with --policy {row.policy}, or ask the operator for an invite for {policy}",
            code="bad-invite",
        )
    credential = new_secret()
    transaction.connection.execute(sa.delete(invite).where(invite.c.hash == hashed))
    transaction.connection.execute(
        sa.insert(enrolment).values(
            hash=secret_hash(credential, "credential"),
            policy=str(policy),
            license=license_id,
            drawn_day=0,
            drawn_tokens=0,
        )
    )
    return credential


def enrolled_terms(connection: sa.Connection, credential: str) -> tuple[Policy, str]:
    """Return policy and licence of an enrolment.

    Raises:
        Unauthorized: When the credential is not one of this server's.
    """
    row = _enrolment(connection, secret_hash(credential, "credential"))
    return Policy(row.policy), str(row.license)


def _enrolment(connection: sa.Connection, hashed: bytes) -> sa.Row[tuple[Any, ...]]:
    row = connection.execute(sa.select(enrolment).where(enrolment.c.hash == hashed)).one_or_none()
    if row is None or not hmac.compare_digest(row.hash, hashed):
        raise Unauthorized("the credential is not one of this server's", code="bad-credential")
    return row


def draw_tokens(transaction: Transaction, credential: str, count: int, *, day: int, per_day: int) -> list[str]:
    """Return new tokens for the credential's policy.

    Args:
        transaction: The write.
        credential: Of an enrolment.
        count: How many.
        day: Today as days since 1970-01-01.
        per_day: How many an enrolment may draw in a day.

    Raises:
        Unauthorized: When the credential is not one of this server's.
        Unavailable: When today's tokens are drawn.
    """
    hashed = secret_hash(credential, "credential")
    connection = transaction.connection
    row = _enrolment(connection, hashed)
    drawn = row.drawn_tokens if row.drawn_day == day else 0
    if drawn + count > per_day:
        raise Unavailable(
            f"{drawn} tokens were drawn today and {count} more are over {per_day}",
            hint="try again tomorrow",
            code="token-budget",
            retry_after_s=3600.0,
        )
    connection.execute(
        sa.update(enrolment).where(enrolment.c.hash == hashed).values(drawn_day=day, drawn_tokens=drawn + count)
    )
    tokens = [new_secret() for _ in range(count)]
    rows = [{"hash": secret_hash(t, "token"), "policy": row.policy, "bundle": None} for t in tokens]
    connection.execute(sa.insert(token), rows)
    return tokens


def count_enrolments(connection: sa.Connection, policy: Policy) -> int:
    """Return how many enrolments of `policy` there are."""
    query = sa.select(sa.func.count()).select_from(enrolment).where(enrolment.c.policy == str(policy))
    return int(connection.execute(query).scalar_one())
