"""`dashlight forget`: take pictures back, from the spool at once and from the server when it is reached."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashlight.cli.counted import counted
from dashlight.cli.edge_options import add_home, add_network, home_of, settings_of
from dashlight.cli.json_lines import print_json
from dashlight.cli.sure import add_sure, is_sure

if TYPE_CHECKING:
    from dashlight.config import EdgeSettings
    from dashlight.edge.disclosure import Selection
    from dashlight.edge.server import Server
    from dashlight.edge.station import Station


_IDENTIFIER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _picture(text: str) -> str:
    """Return the identifier at the end of a picture's link, or by itself."""
    found = _IDENTIFIER.findall(text.lower())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no link to a picture; `Copy link` on the map gives one")
    return str(found[-1])


def _day(text: str) -> str:
    """Return a day as it is spelled in the ledger, or say that the option is wrong."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2026-11-23") from exc


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add `forget` to the command line."""
    parser = subparsers.add_parser(
        "forget",
        help="take pictures back that you published or are about to",
        description="Take pictures back. What waits in the spool goes at once; what the server has is erased there "
        "with the keys that follow from your seed, now or when it is next reached. Personal pictures are erased in "
        "random order over 14 days, because erasing them together would show that they belong together; --now does "
        "it at once. A recording that was forgotten is not imported again.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--bundle", metavar="SHA256", help="one bundle, by at least 8 characters of its name")
    what.add_argument(
        "--picture", type=_picture, metavar="LINK", help="one picture, by its link on the map or the identifier in it"
    )
    what.add_argument("--recording", type=Path, metavar="PATH", help="all pictures of one recording")
    what.add_argument("--drive", type=Path, metavar="PATH", help="all pictures of the drive that a recording is of")
    what.add_argument("--day", type=_day, metavar="YYYY-MM-DD", help="all pictures of a day (UTC)")
    what.add_argument("--pending", action="store_true", help="all that waits in the spool")
    what.add_argument("--everything", action="store_true", help="all")
    add_sure(parser)
    parser.add_argument("--now", action="store_true", help="erase personal pictures at once, together")
    add_home(parser)
    add_network(parser)
    parser.set_defaults(run=run_forget)


def run_forget(args: argparse.Namespace) -> int:
    """Take back what is named; return the exit code."""
    from dashlight.edge.station import opened

    settings = settings_of(args)
    with opened(home_of(settings), settings) as station:
        selection = _selection(args, station, settings)
        _show(args, selection)
        if args.now and station.choices.policy == "personal" and len(selection.pictures) > 1:
            sys.stderr.write(
                "--now erases them together: who watches the map sees then that these pictures are of one person\n"
            )
        if args.dry_run or not _is_sure(args, selection):
            return 0
        return _forget(args, station, selection, settings)


def _selection(args: argparse.Namespace, station: Station, settings: EdgeSettings) -> Selection:
    from dashlight.edge.disclosure import of_drive, of_recording, selected, selected_picture

    ledger = station.ledger
    if args.picture:
        server = _server(station, settings) if station.enrolment is not None else None
        return selected_picture(ledger, args.picture, server=server)
    if args.recording or args.drive:
        path = args.recording or args.drive
        rows = of_recording(ledger, path) if args.recording else of_drive(ledger, path)
        return selected(ledger, recordings=rows)
    return selected(
        ledger,
        bundle=args.bundle or "",
        day=args.day or "",
        pending=args.pending,
        everything=args.everything,
    )


def _server(station: Station, settings: EdgeSettings) -> Server:
    from dashlight.edge.server import Server

    enrolment = station.home.required_enrolment()
    return Server(enrolment.server, timeout_s=settings.timeout_s, proxy=settings.proxy)


def _show(args: argparse.Namespace, selection: Selection) -> None:
    if args.json:
        print_json(
            {
                "event": "selected",
                "pictures": len(selection.pictures),
                "whole_bundles": len(selection.bundles),
                "recordings": len(selection.recordings),
            }
        )
    else:
        sys.stdout.write(
            f"To be forgotten: {counted(len(selection.pictures), 'picture')}, "
            f"{counted(len(selection.bundles), 'whole bundle')}, {counted(len(selection.recordings), 'recording')}\n"
        )


def _is_sure(args: argparse.Namespace, selection: Selection) -> bool:
    is_nothing = not (selection.pictures or selection.recordings or selection.bundles)
    return is_nothing or is_sure(args, "This cannot be undone. Forget them?")


def _forget(args: argparse.Namespace, station: Station, selection: Selection, settings: EdgeSettings) -> int:
    import random
    import time

    from dashlight.edge.disclosure import due_count, erase_due, take_back
    from dashlight.errors import Unavailable

    now = time.time()
    waiting = _spooled(station, selection)
    take_back(station.ledger, station.spool, selection, now=now, at_once=args.now, rng=random.SystemRandom())
    due = station.ledger.pictures_left_to_erase()
    erased, away = 0, None
    if station.enrolment is not None:
        server = _server(station, settings)
        try:
            erased = erase_due(station.ledger, server, station.seed, now=now)
        except Unavailable as exc:
            away = exc
        finally:
            server.close()
    left = station.ledger.pictures_left_to_erase()
    bundles, pictures = due[0] - left[0], due[1] - left[1]
    if args.json:
        print_json(
            {
                "event": "forgotten",
                "unsent_pictures": waiting,
                "erased_at_server": erased,
                "erased_bundles": bundles,
                "erased_pictures": pictures,
                "erasures_due": due_count(station.ledger),
                "pictures_due": left[1],
            }
        )
    else:
        for line in forgotten_lines(unsent=waiting, bundles=bundles, pictures=pictures, pictures_left=left[1]):
            sys.stdout.write(f"{line}\n")
    if away is not None:
        raise away
    return 0


def _spooled(station: Station, selection: Selection) -> int:
    """Return how many of the pictures never left this machine."""
    from dashlight.edge.home.ledger import BundleState

    spooled = {b.number for b in station.ledger.bundles(BundleState.SPOOLED, BundleState.REFUSED)}
    return sum(picture.bundle in spooled for picture in selection.pictures)


def forgotten_lines(*, unsent: int, bundles: int, pictures: int, pictures_left: int) -> Iterator[str]:
    """Yield what came of it, for a person.

    Args:
        unsent: Pictures that were taken out of the spool.
        bundles: Erased at the server as wholes.
        pictures: Erased at the server, those of the bundles too.
        pictures_left: To be erased there later.
    """
    if unsent:
        yield f"{counted(unsent, 'picture')} taken out of the spool; never published"
    if pictures > 0:
        of = counted(pictures, "picture")
        whole = counted(bundles, "bundle")
        yield f"{f'{whole} ({of})' if bundles > 0 else of} erased at the server"
    if pictures_left:
        yield f"{counted(pictures_left, 'picture')} to be erased at the server later, by `dashlight edge run`"
    elif not unsent and pictures <= 0:
        yield "Nothing was published of it, so there is nothing to erase."
