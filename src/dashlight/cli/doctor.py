"""`dashlight doctor`: is this edge fit to work? Ends with 7 when a check fails."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashlight.cli.edge_options import add_home, add_network, home_of, settings_of
from dashlight.cli.json_lines import print_json
from dashlight.cli.printable import shown

if TYPE_CHECKING:
    from datetime import datetime

    from dashlight.config import EdgeSettings
    from dashlight.edge.doctor import Check
    from dashlight.edge.home import Home

EXIT_UNFIT = 7


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add `doctor` to the command line."""
    parser = subparsers.add_parser(
        "doctor",
        help="check camera, positions, clock, disk, detectors and server",
        description="Check camera folder, positions, clocks, disk, the detectors' checksums, redaction on a built-in "
        "picture, and the server. Each line is ok, warn or fail, with the fix. Ends with 7 when one fails.",
    )
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="where the camera writes")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="folder of the detectors' weights")
    add_home(parser)
    add_network(parser)
    parser.set_defaults(run=run_doctor)


def run_doctor(args: argparse.Namespace) -> int:
    """Print each check; return 0, or 7 when one fails."""
    from dashlight.edge.doctor import Health

    has_failed = False
    for check in _checks(args):
        has_failed |= check.health is Health.FAIL
        if args.json:
            print_json({"check": check.name, "health": str(check.health), "message": check.message, "fix": check.fix})
        else:
            sys.stdout.write(f"{check.health:<5} {check.name:<13} {shown(check.message)}\n")
            if check.fix:
                sys.stdout.write(f"{'':<20}fix: {shown(check.fix)}\n")
            sys.stdout.flush()
    return EXIT_UNFIT if has_failed else 0


def _checks(args: argparse.Namespace) -> Iterator[Check]:
    from datetime import UTC, datetime

    from dashlight.edge import doctor

    now = datetime.now(UTC)
    settings = settings_of(args)
    home = home_of(settings)
    yield doctor.checked("camera", lambda: doctor.camera_folder(args.folder))
    yield from doctor.each_checked("positions", lambda: doctor.positions(args.folder, now=now))
    yield doctor.checked("disk", lambda: doctor.disk(home, settings))
    yield doctor.checked("weights", lambda: doctor.weights(args.weights))
    yield doctor.checked("redaction", lambda: doctor.redaction(args.weights, _face()))
    yield from doctor.each_checked("server", lambda: _server(home, settings, datetime.now(UTC)))


def _server(home: Home, settings: EdgeSettings, now: datetime) -> Iterator[Check]:
    from dashlight.edge import doctor
    from dashlight.edge.home.ledger import Ledger

    ledger = Ledger(home.ledger_path)
    try:
        yield from doctor.server(home, settings, ledger, now=now)
    finally:
        ledger.close()


def _face() -> Any:
    """Return the public-domain face of the simulator's people."""
    from importlib import resources

    import cv2
    import numpy as np

    encoded = (resources.files("dashlight.sim") / "assets" / "astronaut.png").read_bytes()
    bgr = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    return None if bgr is None else bgr[0:260, 130:320, ::-1]
