"""The ledger's erasures: what was taken back, and what of it the server still has to be told."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from dashlight.edge.home.ledger.bundles import BundleTable
from dashlight.edge.home.ledger.pictures import PictureTable
from dashlight.edge.home.ledger.recordings import RecordingTable
from dashlight.edge.home.ledger.rows import BundleRow, BundleState, PictureRow, RecordingState
from dashlight.model import Policy


class ErasureTable(RecordingTable, BundleTable, PictureTable):
    """What is to be erased (`forget_at`, Unix seconds) and what is."""

    def forget_recordings(self, fingerprints: Iterable[str]) -> None:
        """See to it that nothing is taken of these recordings again."""
        with self.transaction() as db:
            db.executemany(
                "UPDATE recordings SET state = ? WHERE fingerprint = ?",
                [(RecordingState.FORGOTTEN, name) for name in fingerprints],
            )

    def withdraw_bundle(self, number: int, *, gone: Iterable[int]) -> None:
        """Take back a bundle that has no receipt; the pictures in `gone` are never taken again.

        When a byte of it may have been sent, it is to be erased at the server at once.
        """
        with self.transaction() as db:
            db.execute(
                "UPDATE bundles SET state = ?, forget_at = CASE WHEN attempts > 0 THEN 0.0 END WHERE number = ?",
                (BundleState.FORGOTTEN, number),
            )
            db.execute(
                "UPDATE recordings SET state = ? WHERE state = ? AND fingerprint IN"
                " (SELECT recording FROM pictures WHERE bundle = ?)",
                (RecordingState.OPEN, RecordingState.DONE, number),
            )
            db.executemany(
                "UPDATE pictures SET state = 'forgotten' WHERE bundle = ? AND number = ?", [(number, n) for n in gone]
            )
            if _may_be_anonymous(db, number):
                # Taken again they could be public twice; erasing them still needs the rows.
                db.execute("UPDATE pictures SET state = 'forgotten' WHERE bundle = ?", (number,))
            else:
                db.execute("DELETE FROM pictures WHERE bundle = ? AND state <> 'forgotten'", (number,))

    def erase_bundle_at(self, number: int, at: float) -> None:
        """Have a bundle erased at the server."""
        with self.transaction() as db:
            db.execute("UPDATE bundles SET forget_at = ? WHERE number = ?", (at, number))

    def erase_pictures_at(self, pictures: Iterable[tuple[PictureRow, float]]) -> None:
        """Have pictures erased at the server, each at its own time."""
        with self.transaction() as db:
            db.executemany(
                "UPDATE pictures SET forget_at = ? WHERE recording = ? AND offset_ms = ?",
                [(at, p.recording, p.offset_ms) for p, at in pictures],
            )

    def erasures_left(self) -> int:
        """Return how many bundles and pictures still have to be erased at the server, now or later."""
        rows = self.rows(
            "SELECT (SELECT count(*) FROM bundles WHERE forget_at IS NOT NULL)"
            " + (SELECT count(*) FROM pictures WHERE forget_at IS NOT NULL)"
        )
        return int(rows[0][0])

    def pictures_left_to_erase(self) -> tuple[int, int]:
        """Return how many bundles still have to be erased at the server, and how many pictures, those in them too."""
        rows = self.rows(
            "SELECT count(*), coalesce(sum(pictures), 0),"
            " (SELECT count(*) FROM pictures p WHERE p.forget_at IS NOT NULL AND NOT EXISTS"
            "  (SELECT 1 FROM bundles b WHERE b.number = p.bundle AND b.forget_at IS NOT NULL))"
            " FROM bundles WHERE forget_at IS NOT NULL"
        )
        bundles, in_bundles, single = rows[0]
        return int(bundles), int(in_bundles) + int(single)

    def bundles_to_erase(self, now: float) -> list[BundleRow]:
        """Return the bundles whose erasure is due, longest due first."""
        return self._bundles("forget_at <= ?", (now,), order="forget_at, number")

    def pictures_to_erase(self, now: float) -> list[tuple[PictureRow, float]]:
        """Return the single pictures whose erasure is due and since when, longest due first."""
        due = self.rows("SELECT recording, offset_ms, forget_at FROM pictures WHERE forget_at <= ?", (now,))
        since = {(recording, offset_ms): at for recording, offset_ms, at in due}
        pictures = self._pictures("forget_at <= ?", (now,), order="forget_at")
        return [(p, since[p.recording, p.offset_ms]) for p in pictures if (p.recording, p.offset_ms) in since]

    def note_bundle_erased(self, number: int, *, pictures_at: float | None) -> None:
        """Store that the server erased a bundle; with `pictures_at`, its pictures are still to be erased one by one."""
        with self.transaction() as db:
            db.execute(
                "UPDATE bundles SET state = ?, forget_at = NULL WHERE number = ?", (BundleState.FORGOTTEN, number)
            )
            db.execute("UPDATE pictures SET state = 'forgotten', forget_at = ? WHERE bundle = ?", (pictures_at, number))

    def note_picture_erased(self, picture: PictureRow) -> None:
        """Store that a picture is not at the server (any more)."""
        with self.transaction() as db:
            db.execute(
                "UPDATE pictures SET state = 'forgotten', forget_at = NULL WHERE recording = ? AND offset_ms = ?",
                (picture.recording, picture.offset_ms),
            )


def _may_be_anonymous(db: sqlite3.Connection, number: int) -> bool:
    """Return whether the server may have published the pictures of a bundle and forgotten that they were one."""
    policy, attempts = db.execute("SELECT policy, attempts FROM bundles WHERE number = ?", (number,)).fetchone()
    return bool(policy == Policy.PERSONAL and attempts > 0)
