"""`dashlight edge`: enrol, import recordings, watch a folder, see what waits, hide a place."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashlight.cli.json_lines import print_json

if TYPE_CHECKING:
    import threading

    from dashlight.config import EdgeSettings
    from dashlight.edge.home import Choices, Enrolment, Home
    from dashlight.edge.spool import Uploaded
    from dashlight.edge.station import Station

POLICIES = ("personal", "open", "fleet")
LICENSES = ("CC-BY-SA-4.0", "CC-BY-4.0", "CC0-1.0", "ODbL-1.0")


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the commands of this group to the command line."""
    edge = subparsers.add_parser("edge", help="with the contributor: enrol, import recordings, watch a folder")
    verbs = edge.add_subparsers(dest="edge_command", required=True, metavar="COMMAND")
    _add_enroll(verbs)
    _add_import(verbs)
    _add_run(verbs)
    _add_status(verbs)
    _add_hide(verbs)


def add_home(parser: argparse.ArgumentParser) -> None:
    """Add the options that every command of the edge has."""
    parser.add_argument("--home", type=Path, metavar="DIR", help="where seed, ledger and spool lie")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (TOML)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line (docs/reference/edge-json.md)")


def add_network(parser: argparse.ArgumentParser) -> None:
    """Add the options of commands that talk to the server."""
    parser.add_argument("--proxy", metavar="URL", help="for all requests, such as socks5://127.0.0.1:9050")
    parser.add_argument("--timeout-s", type=float, metavar="S", help="a request without any byte for so long failed")


def _add_choices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--policy", choices=POLICIES, help="what may be told of your drives (default: personal, the most careful)"
    )
    parser.add_argument("--license", choices=LICENSES, help="of the pictures (default: the server's)")
    parser.add_argument("--name", metavar="NAME", help="shown with your pictures; policy `open` only")


def _add_enroll(verbs: argparse._SubParsersAction[Any]) -> None:
    parser = verbs.add_parser("enroll", help="agree with a server on policy and licence, and pin its key")
    parser.add_argument("--server", required=True, metavar="URL", help="address of the server")
    parser.add_argument("--invite", required=True, metavar="CODE", help="from the server's operator")
    _add_choices(parser)
    add_home(parser)
    add_network(parser)
    parser.set_defaults(run=run_enroll)


def _add_pipeline(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--every-m", type=float, metavar="M", help="metres between pictures (default: 5)")
    parser.add_argument(
        "--timezone", metavar="ZONE", help="of the camera's clock, such as Europe/Madrid; if it is not UTC"
    )
    parser.add_argument("--weights", type=Path, metavar="DIR", help="folder of the detectors' weights")


def _add_import(verbs: argparse._SubParsersAction[Any]) -> None:
    parser = verbs.add_parser(
        "import",
        help="make redacted pictures of recordings and upload them",
        description="Make redacted pictures of recordings and, when enrolled, upload them. A recording that was "
        "imported before is known by its bytes and skipped. Recordings are never changed and never leave.",
    )
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="recordings, or folders as the camera wrote them"
    )
    parser.add_argument("--server", metavar="URL", help="enrol with this server first; needs --invite")
    parser.add_argument("--invite", metavar="CODE", help="from the server's operator")
    _add_choices(parser)
    _add_pipeline(parser)
    parser.add_argument("--no-upload", action="store_true", help="only fill the spool")
    add_home(parser)
    add_network(parser)
    parser.set_defaults(run=run_import)


def _add_run(verbs: argparse._SubParsersAction[Any]) -> None:
    parser = verbs.add_parser(
        "run",
        help="watch folders, keep uploading, until stopped",
        description="Import what appears in folders and keep uploading. Files that are still being written are left "
        "alone. A folder may vanish and return. SIGTERM ends it cleanly within 15 s.",
    )
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="to watch; none: only upload")
    _add_pipeline(parser)
    parser.add_argument("--watch-s", type=float, metavar="S", help="look this often")
    parser.add_argument("--settle-s", type=float, metavar="S", help="a file is finished when unchanged for so long")
    parser.add_argument("--once", action="store_true", help="send what waits, then end")
    add_home(parser)
    add_network(parser)
    parser.set_defaults(run=run_run)


def _add_status(verbs: argparse._SubParsersAction[Any]) -> None:
    parser = verbs.add_parser("status", help="say what waits, what was refused and why, what the server has")
    parser.add_argument("--retry-refused", action="store_true", help="put refused bundles back in line")
    add_home(parser)
    parser.set_defaults(run=run_status)


