"""The ledger's drives and hidden places: what the publication policy has to remember."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime

from dashlight.edge.home.ledger.file import LedgerFile
from dashlight.errors import Corrupt
from dashlight.model import LonLat
from dashlight.publication import Drive, HiddenPlace, LearntPlace, Visit

_SAME_DRIVE_S = 5.0  # Front and rear camera of one drive differ by less.


class DriveTable(LedgerFile):
    """The ends of every drive, and the places that are hidden because of them or because the owner said so."""

    def drives(self) -> list[Drive]:
        """Return the drives known, in order of time.

        Raises:
            Corrupt: When one is not as `remember_drive` wrote it.
        """
        return [_drive(row[0]) for row in self.rows("SELECT ends FROM drives ORDER BY started_at, id")]

    def remember_drive(self, drive: Drive) -> None:
        """Store a drive, unless it is part of one that is known; parts of it that are known give way to it."""
        start, end = drive.started_at.timestamp(), drive.ended_at.timestamp()
        encoded = json.dumps([_visit_to_json(v) for v in drive.ends])
        name = hashlib.sha256(encoded.encode()).hexdigest()[:32]
        with self.transaction() as db:
            same = db.execute(
                "SELECT id, started_at, ended_at FROM drives WHERE started_at < ? AND ended_at > ?", (end, start)
            ).fetchall()
            if any(a - _SAME_DRIVE_S <= start and end <= b + _SAME_DRIVE_S for _, a, b in same):
                return
            within = [(row[0],) for row in same if start - _SAME_DRIVE_S <= row[1] and row[2] <= end + _SAME_DRIVE_S]
            db.executemany("DELETE FROM drives WHERE id = ?", within)
            db.execute("INSERT OR IGNORE INTO drives VALUES (?,?,?,?)", (name, start, end, encoded))

    def numbered_places(self) -> list[tuple[int, LearntPlace]]:
        """Return the hidden places with their numbers, in the order in which they were learnt."""
        rows = self.rows("SELECT number, anchor_lon, anchor_lat, lon, lat, radius_m FROM places ORDER BY number")
        return [(n, LearntPlace(LonLat(a, b), HiddenPlace(LonLat(c, d), radius))) for n, a, b, c, d, radius in rows]

    def drop_place(self, number: int) -> None:
        """Forget a hidden place."""
        with self.transaction() as db:
            db.execute("DELETE FROM places WHERE number = ?", (number,))

    def add_places(self, places: Iterable[LearntPlace]) -> None:
        """Store hidden places."""
        with self.transaction() as db:
            db.executemany(
                "INSERT INTO places (anchor_lon, anchor_lat, lon, lat, radius_m) VALUES (?,?,?,?,?)",
                [
                    (p.anchor.lon, p.anchor.lat, p.hidden.centre.lon, p.hidden.centre.lat, p.hidden.radius_m)
                    for p in places
                ],
            )


def _visit_to_json(visit: Visit) -> list[float | None]:
    return [visit.position.lon, visit.position.lat, _seconds(visit.arrived_at), _seconds(visit.left_at)]


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()


def _drive(encoded: str) -> Drive:
    try:
        return Drive(tuple(Visit(LonLat(a, b), _time(c), _time(d)) for a, b, c, d in json.loads(encoded)))
    except (ValueError, TypeError) as exc:
        raise Corrupt(f"the ledger has a drive that is none: {exc}") from exc


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
