"""`dashlight edge import` and `edge run`: from recordings to pictures at the server, once or for as long as it runs."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashlight.cli.edge_enroll import enrolled, show_enrolment
from dashlight.cli.edge_options import (
    DEFAULTS,
    add_choices,
    add_home,
    add_network,
    choices_of,
    home_of,
    settings_of,
)
from dashlight.cli.stopping import stopping

if TYPE_CHECKING:
    import threading

    from dashlight.config import EdgeSettings
    from dashlight.edge.home import Home
    from dashlight.edge.home.ledger import BundleRow
    from dashlight.edge.importing import ImportOptions
    from dashlight.edge.spool import Uploaded
    from dashlight.edge.station import Station
    from dashlight.edge.worker import UploadThread
    from dashlight.vision import Detectors

_STOPPING = "Stopping; what is redacted is put into the spool. Ctrl-C again ends at once."


def _add_pipeline(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--every-m", type=float, metavar="M", help=f"metres between pictures (default: {DEFAULTS.every_m:g})"
    )
    parser.add_argument(
        "--timezone",
        metavar="ZONE",
        help="of the camera's clock, such as Europe/Madrid (default: as the recording tells)",
    )
    parser.add_argument(
        "--weights", type=Path, metavar="DIR", help="folder of the detectors' weights (default: those of dashlight)"
    )


def add_import(verbs: argparse._SubParsersAction[Any]) -> None:
    """Add `import` to the commands of the edge."""
    parser = verbs.add_parser(
        "import",
        help="make redacted pictures of recordings and upload them",
        description="Make redacted pictures of recordings and, when enrolled, upload them. A recording that was "
        "imported before is known by its bytes and skipped. Recordings are never changed and never leave. The summary "
        "says which files could not be used and why, and how many pictures the publication policy left out by which "
        "rule.",
    )
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="recordings, or folders as the camera wrote them"
    )
    parser.add_argument("--server", metavar="URL", help="enrol with this server first; needs --invite")
    parser.add_argument("--invite", metavar="CODE", help="from the server's operator")
    add_choices(parser)
    _add_pipeline(parser)
    parser.add_argument("--no-upload", action="store_true", help="only fill the spool")
    add_home(parser)
    add_network(parser)
    parser.set_defaults(run=run_import)


def add_run(verbs: argparse._SubParsersAction[Any]) -> None:
    """Add `run` to the commands of the edge."""
    parser = verbs.add_parser(
        "run",
        help="watch folders, keep uploading, until stopped",
        description="Import what appears in folders and keep uploading. Files that are still being written are left "
        "alone. A folder may vanish and return. SIGTERM ends it cleanly within 15 s.",
    )
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="to watch; none: only upload")
    _add_pipeline(parser)
    parser.add_argument(
        "--watch-s", type=float, metavar="S", help=f"look this often, seconds (default: {DEFAULTS.watch_s:g})"
    )
    parser.add_argument(
        "--settle-s",
        type=float,
        metavar="S",
        help=f"a file is finished when unchanged for so many seconds (default: {DEFAULTS.settle_s:g})",
    )
    parser.add_argument("--once", action="store_true", help="send what waits, then end; import nothing")
    add_home(parser)
    add_network(parser)
    parser.set_defaults(run=run_run)


def run_import(args: argparse.Namespace) -> int:
    """Import recordings, upload, and say what came of it."""
    from dashlight.errors import UsageError

    settings = settings_of(args)
    home = home_of(settings)
    if args.server and not args.invite:
        enrolment = home.enrolment()
        if enrolment is None or enrolment.server.rstrip("/") != args.server.rstrip("/"):
            raise UsageError("--server needs --invite, unless this edge is enrolled there", hint="ask its operator")
    with home.lock(), stopping(said=_STOPPING) as stop:
        _enroll_on_the_fly(args, settings, home)
        return _import(args, settings, home, stop)


def _enroll_on_the_fly(args: argparse.Namespace, settings: EdgeSettings, home: Home) -> None:
    from dashlight.errors import UsageError

    enrolment = home.enrolment()
    if enrolment is None and args.server:
        show_enrolment(args, home, enrolled(args, settings, home))
    elif enrolment is not None:
        for flag, given, agreed in (
            ("--policy", args.policy, str(enrolment.policy)),
            ("--license", args.license, enrolment.license_id),
            ("--server", args.server and args.server.rstrip("/"), enrolment.server),
        ):
            if given and given != agreed:
                raise UsageError(
                    f"this edge is enrolled with {agreed}, not {flag} {given}",
                    hint="leave the option out, enrol again, or use another --home",
                )


def _import(args: argparse.Namespace, settings: EdgeSettings, home: Home, stop: threading.Event) -> int:
    from dashlight.cli import EXIT_INTERRUPTED
    from dashlight.cli.edge_bars import progress_of
    from dashlight.cli.edge_report import exit_code
    from dashlight.edge.importing import forbid_core_dumps
    from dashlight.edge.station import opened
    from dashlight.edge.worker import import_once

    forbid_core_dumps()
    detectors = _detectors(args)
    started = time.monotonic()
    with opened(home, settings, choices=choices_of(args)) as station, progress_of(args) as progress:
        uploads = None
        if station.enrolment is not None and not args.no_upload:
            uploads = _uploads(station, settings, progress.sent, stop)
            uploads.start()
        try:
            imported = import_once(
                station,
                args.paths,
                detectors,
                options=_options(args, settings),
                progress=progress,
                stop=stop,
                uploads=uploads,
                found=progress.found,
            )
        finally:
            uploaded = uploads.finish() if uploads is not None else None
        progress.summary(station, imported, uploaded, seconds=time.monotonic() - started, is_broken_off=stop.is_set())
    if stop.is_set():
        return EXIT_INTERRUPTED
    return exit_code(imported, uploaded)


def _detectors(args: argparse.Namespace) -> Detectors:
    from dashlight.vision import Detectors

    return Detectors.load(args.weights)


def _options(args: argparse.Namespace, settings: EdgeSettings) -> ImportOptions:
    import zoneinfo

    from dashlight.edge.importing import ImportOptions
    from dashlight.errors import UsageError

    try:
        zone = zoneinfo.ZoneInfo(args.timezone) if args.timezone else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as exc:
        raise UsageError(f"{args.timezone!r} is not a time zone", hint="such as Europe/Madrid") from exc
    return ImportOptions(
        every_m=settings.every_m,
        max_size=settings.max_size,
        bundle_pictures=settings.bundle_pictures,
        workers=settings.detector_threads,
        timezone=zone,
    )


def _uploads(
    station: Station, settings: EdgeSettings, on_sent: Callable[[BundleRow], None], stop: threading.Event
) -> UploadThread:
    from dashlight.edge.server import Server
    from dashlight.edge.spool import Retries
    from dashlight.edge.worker import UploadThread

    enrolment = station.home.required_enrolment()
    return UploadThread(
        station,
        Server(enrolment.server, timeout_s=settings.timeout_s, proxy=settings.proxy),
        retries=Retries(settings.upload_attempts, settings.backoff_s, settings.backoff_max_s),
        on_sent=on_sent,
        stop=stop,
    )


def run_run(args: argparse.Namespace) -> int:
    """Watch folders and upload until stopped."""
    from dashlight.cli.edge_bars import progress_of
    from dashlight.cli.edge_report import exit_code
    from dashlight.cli.supervisor import Supervisor
    from dashlight.edge.importing import Imported, forbid_core_dumps
    from dashlight.edge.station import opened
    from dashlight.edge.worker import WatchOptions, keep_uploading, run

    settings = settings_of(args)
    home = home_of(settings)
    _check_folders(args)
    forbid_core_dumps()
    started = time.monotonic()
    with (
        home.lock(),
        stopping() as stop,
        opened(home, settings) as station,
        progress_of(args) as progress,
        Supervisor.of_this_process() as supervisor,
    ):
        detectors = _detectors(args) if args.folders else None
        uploads = _uploads(station, settings, progress.sent, stop)
        uploads.start()
        progress.watching(args.folders)
        imported = Imported()
        supervisor.ready()
        try:
            if detectors is not None:
                imported = run(
                    stop,
                    station,
                    args.folders,
                    detectors,
                    options=_options(args, settings),
                    watch=WatchOptions(settings.watch_s, settings.settle_s, supervisor.alive),
                    progress=progress,
                    uploads=uploads,
                )
            elif not args.once:
                keep_uploading(stop, station, uploads, alive=supervisor.alive)
        finally:
            supervisor.stopping()
            uploaded = uploads.finish()
        progress.summary(station, imported, uploaded, seconds=time.monotonic() - started)
    return _code_after_stop(uploaded) if stop.is_set() else exit_code(imported, uploaded)


def _check_folders(args: argparse.Namespace) -> None:
    """Raise UsageError for what cannot be watched; a folder that is not there yet can."""
    from dashlight.errors import UsageError

    if args.once and args.folders:
        raise UsageError(
            f"--once only sends what waits; it does not look at {args.folders[0]}",
            hint="leave the folder out, or use `dashlight edge import` for it",
        )
    for folder in args.folders:
        if folder.is_file():
            raise UsageError(
                f"{folder} is a file, and `edge run` watches folders", hint=f"dashlight edge import {folder}"
            )


def _code_after_stop(uploaded: Uploaded) -> int:
    """Return 0 for a clean stop, whatever waits; what was refused is in `edge status`."""
    from dashlight.errors import Unavailable

    stopped_by = uploaded.stopped_by
    return 0 if stopped_by is None or isinstance(stopped_by, Unavailable) else stopped_by.exit_code
