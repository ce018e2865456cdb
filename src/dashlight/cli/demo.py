"""`dashlight demo`: a server and an edge on this machine, a drive through the whole way, and the map of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashlight.cli.printable import shown

if TYPE_CHECKING:
    import threading

    from dashlight.cli.demo_report import Outcome
    from dashlight.cli.demo_server import DemoServer
    from dashlight.cli.edge_report import Lines
    from dashlight.edge.home import Home
    from dashlight.edge.home.ledger import BundleRow
    from dashlight.edge.recordings import Located, Recording
    from dashlight.edge.server import Server
    from dashlight.model import LonLat

BUNDLE_PICTURES = 10  # Small bundles, so that pictures appear while one watches.
POLL_S = 0.5


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "demo",
        help="take a drive through everything, on this machine, and open the map",
        description="Start a server and an edge on this machine, take a simulated drive (or your own recordings) "
        "through everything, and open the map while the pictures arrive. Nothing leaves this machine, and "
        "recordings are never changed. A second run knows what is there already.",
    )
    parser.add_argument(
        "--recordings", nargs="+", type=Path, metavar="PATH", help="your own recordings, or folders of them"
    )
    parser.add_argument("--once", action="store_true", help="end after the last receipt instead of staying")
    parser.add_argument("--json", action="store_true", help="print one JSON object (docs/reference/demo-json.md)")
    parser.add_argument("--port", type=int, metavar="N", help="of the server (8400, or a free one when that is taken)")
    parser.add_argument("--home", type=Path, metavar="DIR", help="where the demo keeps its server, edge and drive")
    parser.add_argument("--no-browser", action="store_true", help="print the map's address, open nothing")
    parser.set_defaults(run=run_demo)


def run_demo(args: argparse.Namespace) -> int:
    """Run the demo; return the exit code."""
    import time

    from dashlight.cli import EXIT_INTERRUPTED
    from dashlight.cli.demo_report import report
    from dashlight.cli.demo_server import DemoServer
    from dashlight.cli.stopping import stopping
    from dashlight.config import data_home, environment
    from dashlight.edge.importing import forbid_core_dumps
    from dashlight.vision import Detectors

    started = time.monotonic()
    if args.port is not None and not 0 <= args.port <= 65_535:
        from dashlight.errors import UsageError

        raise UsageError(f"--port {args.port} is outside 0..65535")
    home = args.home or data_home(environment()) / "demo"
    paths = _given_recordings(args.recordings)
    forbid_core_dumps()
    detectors = Detectors.load()
    with stopping() as stop, _hangups(stop):
        if not paths:
            drive = _simulated_drive(args, home, stop)
            if drive is None:
                return EXIT_INTERRUPTED
            paths = [drive]
        with DemoServer(home / "server", port=args.port, name="dashlight demo") as server:
            outcome = _imported(args, home, paths, server, detectors, stop)
            outcome.seconds = time.monotonic() - started
            report(args, outcome)
            if stop.is_set():
                return EXIT_INTERRUPTED
            if not args.once and outcome.exit_code == 0:
                _stay(args, outcome, server, home, stop)
    return outcome.exit_code


def _given_recordings(given: Sequence[Path] | None) -> list[Path]:
    """Return the user's paths, each of which exists.

    Raises:
        InputError: When one does not, or when there is nothing to look at in them.
    """
    from dashlight.edge.recordings.folder import VIDEO_SUFFIXES
    from dashlight.errors import InputError

    for path in given or ():
        if not path.exists():
            raise InputError(
                f"--recordings {path}: there is no such file or folder", hint="check the path and the card"
            )
    if given and not any(_may_hold_a_video(path, VIDEO_SUFFIXES) for path in given):
        named = " ".join(str(path) for path in given)
        raise InputError(
            f"--recordings {named}: no recordings there", hint=f"recordings end in {' '.join(sorted(VIDEO_SUFFIXES))}"
        )
    return list(given or ())


def _may_hold_a_video(path: Path, suffixes: frozenset[str]) -> bool:
    """Return whether the import will have something to say about a path, if only that it cannot be read."""
    import os

    if not path.is_dir() or not os.access(path, os.R_OK | os.X_OK):
        return True
    return any(each.suffix.lower() in suffixes for each in path.rglob("*"))


@contextmanager
def _hangups(stop: threading.Event) -> Iterator[None]:
    """Stop when the terminal is closed, too, so that the server never outlives the demo."""
    import signal
    import threading

    if not hasattr(signal, "SIGHUP"):
        yield
        return

    def ask(_number: int, _frame: object) -> None:
        # Not here: the interrupted code may hold the event's own lock.
        threading.Thread(target=stop.set, name="stop").start()

    before = signal.signal(signal.SIGHUP, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def _simulated_drive(args: argparse.Namespace, home: Path, stop: threading.Event) -> Path | None:
    """Return the simulated camera's card, rendered when it is not there yet; None when stopped."""
    import os
    from datetime import UTC, datetime, timedelta

    from dashlight.errors import Unavailable
    from dashlight.sim.recording import DriveSettings, recorded_drive

    settings = DriveSettings()
    with _render_bar(args) as progress:
        try:
            drive = recorded_drive(
                home / "drives",
                settings,
                started_at=datetime.now(UTC) - timedelta(seconds=settings.duration_s + 60),
                progress=progress,
                stop=stop,
                workers=min(2, os.cpu_count() or 1),
            )
        except Unavailable:
            if stop.is_set():
                return None
            raise
    _say(args, f"The drive is {'new' if drive.is_new else 'there already'}: {drive.card}")
    return drive.card


