"""What was taken back, as a list that outlives the server's disk: without it a restored backup would bring it back.

The list names pictures that were erased, bundles that their owners erased, and pictures that a report hides. It holds
no place, no time and no order; that a picture is gone is told to every reader anyway.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from dashlight.errors import HostError, InputError
from dashlight.store import schema, withdraw
from dashlight.store.bundles import erase_bundle
from dashlight.store.database import Database, Transaction
from dashlight.store.objects import Objects
from dashlight.store.schema import BundleState, PictureState

DATABASE = "dashlight.sqlite"
_FIRST_LINE = "dashlight erasures 1"
_UUID_BYTES, _SHA256_BYTES = 16, 32


@dataclass(frozen=True, slots=True)
class Erasures:
    """What was taken back at a server up to some moment.

    Attributes:
        pictures: Ids of erased pictures, 16 bytes each.
        bundles: SHA-256 of erased bundles, 32 bytes each.
        hidden: Ids of pictures that are hidden until a report is decided, 16 bytes each.
    """

    pictures: frozenset[bytes] = frozenset()
    bundles: frozenset[bytes] = frozenset()
    hidden: frozenset[bytes] = frozenset()

    def __or__(self, other: Erasures) -> Erasures:
        """Return what either names."""
        return Erasures(self.pictures | other.pictures, self.bundles | other.bundles, self.hidden | other.hidden)


def read_only(path: Path, *, is_still: bool = False) -> sqlite3.Connection:
    """Return a connection that cannot write, beside a running server too; the caller closes it.

    Args:
        path: Of the database.
        is_still: Whether nobody writes there: then no file is made beside it, and the disk may be a read-only one.

    Raises:
        InputError: When there is no database.
        HostError: When it cannot be read.
    """
    if not path.is_file():
        raise InputError(f"there is no server's data in {path.parent}", code="no-server-data")
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' * is_still}",
            uri=True,
            isolation_level=None,
            timeout=10.0,
        )
        connection.execute("SELECT number FROM picture LIMIT 1").fetchone()
    except sqlite3.Error as exc:
        raise HostError(f"cannot read the database {path}: {exc}", code="database") from exc
    return connection


def erasures_in(path: Path, *, is_still: bool = False) -> Erasures:
    """Return what the database at `path` knows to be taken back; `is_still` is as in `read_only`.

    Raises:
        InputError: When there is no database.
        HostError: When it cannot be read.
    """
    connection = read_only(path, is_still=is_still)
    try:
        connection.execute("BEGIN")  # One moment for all three.
        return Erasures(
            frozenset(row[0] for row in connection.execute("SELECT id FROM gone")),
            frozenset(
                row[0]
                for row in connection.execute("SELECT sha256 FROM bundle WHERE state = ?", (int(BundleState.ERASED),))
            ),
            frozenset(
                row[0]
                for row in connection.execute("SELECT id FROM picture WHERE state = ?", (int(PictureState.HIDDEN),))
            ),
        )
    except sqlite3.Error as exc:
        raise HostError(f"cannot read the database {path}: {exc}", code="database") from exc
    finally:
        connection.close()


def erasures_from(path: Path) -> Erasures:
    """Return what a list, or a folder with a server's data or a backup, names.

    Raises:
        InputError: When it is neither, or a list that was cut short.
        HostError: When it cannot be read.
    """
    if path.is_dir():
        return erasures_in(path / DATABASE)
    try:
        return decode_erasures(path.read_bytes())
    except FileNotFoundError as exc:
        raise InputError(f"there is no list of erasures at {path}", code="no-erasures") from exc
    except OSError as exc:
        raise HostError(f"cannot read {path}: {exc.strerror}", code="disk") from exc


def encode_erasures(erasures: Erasures) -> bytes:
    """Return a list as text, sorted; its last line says how many lines there are, so that none is missed."""
    lines = [f"picture {UUID(bytes=each)}" for each in sorted(erasures.pictures)]
    lines += [f"bundle {each.hex()}" for each in sorted(erasures.bundles)]
    lines += [f"hidden {UUID(bytes=each)}" for each in sorted(erasures.hidden)]
    return "\n".join([_FIRST_LINE, *lines, f"end {len(lines)}", ""]).encode()


def decode_erasures(content: bytes) -> Erasures:
    """Return what a list names.

    Raises:
        InputError: When it is not one, or was cut short.
    """
    try:
        lines = content.decode("ascii").splitlines()
    except ValueError as exc:
        raise InputError("not a list of erasures: it is not text", code="bad-erasures") from exc
    if len(lines) < 2 or lines[0] != _FIRST_LINE or lines[-1] != f"end {len(lines) - 2}":
        raise InputError(
            f"not a whole list of erasures: it does not begin with {_FIRST_LINE!r} or its last line does not say "
            f"`end {max(0, len(lines) - 2)}`",
            hint="write it again with `dashlight store erasures`",
            code="bad-erasures",
        )
    found: dict[str, set[bytes]] = {"picture": set(), "bundle": set(), "hidden": set()}
    for number, line in enumerate(lines[1:-1], 2):
        kind, _, name = line.partition(" ")
        try:
            raw = bytes.fromhex(name.replace("-", ""))
        except ValueError:
            raw = b""
        if kind not in found or len(raw) != (_SHA256_BYTES if kind == "bundle" else _UUID_BYTES):
            raise InputError(f"line {number} of the list of erasures names nothing: {line!r:.80}", code="bad-erasures")
        found[kind].add(raw)
    return Erasures(frozenset(found["picture"]), frozenset(found["bundle"]), frozenset(found["hidden"]))


def take_back(database: Database, objects: Objects, erasures: Erasures) -> int:
    """Erase and hide in a store what a list names, and zero the bytes; return how many pictures that changed.

    What the store never had is remembered as gone, so that it is not taken in later. No server may run on it.
    """
    count = database.write(lambda t: _take_back(t, erasures))
    withdraw.finish_erasures(database, objects)
    database.forget_journal()
    return count


def _take_back(transaction: Transaction, erasures: Erasures) -> int:
    connection, bundle = transaction.connection, schema.bundle
    before = _count(transaction)
    erased = (_held(transaction, each) for each in sorted(erasures.pictures))
    withdraw.erase(transaction, [number for number in erased if number is not None])
    for sha256 in sorted(erasures.bundles):
        if connection.execute(sa.select(bundle.c.state).where(bundle.c.sha256 == sha256)).first() is not None:
            erase_bundle(transaction, sha256)
        else:
            state = int(BundleState.ERASED)
            connection.execute(sa.insert(bundle).values(sha256=sha256, state=state, receipt=b""))
    for each in sorted(erasures.pictures):
        is_told = sa.exists().where(schema.gone.c.id == each)
        row = sa.select(sa.literal(each)).where(~is_told)
        connection.execute(sa.insert(schema.gone).from_select(["id"], row))
    hidden = 0
    for each in sorted(erasures.hidden):
        number = _held(transaction, each)
        if number is not None:
            hidden += withdraw.hide(transaction, number)
    return before - _count(transaction) + hidden


def _held(transaction: Transaction, picture_id: bytes) -> int | None:
    """Return the number of a picture that is there."""
    picture = schema.picture
    row = transaction.connection.execute(sa.select(picture.c.number).where(picture.c.id == picture_id)).first()
    return None if row is None else int(row.number)


def _count(transaction: Transaction) -> int:
    query = sa.select(sa.func.count()).select_from(schema.picture)
    return int(transaction.connection.execute(query).scalar_one())
