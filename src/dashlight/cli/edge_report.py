"""What `edge import` and `edge run` tell while they work: plain lines, or JSON lines; `cli.edge_bars` has the bars."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dashlight.cli.counted import counted
from dashlight.cli.edge_summary import summary_lines, summary_row
from dashlight.cli.json_lines import print_json
from dashlight.cli.printable import shown
from dashlight.edge.home.ledger import BundleRow
from dashlight.edge.importing import Imported
from dashlight.edge.recordings import Located, Recording
from dashlight.edge.spool import Uploaded
from dashlight.edge.station import Station
from dashlight.errors import Rejected
from dashlight.model import RedactedPicture


def exit_code(imported: Imported, uploaded: Uploaded | None) -> int:
    """Return what stopped the uploads, else why one was refused, else 3 for rejected files, else 0."""
    if uploaded is not None and uploaded.stopped_by is not None:
        return uploaded.stopped_by.exit_code
    if uploaded is not None and uploaded.refusals:
        return uploaded.refusals[0].exit_code
    if any(r.code.startswith("policy-") for r in imported.rejected):
        return 4
    return 3 if imported.rejected else 0


class Lines:
    """Plain lines on stderr; the base of the others. Called from the importing and the uploading thread."""

    def __init__(self, *, is_quiet: bool = False) -> None:
        self._is_quiet = is_quiet
        self._is_watching = False
        self._not_yet: set[Path] = set()  # Watched, and never seen so far.
        self._lock = threading.Lock()

    def _say(self, text: str) -> None:
        if not self._is_quiet:
            with self._lock:
                sys.stderr.write(shown(text) + "\n")
                sys.stderr.flush()

    def found(self, paths: Sequence[Path]) -> None:
        """Say nothing."""

    def begun(self, recording: Recording, located: Located, wanted: int) -> None:
        """Say where and when a recording was, and how that is known."""
        self._say(f"{recording.path.name}: {located.report.summary}; about {counted(wanted, 'picture')}")
        self._say(f"  clock: {located.alignment.note}")

    def waits(self, recording: Recording, located: Located) -> None:
        """Say where and when a recording was of which nothing is told yet."""
        self._say(f"{recording.path.name}: {located.report.summary}; waits")
        self._say(f"  clock: {located.alignment.note}")

    def picture(self, picture: RedactedPicture) -> None:
        """Say nothing."""

    def sealed(self, pictures: int) -> None:
        """Say nothing."""

    def sent(self, bundle: BundleRow) -> None:
        """Say that the server has a bundle."""
        are = "is" if bundle.pictures == 1 else "are"
        self._say(f"  {counted(bundle.pictures, 'picture')} {are} with the server, receipt stored")

    def ended(self, recording: Recording, pictures: int) -> None:
        """Say what a recording gave."""
        self._say(f"  {recording.path.name}: {counted(pictures, 'picture')}")

    def rejected(self, rejected: Rejected) -> None:
        """Say what was left out when nobody waits for a summary, which says it by reason."""
        if self._is_watching:
            self._say(f"{rejected.path}: {rejected.reason}")

    def watching(self, folders: Sequence[Path]) -> None:
        """Say what is watched."""
        self._is_watching = bool(folders)
        self._not_yet = {folder for folder in folders if not folder.is_dir()}
        there = [str(folder) for folder in folders if folder not in self._not_yet]
        if there:
            self._say(f"watching {', '.join(there)}")
        for folder in sorted(self._not_yet):
            self._say(f"there is no folder {folder} yet; waiting for it (is the name right?)")
        if not folders:
            self._say("uploading what waits")

    def away(self, folder: Path) -> None:
        """Say that a watched folder is gone."""
        if folder not in self._not_yet:
            self._say(f"{folder} is gone; waiting for it to return")

    def back(self, folder: Path) -> None:
        """Say that it is there (again)."""
        self._say(f"{folder} is there{'' if folder in self._not_yet else ' again'}")
        self._not_yet.discard(folder)

    def paused(self, reason: str) -> None:
        """Say why nothing is redacted."""
        self._say(f"paused: {reason}")

    def summary(
        self,
        station: Station,
        imported: Imported,
        uploaded: Uploaded | None,
        *,
        seconds: float,
        is_broken_off: bool = False,
    ) -> None:
        """Say what came of it all, on stdout, and what to do next."""
        for line in summary_lines(station, imported, uploaded, seconds=seconds, is_broken_off=is_broken_off):
            sys.stdout.write(shown(line) + "\n")
        sys.stdout.flush()


class JsonLines(Lines):
    """One object a line on stdout; docs/reference/edge-json.md."""

    def _print(self, **row: Any) -> None:
        with self._lock:
            print_json(row)

    def begun(self, recording: Recording, located: Located, wanted: int) -> None:
        """Print a `recording`."""
        self._print_recording(recording, located, wanted=wanted)

    def waits(self, recording: Recording, located: Located) -> None:
        """Print a `recording` of which no picture is wanted yet."""
        self._print_recording(recording, located, wanted=0)

    def _print_recording(self, recording: Recording, located: Located, *, wanted: int) -> None:
        alignment = located.alignment
        self._print(
            event="recording",
            path=str(recording.path),
            started=alignment.video_start.isoformat().replace("+00:00", "Z"),
            duration_s=round(recording.duration_s, 3),
            positions=located.report.kept,
            positions_dropped={str(reason): count for reason, count in located.report.dropped},
            source=located.source,
            clock=str(alignment.source),
            clock_offset_s=alignment.offset_s,
            zone=alignment.zone,
            clock_note=alignment.note,
            wanted=wanted,
        )

    def sealed(self, pictures: int) -> None:
        """Print a `bundle`."""
        self._print(event="bundle", pictures=pictures)

    def sent(self, bundle: BundleRow) -> None:
        """Print a `receipt`."""
        self._print(event="receipt", bundle=bundle.sha256, pictures=bundle.pictures, size_bytes=bundle.size_bytes)

    def ended(self, recording: Recording, pictures: int) -> None:
        """Print a `done`."""
        self._print(event="done", path=str(recording.path), pictures=pictures)

    def rejected(self, rejected: Rejected) -> None:
        """Keep it for the summary."""

    def watching(self, folders: Sequence[Path]) -> None:
        """Print a `watching`."""
        self._print(event="watching", folders=[str(folder) for folder in folders])

    def away(self, folder: Path) -> None:
        """Print an `away`."""
        self._print(event="away", path=str(folder))

    def back(self, folder: Path) -> None:
        """Print a `back`."""
        self._print(event="back", path=str(folder))

    def paused(self, reason: str) -> None:
        """Print a `paused`."""
        self._print(event="paused", reason=reason)

    def summary(
        self,
        station: Station,
        imported: Imported,
        uploaded: Uploaded | None,
        *,
        seconds: float,
        is_broken_off: bool = False,
    ) -> None:
        """Print each `outcome`, each `rejected`, each `refused`, and one `summary`."""
        for each in imported.outcomes:
            self._print(
                event="outcome",
                path=str(each.path),
                candidates=each.candidates,
                pictures=each.pictures,
                left_out=dict(each.left_out),
            )
        for r in imported.rejected:
            self._print(event="rejected", path=str(r.path), reason=r.reason, code=r.code, hint=r.hint)
        sent = uploaded or Uploaded()
        for bundle, why in zip(sent.refused, sent.refusals, strict=True):
            self._print(event="refused", bundle=bundle.sha256, reason=why.message, code=why.code, hint=why.hint)
        self._print(**summary_row(station, imported, sent, seconds=seconds, is_broken_off=is_broken_off))
