"""Bundles at the door: what is known of one, accepting it, and taking it back."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from dashlight.errors import Conflict, NotFound, PrivacyError, Unauthorized
from dashlight.model import Policy
from dashlight.store import moderated, withdraw
from dashlight.store.database import Transaction
from dashlight.store.publish import NewPicture, add_object, publish
from dashlight.store.schema import BundleState, bundle, export_file, object_, picture, refused, terms, token


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that is durable and waits for its rows."""

    key: str
    size_bytes: int
    head_bytes: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """A bundle that was verified and whose receipt is signed.

    Attributes:
        sha256: 32 bytes.
        policy: It claims and keeps.
        public_key: Of the bundle, 32 bytes.
        sequence: Of its pictures, or None.
        pictures: To be published; empty for `personal`, whose bundle is only staged.
        stored: Its bytes.
        receipt: As it goes to the client.
    """

    sha256: bytes
    policy: Policy
    public_key: bytes
    sequence: UUID | None
    pictures: Sequence[NewPicture]
    stored: StoredObject
    receipt: bytes


@dataclass(frozen=True, slots=True)
class Staged:
    """A `personal` bundle that waits for the daily batch."""

    sha256: bytes
    key: str
    size_bytes: int
    object_number: int


def check_token(connection: sa.Connection, token_hash: bytes, sha256: bytes) -> Policy:
    """Return the policy of a token that may upload the bundle `sha256`.

    Raises:
        Unauthorized: When it is not one of this server's.
        Conflict: When it is spent on another bundle.
    """
    row = connection.execute(sa.select(token).where(token.c.hash == token_hash)).one_or_none()
    if row is None or not hmac.compare_digest(row.hash, token_hash):
        raise Unauthorized("the token is not one of this server's", hint="draw new ones", code="bad-token")
    if row.bundle is not None and row.bundle != sha256:
        raise Conflict("the token is spent on another bundle", hint="use another token", code="token-spent")
    return Policy(row.policy)


def known_receipt(connection: sa.Connection, sha256: bytes, *, policy: Policy) -> bytes | None:
    """Return the receipt of a bundle that was accepted, or None when it was not.

    Args:
        connection: To read with.
        sha256: Of the bundle, 32 bytes.
        policy: Of the token that asks.

    Raises:
        Unauthorized: When the token is for bundles of another policy.
        Conflict: When it was erased: what was taken back is not published again.
    """
    row = connection.execute(sa.select(bundle).where(bundle.c.sha256 == sha256)).one_or_none()
    if row is None:
        return None
    held = _policy_of(connection, row)
    if held is not None and held is not policy:
        raise Unauthorized(f"the token is for {policy} bundles; this one is {held}", code="bad-token")
    if row.state == BundleState.ERASED:
        raise Conflict("this bundle was erased by its owner and is not published again", code="erased")
    return bytes(row.receipt)


def _policy_of(connection: sa.Connection, row: sa.Row[*tuple[Any, ...]]) -> Policy | None:
    """Return the policy of a known bundle, or None when nothing is left that says it."""
    if row.state in (BundleState.STAGED, BundleState.TAKEN_APART):
        return Policy.PERSONAL
    if row.object is None:
        return None
    query = sa.select(terms.c.policy).join(picture, picture.c.terms == terms.c.number)
    found = connection.execute(query.where(picture.c.object == row.object).limit(1)).scalar()
    return None if found is None else Policy(found)


def check_not_refused(connection: sa.Connection, sha256: bytes) -> None:
    """Check that the second look has not refused the bundle before.

    Raises:
        PrivacyError: When it has.
    """
    if connection.execute(sa.select(refused.c.day).where(refused.c.sha256 == sha256)).first() is not None:
        raise PrivacyError(
            "the second look refused this bundle before",
            hint="nothing of it was kept; redact the recordings again with a newer dashlight",
            code="refused-before",
        )


def refuse(transaction: Transaction, sha256: bytes, token_hash: bytes, *, day: int) -> None:
    """Remember that the second look refused a bundle, and spend its token; once more changes nothing.

    Args:
        transaction: The write.
        sha256: Of the bundle, 32 bytes.
        token_hash: Of the token it came with.
        day: Today as days since 1970-01-01.
    """
    connection = transaction.connection
    if connection.execute(sa.select(refused.c.day).where(refused.c.sha256 == sha256)).first() is None:
        connection.execute(sa.insert(refused).values(sha256=sha256, day=day))
        moderated.count(transaction, issue=moderated.UPLOAD, decision=moderated.REFUSED, day=day)
    connection.execute(
        sa.update(token).where(token.c.hash == token_hash, token.c.bundle.is_(None)).values(bundle=sha256)
    )