def _add_hide(verbs: argparse._SubParsersAction[Any]) -> None:
    parser = verbs.add_parser("hide", help="never tell anything within 1,200 m and more of a place")
    parser.add_argument("place", metavar="LON,LAT", help="such as 13.3777,52.5163 (use -- before a negative longitude)")
    parser.add_argument("--radius-m", type=float, metavar="M", help="at least 1200 (default)")
    add_home(parser)
    parser.set_defaults(run=run_hide)


def settings_of(args: argparse.Namespace) -> EdgeSettings:
    """Return the edge's settings, with what the command line says over them."""
    from dashlight.config import EdgeSettings, environment, load

    names = ("home", "every_m", "proxy", "timeout_s", "watch_s", "settle_s")
    flags = {name: getattr(args, name, None) for name in names}
    return load(EdgeSettings, "edge", flags=flags, env=environment(), file=args.config).settings


def home_of(settings: EdgeSettings) -> Home:
    """Return the edge's home."""
    from dashlight.config import environment
    from dashlight.edge.home import Home
    from dashlight.edge.station import home_path

    return Home(home_path(settings, environment()))


def _choices_of(args: argparse.Namespace) -> Choices:
    from dashlight.edge.home import DEFAULT_LICENSE, Choices
    from dashlight.errors import UsageError
    from dashlight.model import Policy

    policy = Policy(args.policy or "personal")
    if args.name and policy is not Policy.OPEN:
        raise UsageError(f"--name goes with --policy open only, not with {policy}")
    return Choices(policy, args.license or DEFAULT_LICENSE, args.name)


def run_enroll(args: argparse.Namespace) -> int:
    """Enrol and show what was agreed."""
    settings = settings_of(args)
    home = home_of(settings)
    choices = _choices_of(args)
    with home.lock():
        enrolment = _enrolled(args, settings, home, choices)
    _show_enrolment(args, enrolment)
    return 0


def _enrolled(args: argparse.Namespace, settings: EdgeSettings, home: Home, choices: Choices) -> Enrolment:
    from dataclasses import replace

    from dashlight.edge.home.ledger import Ledger
    from dashlight.edge.server import Server, enroll, license_of

    server = Server(args.server, timeout_s=settings.timeout_s, proxy=settings.proxy)
    ledger = Ledger(home.ledger_path)
    try:
        if args.license is None:
            choices = replace(choices, license_id=license_of(server))
        return enroll(home, ledger, server, args.invite, choices)
    finally:
        ledger.close()
        server.close()


def _show_enrolment(args: argparse.Namespace, enrolment: Enrolment) -> None:
    from dashlight.wire import to_base64url

    if args.json:
        print_json(
            {
                "event": "enrolled",
                "server": enrolment.server,
                "server_key": to_base64url(enrolment.server_key),
                "policy": str(enrolment.policy),
                "license": enrolment.license_id,
            }
        )
        return
    sys.stdout.write(
        f"Enrolled with {enrolment.server}\n"
        f"  policy   {enrolment.policy}\n"
        f"  licence  {enrolment.license_id}: your redacted pictures are published under it, for good\n"
        f"  key      {to_base64url(enrolment.server_key)} (pinned)\n"
    )
    _show_kept(args, enrolment)