@contextmanager
def _render_bar(args: argparse.Namespace) -> Iterator[Callable[[int, int], None]]:
    """Hold what is told how many frames of how many are rendered: a bar on a terminal."""
    if args.quiet or not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console

    from dashlight.cli.edge_bars import bars_on

    with bars_on(Console(stderr=True), is_transient=True) as bars:
        task = bars.add_task("rendering a drive", total=None, is_timed=True, visible=False)
        yield lambda done, total: bars.update(task, completed=done, total=total, visible=True)


def _imported(
    args: argparse.Namespace,
    home: Path,
    paths: Sequence[Path],
    server: DemoServer,
    detectors: Any,
    stop: threading.Event,
) -> Outcome:
    """Take recordings through everything, until the last receipt is stored."""
    from dashlight.cli.demo_report import outcome_of
    from dashlight.cli.edge_bars import lines_of
    from dashlight.config import EdgeSettings
    from dashlight.edge.home import Home
    from dashlight.edge.importing import ImportOptions
    from dashlight.edge.server import Server
    from dashlight.edge.spool import Retries
    from dashlight.edge.station import opened
    from dashlight.edge.worker import UploadThread, import_once

    edge = Home(home / "edge")
    settings = EdgeSettings(home=edge.path, bundle_pictures=BUNDLE_PICTURES)
    at_server = Server(server.url, timeout_s=settings.timeout_s)
    with edge.lock():
        _enrol(edge, at_server, home / "server")
        with opened(edge, settings) as station, lines_of(args) as lines:
            follower = _Follower(lines, lambda place: _open_map(args, server.url, place))
            uploads = UploadThread(
                station,
                at_server,
                retries=Retries(settings.upload_attempts, settings.backoff_s, settings.backoff_max_s),
                on_sent=follower.sent,
                stop=stop,
            )
            uploads.start()
            try:
                imported = import_once(
                    station,
                    paths,
                    detectors,
                    options=ImportOptions(bundle_pictures=BUNDLE_PICTURES, workers=settings.detector_threads),
                    progress=follower,
                    stop=stop,
                    uploads=uploads,
                    found=lines.found,
                )
            finally:
                uploaded = uploads.finish()
            server.check()
            return outcome_of(station, at_server, paths, imported, uploaded, follower.place)


def _enrol(edge: Home, server: Server, server_data: Path) -> None:
    """Enrol the edge as `fleet`, or keep its enrolment when this is the same server at another address."""
    import secrets

    from dashlight.edge.home import Choices
    from dashlight.edge.home.ledger import Ledger
    from dashlight.edge.server import enroll
    from dashlight.model import Policy
    from dashlight.store import tokens
    from dashlight.store.upkeep import open_store
    from dashlight.wire import from_base64url

    earlier = edge.enrolment()
    shown = from_base64url(str(server.instance().get("server_key")), size=32)
    if earlier is not None and secrets.compare_digest(earlier.server_key, shown):
        if earlier.server != server.url:
            edge.save_enrolment(replace(earlier, server=server.url))
        return
    store = open_store(server_data)
    try:
        invite = store.database.write(lambda t: tokens.create_invite(t, Policy.FLEET))
    finally:
        store.database.close()
    ledger = Ledger(edge.ledger_path)
    try:
        enroll(edge, ledger, server, invite, Choices(policy=Policy.FLEET))
    finally:
        ledger.close()


class _Follower:
    """Passes the import's progress on, and tells the first place of the drive."""

    def __init__(self, lines: Lines, on_place: Callable[[LonLat], None]) -> None:
        self._lines = lines
        self._on_place = on_place
        self.place: LonLat | None = None
        self.picture = lines.picture
        self.waits = lines.waits
        self.sealed = lines.sealed
        self.ended = lines.ended
        self.rejected = lines.rejected

    def begun(self, recording: Recording, located: Located, wanted: int) -> None:
        """Pass on; open the map at the middle of the first recording."""
        self._lines.begun(recording, located, wanted)
        fixes = located.track.fixes
        if self.place is None and fixes:
            self.place = fixes[len(fixes) // 2].position
            self._on_place(self.place)

    def sent(self, bundle: BundleRow) -> None:
        """Pass on."""
        self._lines.sent(bundle)


def _open_map(args: argparse.Namespace, server_url: str, place: LonLat) -> None:
    """Say where the map is, and open it where there is a screen and somebody at a terminal."""
    import webbrowser

    from dashlight.cli.demo_report import map_url

    url = map_url(server_url, place)
    _say(args, f"The map is at {url}")
    if not args.no_browser and not args.once and sys.stderr.isatty() and _has_screen():
        webbrowser.open(url)


def _has_screen() -> bool:
    from dashlight.config import environment

    env = environment()
    return sys.platform in ("win32", "darwin") or bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"))


def _say(args: argparse.Namespace, text: str) -> None:
    if not args.quiet:
        sys.stderr.write(shown(text) + "\n")
        sys.stderr.flush()


def _stay(args: argparse.Namespace, outcome: Outcome, server: DemoServer, home: Path, stop: threading.Event) -> None:
    """Keep the map there until somebody stops it."""
    if outcome.new_recordings == 0:
        _say(args, f"Everything was there already. To begin anew, remove {home}.")
    _say(args, f"The map stays at {outcome.urls['map']} until Ctrl-C. What it shows is kept in {home}.")
    while not stop.wait(POLL_S):
        server.check()
