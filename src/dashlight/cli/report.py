"""`dashlight report`: the operator looks at what was reported, and decides."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from dashlight.cli.counted import counted
from dashlight.cli.json_lines import print_json
from dashlight.cli.printable import shown
from dashlight.cli.server_options import add_data, existing_server
from dashlight.cli.sure import add_sure, is_sure

if TYPE_CHECKING:
    from dashlight.store.reports import Reported
    from dashlight.store.upkeep import Store

_AGAINST = (
    "face", "plate", "person", "private_place", "copyright", "inappropriate", "wrong_place", "poor_quality", "law",
    "other",
)  # fmt: skip
REASON_WORDS = {  # Those of `store.moderated.REASONS`, whose module would make `--help` slow.
    "restore": ("nothing_wrong", "painted_over", "unclear_report", "flood", "other"),
    "keep": ("to_be_asked", *_AGAINST),
    "erase": _AGAINST,
}


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the commands of this group to the command line."""
    group = subparsers.add_parser("report", help="look at reported pictures and decide; beside a running server too")
    verbs = group.add_subparsers(dest="report_command", required=True, metavar="COMMAND")
    _add(verbs, "list", "list the pictures that wait for a decision, the oldest reports first").set_defaults(run=_list)
    show = _add(verbs, "show", "show what was said about one picture", has_picture=True)
    show.add_argument("--save", type=Path, metavar="FILE", help="write the picture's JPEG to this file")
    show.set_defaults(run=_show)
    for decision, text in (
        ("restore", "put a picture back onto the map, or leave it there; reports do not hide it again"),
        ("keep", "keep a picture hidden, and erase it after 30 days if nothing else is decided"),
        ("erase", "erase a picture and its bytes for good"),
    ):
        decide = _add(verbs, decision, text, has_picture=True)
        known = ", ".join(REASON_WORDS[decision])
        decide.add_argument(
            "--reason", default="other", metavar="REASON", help=f"why; told with --say (default: other); one of {known}"
        )
        decide.add_argument(
            "--say", default="", metavar="SENTENCE", help="a sentence that everybody can read on the page about the map"
        )
        if decision == "erase":
            add_sure(decide)
        decide.set_defaults(run=_decide)


def _add(verbs: Any, name: str, text: str, *, has_picture: bool = False) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    if has_picture:
        parser.add_argument("picture", type=UUID, metavar="ID", help="id of the picture")
    add_data(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser


def _open(args: argparse.Namespace) -> Store:
    from dashlight.store.upkeep import open_store

    settings, folder = existing_server(args)
    return open_store(folder, settings)


def _today() -> int:
    from datetime import UTC, datetime

    from dashlight.model import day_of

    return day_of(datetime.now(UTC))


def _row(each: Reported) -> dict[str, Any]:
    age = None if each.day is None else _today() - each.day
    return {
        "picture": str(each.picture_id),
        "issues": list(each.issues),
        "hidden": each.is_hidden,
        "age_days": age,
    }


def _told(row: dict[str, Any]) -> str:
    issues = ", ".join(row["issues"]) or "the report is deleted"
    return f"{row['picture']}  {'hidden' if row['hidden'] else 'shown'}  {issues}{_age(row['age_days'])}\n"


def _age(days: int | None) -> str:
    if days is None:
        return ""
    return ", today" if days == 0 else f", {counted(days, 'day')} ago"


def _list(args: argparse.Namespace) -> int:
    from dashlight.store import reports

    store = _open(args)
    try:
        with store.database.read() as connection:
            rows = [_row(each) for each in reports.waiting(connection)]
    finally:
        store.database.close()
    for row in rows:
        if args.json:
            print_json(row)
        else:
            sys.stdout.write(_told(row))
    if not rows and not args.json:
        sys.stdout.write("no picture waits for a decision\n")
    return 0


def _show(args: argparse.Namespace) -> int:
    from dashlight.store import reports
    from dashlight.store.durable import write_durably

    store = _open(args)
    try:
        with store.database.read() as connection:
            found = reports.find_waiting(connection, args.picture)
        if args.save is not None:
            jpeg = found.jpeg
            write_durably(args.save, store.objects.read(jpeg.key, jpeg.offset, jpeg.size_bytes))
    finally:
        store.database.close()
    row = {**_row(found), "lon": found.lon, "lat": found.lat, "comments": list(found.comments)}
    if args.json:
        print_json(row)
        return 0
    sys.stdout.write(_told(row) + f"  at {found.lon}, {found.lat}\n")
    for issue, comment in zip(found.issues, found.comments, strict=True):
        sys.stdout.write(f"  {issue}: {shown(comment) or '(no words)'}\n")
    if args.save is not None:
        sys.stdout.write(f"  the picture is in {shown(args.save)}\n")
    return 0


def _decide(args: argparse.Namespace) -> int:
    from dashlight.errors import UsageError
    from dashlight.store import reports
    from dashlight.store.moderated import REASONS, Decision, Reason, Ruling

    _, folder = existing_server(args)
    decision = Decision(args.report_command)
    if args.reason not in REASONS[decision]:
        known = ", ".join(REASONS[decision])
        raise UsageError(f"--reason {args.reason!r} is no reason to {decision} a picture", hint=f"one of {known}")
    ruling = Ruling(decision, Reason(args.reason), args.say)
    store = _open(args)
    try:
        if decision is Decision.ERASE and not _is_erased_surely(args, store):
            return 0
        with _kept_from_servers(folder) as is_alone:
            decision = store.database.write(lambda t: reports.decide(t, args.picture, ruling, day=_today()))
            # A server that runs carries it out: it alone knows what it keeps in memory of the map.
            is_done = is_alone and reports.carry_out(store.database, store.objects) > 0
    finally:
        store.database.close()
    if args.json:
        print_json({"picture": str(args.picture), "decision": str(decision), "done": is_done})
    else:
        sys.stdout.write("done\n" if is_done else "decided; the running server carries it out within a minute\n")
    return 0


def _is_erased_surely(args: argparse.Namespace, store: Store) -> bool:
    from dashlight.store import reports

    with store.database.read() as connection:
        found = reports.find_waiting(connection, args.picture)
    if args.dry_run:
        if args.json:
            print_json({"event": "selected", **_row(found)})
        else:
            sys.stdout.write(f"To be erased: {_told(_row(found))}")
        return False
    return is_sure(args, f"This cannot be undone. Erase the picture {args.picture}?")


@contextmanager
def _kept_from_servers(folder: Path) -> Iterator[bool]:
    """Keep servers from starting on the folder meanwhile; yield False when one runs on it already.

    Raises:
        HostError: When the lock cannot be taken for another reason: nobody knows then whether a server runs.
    """
    import os

    from dashlight.errors import HostError
    from dashlight.store.upkeep import lock_store

    try:
        lock = lock_store(folder)
    except HostError as exc:
        if exc.code != "locked":
            raise
        yield False
        return
    try:
        yield True
    finally:
        os.close(lock)
