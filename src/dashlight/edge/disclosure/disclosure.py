"""The publication policy's memory on this machine: the drives it knows, the places it hides, what that withdraws.

The rules themselves are pure functions in `dashlight.publication`; this module keeps their inputs in the ledger. A
place that becomes hidden also hides what waits in the spool: such bundles are withdrawn whole, and those of their
pictures that may still be told are taken from the recording again at the next import.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from dashlight.edge.home.ledger import BundleState, Ledger, RecordingState
from dashlight.edge.spool import Spool
from dashlight.errors import Corrupt
from dashlight.model import LonLat, Policy, Track
from dashlight.publication import (
    Apprenticeship,
    Drive,
    HiddenPlace,
    LearntPlace,
    Plan,
    Rules,
    Visit,
    apprenticeship,
    default_rules,
    drive_of,
    hide,
    learnt_places,
    plan,
)

_SAME_DRIVE_S = 5.0  # Front and rear camera of one drive differ by less.


class Disclosure:
    """What may be told of this contributor's drives.

    Args:
        ledger: Keeps drives and places.
        spool: Loses what becomes hidden.
        seed: The contributor's; every choice of the policy follows from it.
        policy: The one of the enrolment.
    """

    def __init__(self, ledger: Ledger, spool: Spool, seed: bytes, policy: Policy) -> None:
        self._ledger = ledger
        self._spool = spool
        self._seed = seed
        self.rules: Rules = default_rules(policy)

    @property
    def policy(self) -> Policy:
        """The policy."""
        return self.rules.policy

    def learn(self, track: Track) -> int:
        """Remember a drive and hide the places that it shows; return how many bundles that withdrew."""
        drive = drive_of(track, stop_s=self.rules.stop_s)
        if drive is not None:
            self._remember(drive)
        known = self.places()
        now_known = learnt_places(self.drives(), self.rules, self._seed, known=known)
        if len(now_known) == len(known):
            return 0
        self._save_places(now_known[len(known) :])
        return self.withdraw_hidden()

    def hide(self, position: LonLat, *, radius_m: float | None = None) -> tuple[HiddenPlace, int]:
        """Hide a place that the owner named; return what hides it and how many bundles that withdrew.

        Raises:
            PrivacyError: When the radius is smaller than the least.
        """
        hidden = hide(position, self._seed, radius_m=radius_m or self.rules.hidden_radius_m)
        self._save_places([LearntPlace(position, hidden)])
        return hidden, self.withdraw_hidden()

    def plan(self, track: Track) -> Plan:
        """Return what of a drive may be told, after everything that is known by now."""
        numbers = iter(range(1 << 30))
        return plan(
            track,
            self.rules,
            places=[p.hidden for p in self.places()],
            history=self.drives(),
            secret=self._seed,
            sequence_id=lambda: self.sequence_id("unused", str(next(numbers))),
        )

    def sequence_id(self, recording: str, about: str) -> UUID:
        """Return an identifier that is the same for the same stretch at every run and tells nothing of it."""
        digest = hmac.new(
            self._seed, f"dashlight/edge/sequence\0{recording}\0{about}".encode(), hashlib.sha256
        ).digest()
        return UUID(bytes=digest[:16], version=4)

    def apprenticeship(self) -> Apprenticeship:
        """Return how far this edge is from knowing the habitual places."""
        return apprenticeship(self.drives(), self.rules)

    def drives(self) -> list[Drive]:
        """Return the drives known, in order of time."""
        return [_drive(row[0]) for row in self._ledger.rows("SELECT ends FROM drives ORDER BY started_at, id")]

    def places(self) -> list[LearntPlace]:
        """Return the hidden places, in the order in which they were learnt."""
        rows = self._ledger.rows("SELECT anchor_lon, anchor_lat, lon, lat, radius_m FROM places ORDER BY number")
        return [LearntPlace(LonLat(a, b), HiddenPlace(LonLat(c, d), radius)) for a, b, c, d, radius in rows]

    def withdraw_hidden(self) -> int:
        """Withdraw the waiting bundles that have a picture in a hidden place, and return how many.

        One of which a byte may have been sent is withdrawn too, and erased at the server.
        """
        places = [p.hidden for p in self.places()]
        withdrawn = 0
        for bundle in self._ledger.bundles(BundleState.SPOOLED, BundleState.REFUSED):
            pictures = self._ledger.pictures_of(bundle=bundle.number)
            hidden = [p for p in pictures if _is_hidden(LonLat(p.lon, p.lat), places)]
            if not hidden:
                continue
            withdraw(self._ledger, self._spool, bundle.number, bundle.sha256, gone=[p.number for p in hidden])
            withdrawn += 1
        return withdrawn

    def _remember(self, drive: Drive) -> None:
        start, end = drive.started_at.timestamp(), drive.ended_at.timestamp()
        same = self._ledger.rows(
            "SELECT id, started_at, ended_at FROM drives WHERE started_at < ? AND ended_at > ?", (end, start)
        )
        if any(a - _SAME_DRIVE_S <= start and end <= b + _SAME_DRIVE_S for _, a, b in same):
            return
        within = [(row[0],) for row in same if start - _SAME_DRIVE_S <= row[1] and row[2] <= end + _SAME_DRIVE_S]
        encoded = json.dumps([_visit_to_json(v) for v in drive.ends])
        name = hashlib.sha256(encoded.encode()).hexdigest()[:32]
        with self._ledger.transaction() as db:
            db.executemany("DELETE FROM drives WHERE id = ?", within)
            db.execute("INSERT OR IGNORE INTO drives VALUES (?,?,?,?)", (name, start, end, encoded))

    def _save_places(self, places: Iterable[LearntPlace]) -> None:
        with self._ledger.transaction() as db:
            db.executemany(
                "INSERT INTO places (anchor_lon, anchor_lat, lon, lat, radius_m) VALUES (?,?,?,?,?)",
                [
                    (p.anchor.lon, p.anchor.lat, p.hidden.centre.lon, p.hidden.centre.lat, p.hidden.radius_m)
                    for p in places
                ],
            )


def withdraw(ledger: Ledger, spool: Spool, number: int, sha256: str, *, gone: Iterable[int]) -> None:
    """Take a bundle that has no receipt out of the spool.

    The pictures whose place in the bundle is in `gone` stay known as taken back; the others may be taken from their
    recordings again. When a byte may have been sent, the server is asked to erase it by the next
    `erase_due`.
    """
    with ledger.transaction() as db:
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
            # Taken again they could be public twice; `erase_due` still needs them.
            db.execute("UPDATE pictures SET state = 'forgotten' WHERE bundle = ?", (number,))
        else:
            db.execute("DELETE FROM pictures WHERE bundle = ? AND state <> 'forgotten'", (number,))
    spool.drop(sha256)


def _may_be_anonymous(db: sqlite3.Connection, number: int) -> bool:
    """Return whether the server may have published the pictures of a bundle and forgotten that they were one."""
    policy, attempts = db.execute("SELECT policy, attempts FROM bundles WHERE number = ?", (number,)).fetchone()
    return bool(policy == Policy.PERSONAL and attempts > 0)


def _is_hidden(position: LonLat, places: Iterable[HiddenPlace]) -> bool:
    return any(p.hides(position) for p in places)


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