def accept(transaction: Transaction, accepted: Accepted, token_hash: bytes) -> tuple[bytes, bool]:
    """Spend the token and publish or stage the bundle; all of it or nothing.

    Returns:
        The receipt, and whether it is this one: False when the bundle was accepted before, whose receipt it then is.

    Raises:
        Unauthorized: When the token is not this server's or for another policy.
        Conflict: When the token is spent on another bundle, or the bundle was erased.
        PrivacyError: When the second look refused the bundle.
    """
    connection = transaction.connection
    policy = check_token(connection, token_hash, accepted.sha256)
    check_not_refused(connection, accepted.sha256)
    if policy is not accepted.policy:
        raise Unauthorized(f"the token is for {policy} bundles; this one is {accepted.policy}", code="bad-token")
    known = known_receipt(connection, accepted.sha256, policy=policy)
    if known is not None:
        return known, False
    stored = accepted.stored
    number = add_object(transaction, stored.key, size_bytes=stored.size_bytes, head_bytes=stored.head_bytes)
    is_staged = accepted.policy is Policy.PERSONAL
    connection.execute(
        sa.insert(bundle).values(
            sha256=accepted.sha256,
            state=int(BundleState.STAGED if is_staged else BundleState.PUBLISHED),
            receipt=accepted.receipt,
            public_key=accepted.public_key,
            object=number,
        )
    )
    connection.execute(sa.update(token).where(token.c.hash == token_hash).values(bundle=accepted.sha256))
    if not is_staged:
        publish(
            transaction,
            accepted.pictures,
            policy=accepted.policy,
            object_number=number,
            sequence=accepted.sequence,
        )
    return accepted.receipt, True


def bundle_key(connection: sa.Connection, sha256: bytes) -> bytes:
    """Return the public key whose holder may erase the bundle.

    Raises:
        NotFound: When there is no such bundle, or its key was forgotten (`personal`, after the batch).
    """
    row = connection.execute(sa.select(bundle.c.public_key).where(bundle.c.sha256 == sha256)).one_or_none()
    if row is None or row.public_key is None:
        raise NotFound(
            "there is no such bundle, or it was taken apart",
            hint="erase pictures of a personal bundle one by one, by their deletion secrets",
            code="no-bundle",
        )
    return bytes(row.public_key)


def erase_bundle(transaction: Transaction, sha256: bytes) -> None:
    """Erase a bundle and all its pictures; once more changes nothing. The caller finishes the erasures."""
    connection = transaction.connection
    row = connection.execute(sa.select(bundle).where(bundle.c.sha256 == sha256)).one()
    if row.state not in (BundleState.PUBLISHED, BundleState.STAGED):
        return
    connection.execute(
        sa.update(bundle)
        .where(bundle.c.sha256 == sha256)
        .values(state=int(BundleState.ERASED), receipt=b"", object=None)
    )
    if row.object is None:  # Its pictures were all erased one by one.
        return
    numbers = connection.execute(sa.select(picture.c.number).where(picture.c.object == row.object)).scalars().all()
    if numbers:
        withdraw.erase(transaction, numbers)
    elif row.state == BundleState.STAGED:
        withdraw.remove_object(transaction, row.object)


def staged_bundles(connection: sa.Connection) -> list[Staged]:
    """Return the `personal` bundles that wait, in no order that tells anything."""
    query = (
        sa.select(bundle.c.sha256, object_.c.key, object_.c.size_bytes, object_.c.number)
        .join(object_, object_.c.number == bundle.c.object)
        .where(bundle.c.state == int(BundleState.STAGED))
        .order_by(bundle.c.sha256)
    )
    return [Staged(*row) for row in connection.execute(query)]


def take_apart(transaction: Transaction, staged: Staged) -> bool:
    """Forget a staged bundle's key and manifest; return False when its owner erased it meanwhile."""
    connection = transaction.connection
    result = connection.execute(
        sa.update(bundle)
        .where(bundle.c.sha256 == staged.sha256, bundle.c.state == int(BundleState.STAGED))
        .values(state=int(BundleState.TAKEN_APART), public_key=None, object=None)
    )
    if result.rowcount == 0:
        return False
    withdraw.remove_object(transaction, staged.object_number)
    return True


def stored_bytes(connection: sa.Connection) -> int:
    """Return how much all bundles that are kept take; a look at each of their rows."""
    return int(connection.execute(sa.select(sa.func.sum(object_.c.size_bytes))).scalar() or 0)


def object_keys(connection: sa.Connection) -> set[str]:
    """Return the key of every object that has a row."""
    return set(connection.execute(sa.select(object_.c.key)).scalars())


def named_keys(connection: sa.Connection, keys: Sequence[str]) -> set[str]:
    """Return those of `keys` that a row names."""
    named = (sa.select(column).where(column.in_(keys)) for column in (object_.c.key, export_file.c.key))
    return {key for query in named for key in connection.execute(query).scalars()}


def is_object(connection: sa.Connection, key: str) -> bool:
    """Return whether a row names the object `key`."""
    return connection.execute(sa.select(object_.c.number).where(object_.c.key == key)).first() is not None
