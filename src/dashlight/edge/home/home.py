"""The edge's home: seed, enrolment and the lock that lets only one process redact and spool at a time.

seed             32 random bytes, mode 0600; whoever has it can erase everything that was published with it
enrolment.json   server, its pinned key, credential, policy, licence; mode 0600
ledger.sqlite    what was seen, spooled, acknowledged (`edge.home.ledger`)
spool/           bundles that wait for their receipt (`edge.spool.Spool`)
lock.sqlite      held by `import` and `run`; the operating system lets go of it however the process ends
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dashlight.errors import Corrupt, HostError, Unauthorized
from dashlight.model import LICENSES, Policy
from dashlight.store.durable import fsync_folder, part_path, write_durably
from dashlight.wire import SEED_SIZE_BYTES, from_base64url, to_base64url

DEFAULT_LICENSE = "CC-BY-SA-4.0"


@dataclass(frozen=True, slots=True)
class Choices:
    """Under what pictures are published.

    Attributes:
        policy: See docs/explanation/publication.md.
        license_id: SPDX identifier.
        attribution: The name a mapper chose (`open` only), or None.
    """

    policy: Policy = Policy.PERSONAL
    license_id: str = DEFAULT_LICENSE
    attribution: str | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an edge and its server agreed on.

    Attributes:
        server: Its address, without a slash at the end.
        server_key: Its public key, pinned; receipts by another key are worth nothing.
        credential: Proves the enrolment when tokens are fetched; never sent with a bundle.
        policy: Under which everything is published.
        license_id: SPDX identifier of the pictures' licence.
        attribution: The name a mapper chose (`open` only), or None.
    """

    server: str
    server_key: bytes
    credential: str = field(repr=False)
    policy: Policy
    license_id: str
    attribution: str | None = None


class Home:
    """The folder of one edge.

    Args:
        path: Made with mode 0700 when absent.

    Raises:
        HostError: When it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            raise HostError(
                f"cannot make the folder {path}: {exc.strerror}", hint="name another one with --home"
            ) from exc

    @property
    def ledger_path(self) -> Path:
        """Where the ledger lies."""
        return self.path / "ledger.sqlite"

    @property
    def spool_path(self) -> Path:
        """Where bundles wait."""
        return self.path / "spool"

    def seed(self) -> bytes:
        """Return the contributor's seed; made, durably, at the first call.

        Raises:
            Corrupt: When the file does not hold 32 bytes. It is never replaced: it erases what was published.
            HostError: When it cannot be read or written.
        """
        path = self.path / "seed"
        try:
            seed = path.read_bytes()
        except FileNotFoundError:
            seed = self._new_seed(path)
        except OSError as exc:
            raise HostError(f"cannot read {path}: {exc.strerror}") from exc
        if len(seed) != SEED_SIZE_BYTES:
            raise Corrupt(
                f"{path} has {len(seed)} bytes, not {SEED_SIZE_BYTES}",
                hint="bring it back from your backup: without it published pictures cannot be erased",
            )
        return seed

    @staticmethod
    def _new_seed(path: Path) -> bytes:
        """Make the seed, whole and durable; of two commands that do so at once, one does and both return its seed."""
        part = part_path(path.parent)
        write_durably(part, secrets.token_bytes(SEED_SIZE_BYTES), mode=0o600)
        try:
            with contextlib.suppress(FileExistsError):
                os.link(part, path)
            part.unlink()
            fsync_folder(path.parent)
            return path.read_bytes()
        except OSError as exc:
            raise HostError(f"cannot make {path}: {exc.strerror}", hint="the folder needs a disk with links") from exc

    def enrolment(self) -> Enrolment | None:
        """Return the enrolment, or None before there is one.

        Raises:
            Corrupt: When the file is not as `enroll` wrote it.
        """
        path = self.path / "enrolment.json"
        try:
            members = json.loads(path.read_bytes())
            return _from_json(members)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise HostError(f"cannot read {path}: {exc.strerror}") from exc
        except (KeyError, TypeError, ValueError) as exc:
            raise Corrupt(f"{path} is not an enrolment: {exc}", hint="enrol again with a new invite") from exc

    def required_enrolment(self) -> Enrolment:
        """Return the enrolment.

        Raises:
            Unauthorized: When there is none.
        """
        enrolment = self.enrolment()
        if enrolment is None:
            raise Unauthorized(
                "this edge is not enrolled with any server",
                hint="dashlight edge enroll --server URL --invite CODE --policy personal",
            )
        return enrolment

    def save_enrolment(self, enrolment: Enrolment) -> None:
        """Store an enrolment durably; it takes the place of an earlier one."""
        members = {
            "server": enrolment.server,
            "server_key": to_base64url(enrolment.server_key),
            "credential": enrolment.credential,
            "policy": str(enrolment.policy),
            "license": enrolment.license_id,
            "attribution": enrolment.attribution,
        }
        write_durably(self.path / "enrolment.json", json.dumps(members, indent=2).encode(), mode=0o600)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the home for redacting and spooling; the lock ends with the process, however that ends.

        Raises:
            HostError: When another process holds it.
        """
        try:
            connection = sqlite3.connect(self.path / "lock.sqlite", timeout=0, isolation_level=None)
        except sqlite3.Error as exc:
            raise HostError(f"cannot open the lock in {self.path}: {exc}") from exc
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as exc:
            connection.close()
            raise HostError(
                f"another dashlight works in {self.path}: {exc}",
                hint="wait for it, stop it, or use another --home",
                code="locked",
            ) from exc
        try:
            yield
        finally:
            connection.rollback()
            connection.close()


def _from_json(members: dict[str, Any]) -> Enrolment:
    license_id = members["license"]
    if license_id not in LICENSES:
        raise ValueError(f"licence {license_id!r}")
    try:
        server_key = from_base64url(members["server_key"], size=32)
    except Corrupt as exc:
        raise ValueError(exc.message) from exc
    return Enrolment(
        server=str(members["server"]),
        server_key=server_key,
        credential=str(members["credential"]),
        policy=Policy(members["policy"]),
        license_id=license_id,
        attribution=members.get("attribution"),
    )
