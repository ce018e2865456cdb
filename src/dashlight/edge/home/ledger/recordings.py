"""The ledger's recordings: how far each has come, and under which policy it came in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashlight.edge.home.ledger.file import LedgerFile
from dashlight.edge.home.ledger.rows import RecordingRow, RecordingState
from dashlight.model import Policy

_RECORDING = "fingerprint, path, state, reason, code, day, drive, started_at, ended_at, clock, camera, open_sequence"


class RecordingTable(LedgerFile):
    """The recordings."""

    def recording(self, fingerprint: str) -> RecordingRow | None:
        """Return a recording, or None when it was never seen."""
        found = self._recordings("fingerprint = ?", (fingerprint,))
        return found[0] if found else None

    def recordings(self, *states: RecordingState) -> list[RecordingRow]:
        """Return the recordings in any of `states`, in the order they were seen; all when none is named."""
        marks = ",".join("?" * len(states))
        return self._recordings(f"state IN ({marks})" if states else "1", states)

    def _recordings(self, where: str, values: Sequence[Any]) -> list[RecordingRow]:
        rows = self.rows(
            f"SELECT {_RECORDING} FROM recordings WHERE {where} ORDER BY first_seen, fingerprint",  # noqa: S608
            values,
        )
        return [RecordingRow(row[0], row[1], RecordingState(row[2]), *row[3:]) for row in rows]

    def save_recording(self, row: RecordingRow, *, now: float) -> None:
        """Store what is known of a recording; one that was forgotten stays so."""
        with self.transaction() as db:
            db.execute(
                f"INSERT INTO recordings ({_RECORDING}, first_seen) VALUES (?,CAST(? AS TEXT),?,?,?,?,?,?,?,?,?,?,?)"  # noqa: S608
                " ON CONFLICT (fingerprint) DO UPDATE SET path = excluded.path, state = excluded.state,"
                " reason = excluded.reason, code = excluded.code, day = excluded.day, drive = excluded.drive,"
                " started_at = excluded.started_at, ended_at = excluded.ended_at, clock = excluded.clock,"
                " camera = excluded.camera, open_sequence = excluded.open_sequence"
                f" WHERE recordings.state <> '{RecordingState.FORGOTTEN}'",
                (
                    row.fingerprint,
                    row.path.encode("utf-8", "surrogateescape"),
                    row.state,
                    row.reason,
                    row.code,
                    row.day,
                    row.drive,
                    row.started_at,
                    row.ended_at,
                    row.clock,
                    row.camera,
                    row.open_sequence,
                    now,
                ),
            )

    def keep_policy(self, fingerprint: str, policy: str, *, is_new_choice: bool = False) -> None:
        """Store under which policy a recording came in; the first one stays unless its owner chose anew."""
        verb = "REPLACE" if is_new_choice else "IGNORE"
        with self.transaction() as db:
            db.execute(f"INSERT OR {verb} INTO came_under VALUES (?, ?)", (fingerprint, policy))  # noqa: S608

    def unfinished_under_another(self, policy: str) -> dict[str, str]:
        """Return the policies under which unfinished recordings came in, by fingerprint, where `policy` may tell more.

        What an older ledger does not say is taken as `personal`, the most careful one.
        """
        if policy == Policy.PERSONAL:
            return {}
        rows = self.rows(
            "SELECT r.fingerprint, coalesce(c.policy, ?) FROM recordings r"
            " LEFT JOIN came_under c ON c.recording = r.fingerprint"
            " WHERE r.state IN (?, ?) AND coalesce(c.policy, ?) <> ?",
            (Policy.PERSONAL, RecordingState.OPEN, RecordingState.WAITING, Policy.PERSONAL, policy),
        )
        return dict(rows)