def _show_kept(args: argparse.Namespace, enrolment: Enrolment) -> None:
    """Say which recordings stay under the policy that they came in under."""
    from collections import Counter

    from dashlight.edge.home.ledger import Ledger

    ledger = Ledger(home_of(settings_of(args)).ledger_path)
    try:
        kept = Counter(ledger.unfinished_under_another(enrolment.policy).values())
    finally:
        ledger.close()
    for policy, count in sorted(kept.items()):
        sys.stdout.write(f"  {count} of your recordings wait under {policy}; they stay so\n")


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Hold an event that SIGTERM and the first SIGINT set; a second SIGINT interrupts at once."""
    import signal
    import threading

    stop = threading.Event()

    def ask(number: int, _frame: object) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        # Not here: the interrupted code may hold the event's own lock.
        threading.Thread(target=stop.set, name="stop").start()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_import(args: argparse.Namespace) -> int:
    """Import recordings, upload, and say what came of it."""
    from dashlight.errors import UsageError

    if args.server and not args.invite:
        enrolment = home_of(settings_of(args)).enrolment()
        if enrolment is None or enrolment.server.rstrip("/") != args.server.rstrip("/"):
            raise UsageError("--server needs --invite, unless this edge is enrolled there", hint="ask its operator")
    settings = settings_of(args)
    home = home_of(settings)
    with home.lock(), stopping() as stop:
        _enroll_on_the_fly(args, settings, home)
        return _import(args, settings, home, stop)


def _enroll_on_the_fly(args: argparse.Namespace, settings: EdgeSettings, home: Home) -> None:
    from dashlight.errors import UsageError

    enrolment = home.enrolment()
    if enrolment is None and args.server:
        _show_enrolment(args, _enrolled(args, settings, home, _choices_of(args)))
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
    import time

    from dashlight.cli.edge_report import exit_code, progress_of
    from dashlight.edge.importing import forbid_core_dumps
    from dashlight.edge.station import opened
    from dashlight.edge.worker import import_once

    forbid_core_dumps()
    detectors = _detectors(args)
    started = time.monotonic()
    with opened(home, settings, choices=_choices_of(args)) as station, progress_of(args) as progress:
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
            )
        finally:
            uploaded = uploads.finish() if uploads is not None else None
        progress.summary(station, imported, uploaded, seconds=time.monotonic() - started)
    if stop.is_set():
        return 130
    return exit_code(imported, uploaded)


def _detectors(args: argparse.Namespace) -> Any:
    from dashlight.vision import Detectors

    return Detectors.load(args.weights)


def _options(args: argparse.Namespace, settings: EdgeSettings) -> Any:
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


def _uploads(station: Station, settings: EdgeSettings, on_sent: Any, stop: threading.Event) -> Any:
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
    import time

    from dashlight.cli.edge_report import exit_code, progress_of
    from dashlight.edge.importing import Imported, forbid_core_dumps
    from dashlight.edge.station import opened, sweep
    from dashlight.edge.worker import WatchOptions, run

    settings = settings_of(args)
    home = home_of(settings)
    forbid_core_dumps()
    started = time.monotonic()
    with (
        home.lock(),
        stopping() as stop,
        opened(home, settings) as station,
        progress_of(args) as progress,
    ):
        uploads = _uploads(station, settings, progress.sent, stop)
        uploads.start()
        progress.watching(args.folders)
        imported = Imported()
        try:
            if args.folders and not args.once:
                imported = run(
                    stop,
                    station,
                    args.folders,
                    _detectors(args),
                    options=_options(args, settings),
                    watch=WatchOptions(settings.watch_s, settings.settle_s),
                    progress=progress,
                    uploads=uploads,
                )
            elif not args.once:
                sweep(station)
                stop.wait()
        finally:
            uploaded = uploads.finish()
        progress.summary(station, imported, uploaded, seconds=time.monotonic() - started)
    return _code_after_stop(uploaded) if stop.is_set() else exit_code(imported, uploaded)


def _code_after_stop(uploaded: Uploaded) -> int:
    """Return 0 for a clean stop, whatever waits; what was refused is in `edge status`."""
    from dashlight.errors import Unavailable

    stopped_by = uploaded.stopped_by
    return 0 if stopped_by is None or isinstance(stopped_by, Unavailable) else stopped_by.exit_code


def run_status(args: argparse.Namespace) -> int:
    """Say how things are."""
    from dashlight.cli.edge_report import print_status
    from dashlight.edge.station import opened

    settings = settings_of(args)
    with opened(home_of(settings), settings) as station:
        if args.retry_refused:
            station.ledger.retry_refused()
        print_status(station, is_json=args.json)
    return 0


def run_hide(args: argparse.Namespace) -> int:
    """Hide a place."""
    from dashlight.edge.station import opened
    from dashlight.errors import UsageError
    from dashlight.model import LonLat

    try:
        lon, lat = (float(part) for part in args.place.split(","))
    except ValueError as exc:
        raise UsageError(f"{args.place!r} is not LON,LAT", hint="such as 13.3777,52.5163") from exc
    settings = settings_of(args)
    with opened(home_of(settings), settings) as station:
        hidden, withdrawn = station.disclosure.hide(LonLat(lon, lat), radius_m=args.radius_m)
    if args.json:
        print_json({"event": "hidden", "radius_m": hidden.radius_m, "withdrawn_bundles": withdrawn})
    else:
        sys.stdout.write(
            f"Nothing inside a circle of {hidden.radius_m:.0f} m is told from now on; its centre is not your place, "
            f"but your place is at least {hidden.radius_m - 800:.0f} m inside.\n"
            f"{withdrawn} waiting bundles were withdrawn. What was published before stays until you forget it.\n"
        )
    return 0
