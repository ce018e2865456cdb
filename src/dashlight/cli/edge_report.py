"""What `edge import`, `run` and `status` tell: JSON lines, plain lines, or bars on a terminal."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dashlight.cli.json_lines import print_json
from dashlight.cli.printable import shown
from dashlight.edge.disclosure import due_count
from dashlight.edge.home.ledger import BundleRow, BundleState, RecordingState
from dashlight.edge.importing import Imported
from dashlight.edge.recordings import Located, Recording
from dashlight.edge.spool import Uploaded
from dashlight.edge.station import Station
from dashlight.errors import Rejected
from dashlight.model import Policy, RedactedPicture

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


def exit_code(imported: Imported, uploaded: Uploaded | None) -> int:
    """Return what stopped the uploads, else why one was refused, else 3 for rejected files, else 0."""
    if uploaded is not None and uploaded.stopped_by is not None:
        return uploaded.stopped_by.exit_code
    if uploaded is not None and uploaded.refusals:
        return uploaded.refusals[0].exit_code
    if any(r.code.startswith("policy-") for r in imported.rejected):
        return 4
    return 3 if imported.rejected else 0


@contextmanager
def progress_of(args: argparse.Namespace) -> Iterator[Lines]:
    """Hold the progress that fits the options and the terminal."""
    if args.json:
        yield JsonLines()
    elif args.quiet or not sys.stderr.isatty():
        yield Lines(is_quiet=args.quiet)
    else:
        with BarLines() as bars:
            yield bars


class Lines:
    """Plain lines on stderr; the base of the others. Called from the importing and the uploading thread."""

    def __init__(self, *, is_quiet: bool = False) -> None:
        self._is_quiet = is_quiet
        self._lock = threading.Lock()

    def _say(self, text: str) -> None:
        if not self._is_quiet:
            with self._lock:
                sys.stderr.write(shown(text) + "\n")
                sys.stderr.flush()

    def begun(self, recording: Recording, located: Located, wanted: int) -> None:
        """Say where and when a recording was, and how that is known."""
        self._say(f"{recording.path.name}: {located.report.summary}; about {wanted} pictures")
        self._say(f"  clock: {located.alignment.note}")

    def picture(self, picture: RedactedPicture) -> None:
        """Say nothing."""

    def sealed(self, pictures: int) -> None:
        """Say nothing."""

    def sent(self, bundle: BundleRow) -> None:
        """Say that the server has a bundle."""
        self._say(f"  {bundle.pictures} pictures are with the server, receipt stored")

    def ended(self, recording: Recording, pictures: int) -> None:
        """Say what a recording gave."""
        self._say(f"  {recording.path.name}: {pictures} pictures")

    def rejected(self, rejected: Rejected) -> None:
        """Say what was left out; the summary says it again."""
        self._say(f"{rejected.path}: {rejected.reason}")

    def watching(self, folders: list[Path]) -> None:
        """Say what is watched."""
        self._say(f"watching {', '.join(map(str, folders))}" if folders else "uploading what waits")

    def away(self, folder: Path) -> None:
        """Say that a watched folder is gone."""
        self._say(f"{folder} is gone; waiting for it to return")

    def back(self, folder: Path) -> None:
        """Say that it is there again."""
        self._say(f"{folder} is there again")

    def paused(self, reason: str) -> None:
        """Say why nothing is redacted."""
        self._say(f"paused: {reason}")

    def summary(self, station: Station, imported: Imported, uploaded: Uploaded | None, *, seconds: float) -> None:
        """Say what came of it all, on stdout, and what to do next."""
        rate = f", {imported.driven_s / seconds:.1f} times as fast as driven" if imported.driven_s else ""
        sys.stdout.write(
            f"{imported.recordings} recordings, {imported.pictures} pictures, {imported.redactions} redactions, "
            f"{imported.known} recordings known before, {len(imported.rejected)} rejected, in {seconds:.1f} s{rate}\n"
        )
        for rejected in imported.rejected:
            hint = f" {rejected.hint}" if rejected.hint else ""
            sys.stdout.write(shown(f"  rejected  {rejected.path}: {rejected.reason}.{hint}") + "\n")
        for line in _uploaded_lines(station, imported, uploaded):
            sys.stdout.write(shown(line) + "\n")


def _uploaded_lines(station: Station, imported: Imported, uploaded: Uploaded | None) -> Iterator[str]:
    if imported.waiting:
        told = station.disclosure.apprenticeship()
        yield (
            f"{imported.waiting} recordings wait: under the policy personal nothing is told before 14 days and "
            f"20 drives are known (now {told.days:.0f} days, {told.drives} drives)"
        )
    policy = station.choices.policy
    if imported.kept:
        yield (
            f"{imported.kept} of the recordings came in under a more careful policy and stay so; "
            f"name a file itself in an import to tell it under {policy}"
        )
    if imported.converted:
        yield f"{imported.converted} of the recordings waited under another policy; you named them, so now: {policy}"
    if imported.taken_up:
        yield f"{imported.taken_up} of the recordings were left by an earlier import and taken up under {policy}"
    pending = len(station.ledger.bundles(BundleState.SPOOLED))
    if uploaded is not None:
        yield f"{uploaded.bundles} bundles with {uploaded.pictures} pictures have a verified receipt; {pending} wait"
        for bundle, why in zip(uploaded.refused, uploaded.refusals, strict=True):
            yield f"  refused   bundle {bundle.sha256[:16]}: {why.message} {why.hint}".rstrip()
        if uploaded.stopped_by is not None:
            yield f"  stopped   {uploaded.stopped_by.message} {uploaded.stopped_by.hint}".rstrip()
    elif station.enrolment is None:
        yield (
            f"{pending} bundles wait in the spool. Next: dashlight edge enroll --server URL --invite CODE "
            f"--policy {station.choices.policy}, then dashlight edge run"
        )


class JsonLines(Lines):
    """One object a line on stdout; docs/reference/edge-json.md."""

    def _print(self, **row: Any) -> None:
        with self._lock:
            print_json(row)

    def begun(self, recording: Recording, located: Located, wanted: int) -> None:
        """Print a `recording`."""
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

    def watching(self, folders: list[Path]) -> None:
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

    def summary(self, station: Station, imported: Imported, uploaded: Uploaded | None, *, seconds: float) -> None:
        """Print each `rejected`, each `refused`, and one `summary`."""
        for r in imported.rejected:
            self._print(event="rejected", path=str(r.path), reason=r.reason, code=r.code, hint=r.hint)
        sent = uploaded or Uploaded()
        for bundle, why in zip(sent.refused, sent.refusals, strict=True):
            self._print(event="refused", bundle=bundle.sha256, reason=why.message, code=why.code, hint=why.hint)
        stopped = sent.stopped_by
        self._print(
            event="summary",
            recordings=imported.recordings,
            pictures=imported.pictures,
            bundles=imported.bundles,
            redactions=imported.redactions,
            known=imported.known,
            waiting=imported.waiting,
            kept=imported.kept,
            converted=imported.converted,
            taken_up=imported.taken_up,
            rejected=len(imported.rejected),
            uploaded_bundles=sent.bundles,
            uploaded_pictures=sent.pictures,
            refused_bundles=len(sent.refused),
            pending_bundles=len(station.ledger.bundles(BundleState.SPOOLED)),
            stopped_by=None if stopped is None else {"code": stopped.code, "reason": stopped.message},
            policy=str(station.choices.policy),
            license=station.choices.license_id,
            driven_s=round(imported.driven_s, 3),
            seconds=round(seconds, 3),
        )


class BarLines(Lines):
    """Bars with rates and time left, on a terminal."""

    def __init__(self) -> None:
        super().__init__()
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._bars: Bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def _say(self, text: str) -> None:
        self._bars.console.print(shown(text), markup=False, highlight=False)

    def begun(self, recording: Recording, located: Located, wanted: int) -> None:
        """Show a bar for the recording."""
        super().begun(recording, located, wanted)
        self._task = self._bars.add_task(
            shown(recording.path.name)[:40].replace("[", "\\["), total=wanted or None, rate=""
        )

    def picture(self, picture: RedactedPicture) -> None:
        """Move the bar."""
        del picture
        if self._task is not None:
            speed = next((task.speed for task in self._bars.tasks if task.id == self._task), None)
            self._bars.update(self._task, advance=1, rate=f"{speed:.1f}/s" if speed else "")

    def ended(self, recording: Recording, pictures: int) -> None:
        """Take the bar away."""
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None
        super().ended(recording, pictures)

    def summary(self, station: Station, imported: Imported, uploaded: Uploaded | None, *, seconds: float) -> None:
        """Take everything away, then say what came of it."""
        self._bars.stop()
        super().summary(station, imported, uploaded, seconds=seconds)


def print_status(station: Station, *, is_json: bool) -> None:
    """Print how things are: one object, or lines for a person."""
    row = _status_row(station)
    if is_json:
        print_json(row)
        return
    enrolled = f"{row['server']} ({row['policy']}, {row['license']})" if row["server"] else "not enrolled"
    spool_mb = row["spool_bytes"] / 2**20
    lines = [
        f"server      {enrolled}",
        f"home        {station.home.path}",
        f"received    {row['received_bundles']} bundles, {row['received_pictures']} pictures",
        f"waiting     {row['pending_bundles']} bundles, {row['pending_pictures']} pictures, {spool_mb:.1f} MB",
        f"            {row['not_before_later']} of them are held back to a later hour by the policy",
        f"refused     {len(row['refused'])} bundles",
        *[f"  {b['bundle'][:16]}  {b['pictures']} pictures: {b['reason']} ({b['code']})" for b in row["refused"]],
        f"recordings  {', '.join(f'{n} {state}' for state, n in row['recordings'].items()) or 'none'}",
        *[f"  rejected  {r['path']}: {r['reason']}" for r in row["rejected"]],
        f"to erase    {row['erasures_due']} at the server",
        f"tokens      {row['tokens_left']} left",
    ]
    if row["last_error"]:
        lines.append(f"last error  {row['last_error']}")
    if row["other_policy_bundles"]:
        lines.append(
            f"note        {row['other_policy_bundles']} bundles were made under another policy than that of the "
            "enrolment; `dashlight forget --pending` drops what waits"
        )
    sys.stdout.write("\n".join(map(shown, lines)) + "\n")


def _status_row(station: Station) -> dict[str, Any]:
    import time

    ledger, enrolment = station.ledger, station.enrolment
    received = ledger.bundles(BundleState.RECEIVED)
    pending = ledger.bundles(BundleState.SPOOLED)
    refused = ledger.bundles(BundleState.REFUSED)
    states: dict[str, int] = {}
    for recording in ledger.recordings():
        states[recording.state] = states.get(recording.state, 0) + 1
    failed = [b for b in pending if b.reason]
    return {
        "event": "status",
        "server": enrolment.server if enrolment else None,
        "policy": str(station.choices.policy) if enrolment else None,
        "license": station.choices.license_id if enrolment else None,
        "received_bundles": len(received),
        "received_pictures": sum(b.pictures for b in received),
        "pending_bundles": len(pending),
        "pending_pictures": sum(b.pictures for b in pending),
        "not_before_later": sum(b.not_before > time.time() for b in pending),
        "other_policy_bundles": sum(enrolment is not None and Policy(b.policy) != enrolment.policy for b in pending),
        "refused": [{"bundle": b.sha256, "pictures": b.pictures, "reason": b.reason, "code": b.code} for b in refused],
        "spool_bytes": station.spool.used_bytes(),
        "recordings": {str(state): count for state, count in sorted(states.items())},
        "rejected": [
            {"path": r.path, "reason": r.reason, "code": r.code} for r in ledger.recordings(RecordingState.REJECTED)
        ],
        "erasures_due": due_count(ledger),
        "tokens_left": ledger.tokens_left(),
        "hidden_places": len(station.disclosure.places()),
        "last_error": failed[-1].reason if failed else None,
    }
