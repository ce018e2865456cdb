"""The ledger's bundles: on their way into the spool, with their tokens, and on their way out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from dashlight.edge.home.ledger.file import LedgerFile
from dashlight.edge.home.ledger.rows import BundleRow, BundleState, PictureRow, RecordingState, Terms
from dashlight.errors import NotFound
from dashlight.model import LonLat
from dashlight.publication import HiddenPlace

_BUNDLE = (
    "number, sha256, size_bytes, pictures, policy, sequence, state, not_before,"
    " attempts, reason, code, receipt, forget_at"
)


class BundleTable(LedgerFile):
    """The bundles and the tokens that pay for them."""

    # Bundles on their way in.

    def reserve_bundle_number(self) -> int:
        """Return a number that no bundle had and none will have again, also after a crash."""
        with self.transaction() as db:
            found = db.execute(
                "UPDATE meta SET value = value + 1 WHERE key = 'next_bundle_number' RETURNING value - 1"
            ).fetchone()
        return int(found[0])

    def add_bundle(
        self,
        bundle: BundleRow,
        pictures: Sequence[PictureRow],
        *,
        now: float,
        slots: Iterable[str] = (),
        terms: Terms | None = None,
    ) -> frozenset[int]:
        """Record a bundle whose file is in the spool, and its pictures, in one transaction.

        Another process may have forgotten a recording or hidden a place since the pictures were chosen: then nothing
        is recorded, and the caller makes a bundle without them.

        Args:
            bundle: Its state is taken as `spooled`.
            pictures: In its order.
            now: Unix seconds.
            slots: The slots of the policy's density rule that the pictures fill.
            terms: What its manifest says of its licence, when that is known.

        Returns:
            The places in `pictures` of those that may not be told any more; none when the bundle is recorded.

        Raises:
            HostError: When one of the pictures is in another bundle already.
        """
        with self.transaction() as db:
            withdrawn = _withdrawn(db, pictures)
            if withdrawn:
                return withdrawn
            db.execute(
                "INSERT INTO bundles (number, sha256, size_bytes, pictures, policy, sequence, state, not_before,"
                " created_at) VALUES (?,?,?,?,?,?,?,?,?)",
                (
                    bundle.number,
                    bundle.sha256,
                    bundle.size_bytes,
                    len(pictures),
                    bundle.policy,
                    bundle.sequence,
                    BundleState.SPOOLED,
                    bundle.not_before,
                    now,
                ),
            )
            db.executemany(
                "INSERT INTO pictures (recording, offset_ms, bundle, number, lon, lat, heading_deg)"
                " VALUES (?,?,?,?,?,?,?)",
                [
                    (p.recording, p.offset_ms, bundle.number, n, p.lon, p.lat, p.heading_deg)
                    for n, p in enumerate(pictures)
                ],
            )
            db.executemany("INSERT OR IGNORE INTO slots VALUES (?)", [(key,) for key in slots])
            if terms is not None:
                _save_terms(db, bundle.number, terms)
        return frozenset()

    def sealed_otherwise(self, policy: str, terms: Terms) -> list[BundleRow]:
        """Return the bundles of a policy that were never sent and have other terms, or terms that are not known."""
        return self._bundles(
            "state = ? AND policy = ? AND attempts = 0 AND forget_at IS NULL AND number NOT IN"
            " (SELECT bundle FROM terms WHERE license = ? AND attribution IS ?)",
            (BundleState.SPOOLED, policy, terms.license_id, terms.attribution),
        )

    def reseal(self, bundle: BundleRow, sha256: str, size_bytes: int, terms: Terms) -> bool:
        """Store that another archive stands for a bundle; return False when it was sent or taken back meanwhile."""
        with self.transaction() as db:
            changed = db.execute(
                "UPDATE bundles SET sha256 = ?, size_bytes = ?"
                " WHERE number = ? AND state = ? AND attempts = 0 AND forget_at IS NULL",
                (sha256, size_bytes, bundle.number, BundleState.SPOOLED),
            )
            if changed.rowcount == 1:
                _save_terms(db, bundle.number, terms)
        return changed.rowcount == 1

    def slots(self) -> frozenset[str]:
        """Return the slots of the density rule that are filled."""
        return frozenset(row[0] for row in self.rows("SELECT key FROM slots"))

    # Bundles on their way out.

    def due(self, now: float, *, policy: str) -> list[BundleRow]:
        """Return the bundles of a policy that may be sent now: those tried least often first, then the oldest.

        One that always fails is so never in the way of the others for longer than a pass.
        """
        return self._bundles(
            "state = ? AND not_before <= ? AND policy = ? AND forget_at IS NULL",
            (BundleState.SPOOLED, now, policy),
            order="attempts, number",
        )

    def bundles(self, *states: BundleState) -> list[BundleRow]:
        """Return the bundles in any of `states`, oldest first; of all when none is named."""
        marks = ",".join("?" * len(states))
        return self._bundles(f"state IN ({marks})" if states else "1", states)

    def bundle(self, sha256: str) -> BundleRow:
        """Return one bundle.

        Raises:
            NotFound: When there is none of that hash.
        """
        found = self._bundles("sha256 = ?", (sha256,))
        if not found:
            raise NotFound(f"the ledger has no bundle {sha256}")
        return found[0]

    def _bundles(self, where: str, values: Sequence[Any], *, order: str = "number") -> list[BundleRow]:
        rows = self.rows(f"SELECT {_BUNDLE} FROM bundles WHERE {where} ORDER BY {order}", values)  # noqa: S608
        return [_bundle_row(row) for row in rows]

    def add_tokens(self, tokens: Iterable[str], policy: str) -> None:
        """Store upload tokens."""
        with self.transaction() as db:
            db.executemany("INSERT OR IGNORE INTO tokens VALUES (?, ?)", [(t, policy) for t in tokens])

    def tokens_left(self) -> int:
        """Return how many unspent tokens are stored."""
        return int(self.rows("SELECT count(*) FROM tokens")[0][0])

    def token_for(self, number: int) -> str | None:
        """Return the token of a bundle, bound to it before this returns; None when there is none left."""
        with self.transaction() as db:
            bound, policy = db.execute("SELECT token, policy FROM bundles WHERE number = ?", (number,)).fetchone()
            if bound is not None:
                return str(bound)
            found = db.execute("SELECT token FROM tokens WHERE policy = ? LIMIT 1", (policy,)).fetchone()
            if found is None:
                return None
            db.execute("DELETE FROM tokens WHERE token = ?", found)
            db.execute("UPDATE bundles SET token = ? WHERE number = ?", (found[0], number))
        return str(found[0])

    def drop_token(self, number: int) -> None:
        """Forget the token of a bundle, because the server does not take it."""
        with self.transaction() as db:
            db.execute("UPDATE bundles SET token = NULL WHERE number = ?", (number,))

    def drop_tokens(self) -> None:
        """Forget all tokens: they are another server's."""
        with self.transaction() as db:
            db.execute("DELETE FROM tokens")
            db.execute("UPDATE bundles SET token = NULL WHERE state = ?", (BundleState.SPOOLED,))

    def begin_attempt(self, number: int) -> bool:
        """Count an attempt; return False when the bundle must not be sent (any more)."""
        with self.transaction() as db:
            changed = db.execute(
                "UPDATE bundles SET attempts = attempts + 1 WHERE number = ? AND state = ? AND forget_at IS NULL",
                (number, BundleState.SPOOLED),
            )
        return changed.rowcount == 1

    def note_failure(self, number: int, reason: str, code: str) -> None:
        """Keep why the last attempt failed, for `status`."""
        with self.transaction() as db:
            db.execute("UPDATE bundles SET reason = ?, code = ? WHERE number = ?", (reason, code, number))

    def receive(self, number: int, receipt: bytes, picture_ids: Sequence[str], *, now: float) -> None:
        """Store a verified receipt durably; after this the spool may drop the bundle.

        A bundle that was taken back while it was under way is to be erased at the server (again).
        """
        with self.transaction() as db:
            db.execute(
                "UPDATE bundles SET forget_at = 0.0 WHERE number = ? AND state = ?", (number, BundleState.FORGOTTEN)
            )
            db.execute(
                "UPDATE bundles SET state = ?, receipt = ?, received_at = ?, reason = '', code = ''"
                " WHERE number = ? AND state IN (?, ?)",
                (BundleState.RECEIVED, receipt, now, number, BundleState.SPOOLED, BundleState.REFUSED),
            )
            db.executemany(
                "UPDATE pictures SET picture_id = ? WHERE bundle = ? AND number = ?",
                [(picture_id, number, n) for n, picture_id in enumerate(picture_ids)],
            )

    def refuse(self, number: int, reason: str, code: str) -> None:
        """Park a bundle that the server will never take as it is; the spool keeps it."""
        with self.transaction() as db:
            db.execute(
                "UPDATE bundles SET state = ?, reason = ?, code = ? WHERE number = ? AND state = ?",
                (BundleState.REFUSED, reason, code, number, BundleState.SPOOLED),
            )

    def retry_refused(self) -> int:
        """Put refused bundles back in line, after the owner asked for it, and return how many."""
        with self.transaction() as db:
            changed = db.execute(
                "UPDATE bundles SET state = ?, token = NULL WHERE state = ? AND forget_at IS NULL",
                (BundleState.SPOOLED, BundleState.REFUSED),
            )
        return changed.rowcount


def _save_terms(db: sqlite3.Connection, number: int, terms: Terms) -> None:
    db.execute("INSERT OR REPLACE INTO terms VALUES (?,?,?)", (number, terms.license_id, terms.attribution))


def _withdrawn(db: sqlite3.Connection, pictures: Sequence[PictureRow]) -> frozenset[int]:
    """Return the places in `pictures` of those whose recording is forgotten or whose position is hidden by now."""
    rows = db.execute("SELECT fingerprint FROM recordings WHERE state = ?", (RecordingState.FORGOTTEN,))
    forgotten = {row[0] for row in rows}
    hidden = [HiddenPlace(LonLat(lon, lat), m) for lon, lat, m in db.execute("SELECT lon, lat, radius_m FROM places")]
    return frozenset(
        n
        for n, p in enumerate(pictures)
        if p.recording in forgotten or any(place.hides(LonLat(p.lon, p.lat)) for place in hidden)
    )


def _bundle_row(row: tuple[Any, ...]) -> BundleRow:
    number, sha256, size_bytes, pictures, policy, sequence, state, not_before, *rest = row
    return BundleRow(number, sha256, size_bytes, pictures, policy, sequence, BundleState(state), not_before, *rest)
