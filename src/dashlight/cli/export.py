"""`dashlight export`: what is on the map as files that other programs read."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashlight.catalog.exports.names import NAMES, OFFERS
from dashlight.cli.counted import counted, sized
from dashlight.cli.json_lines import print_json
from dashlight.cli.server_options import add_data, existing_server
from dashlight.cli.sure import add_sure, is_sure

if TYPE_CHECKING:
    from dashlight.catalog.exports.job import Made, Progress
    from dashlight.config import ServerSettings


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the commands of this group to the command line."""
    group = subparsers.add_parser(
        "export",
        help="write what is on the map as files for other programs",
        description="Write what is on the map as files for other programs; beside a running server too. Without "
        "--output the server lists and serves them under /v1/exports and takes out what is taken back. A command that "
        "was interrupted goes on where it was.",
    )
    formats = group.add_subparsers(dest="export_format", required=True, metavar="FORMAT")
    for offer in OFFERS:
        parser = formats.add_parser(offer.name, help=offer.words, description=f"Write {offer.words}.")
        add_data(parser)
        parser.add_argument(
            "--output",
            type=Path,
            metavar="DIR",
            help="write into this new folder of your own, from which nothing that is taken back later will vanish",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object a line: how far it is, what it made")
        parser.set_defaults(run=run_export)
    remove = formats.add_parser(
        "remove",
        help="remove an export that the server serves",
        description="Remove an export that the server serves; beside a running server too.",
    )
    remove.add_argument("format", choices=sorted(NAMES), help="which one")
    add_data(remove)
    remove.add_argument("--json", action="store_true", help="one JSON object")
    add_sure(remove)
    remove.set_defaults(run=run_remove)


def run_remove(args: argparse.Namespace) -> int:
    """Remove an export; return the exit code."""
    from dashlight.catalog.exports.turn import turn
    from dashlight.store.exports import all_exports, remove_exports
    from dashlight.store.upkeep import open_store
    from dashlight.store.withdraw import finish_erasures

    settings, folder = existing_server(args)
    store = open_store(folder, settings)
    try:
        with store.database.read() as connection:
            is_there = any(each.format == args.format for each in all_exports(connection))
        if args.dry_run:
            return _tell_found(args, is_there=is_there)
        if is_there and not is_sure(args, f"Remove the export {args.format}?"):
            return 0
        with turn(store.database, folder):
            count = store.database.write(lambda t: remove_exports(t, args.format))
            finish_erasures(store.database, store.objects)
    finally:
        store.database.close()
    if args.json:
        print_json({"event": "removed", "format": args.format, "exports": count})
    else:
        sys.stdout.write(f"removed {args.format}\n" if count else f"there was no export {args.format}\n")
    return 0


def _tell_found(args: argparse.Namespace, *, is_there: bool) -> int:
    if args.json:
        print_json({"event": "selected", "format": args.format, "exports": int(is_there)})
    else:
        sys.stdout.write(f"To be removed: {args.format}\n" if is_there else f"there is no export {args.format}\n")
    return 0


def run_export(args: argparse.Namespace) -> int:
    """Make an export; return the exit code."""
    from dashlight.errors import InputError

    settings, folder = existing_server(args)
    if args.output is not None and args.output.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{args.output} is inside the server's data", hint="name a folder elsewhere", code="inside")
    made = _made(args, settings, folder)
    if args.json:
        print_json(
            {
                "event": "exported",
                "format": made.format,
                "pictures": made.pictures,
                "files": made.files,
                "size_bytes": made.size_bytes,
            }
        )
        return 0
    where = f"to {args.output}" if args.output else f"and served under /v1/exports/{made.format}"
    held = f"{counted(made.pictures, 'picture')} in {counted(made.files, 'file')}, {sized(made.size_bytes)}"
    sys.stdout.write(f"exported {held}, {where}\n")
    if args.output:
        sys.stdout.write("What is taken back later stays in this copy: make it anew before you pass it on.\n")
    return 0


def _made(args: argparse.Namespace, settings: ServerSettings, folder: Path) -> Made:
    from datetime import UTC, datetime

    from dashlight.catalog.exports.job import write_to_folder
    from dashlight.catalog.exports.making import format_of, make_exports
    from dashlight.model import day_of
    from dashlight.store.upkeep import open_store

    base_url = settings.public_url.rstrip("/")
    tell = _tell_json if args.json else _tell_person if sys.stderr.isatty() and not args.quiet else _tell_nobody
    store = open_store(folder, settings)
    try:
        if args.output is not None:
            form = format_of(args.export_format, base_url=base_url)
            return write_to_folder(form, store.database, args.output, tell=tell)
        today = day_of(datetime.now(UTC))
        made = make_exports(store, folder, [args.export_format], base_url=base_url, today=today, tell=tell)
    finally:
        store.database.close()
    return next(each for each in made if each.format == args.export_format)


def _tell_json(progress: Progress) -> None:
    print_json(
        {
            "event": "progress",
            "format": progress.format,
            "pictures_done": progress.pictures_done,
            "pictures": progress.pictures,
        }
    )


def _tell_person(progress: Progress) -> None:
    share = progress.pictures_done / max(1, progress.pictures)
    sys.stderr.write(f"\r{progress.format}: {counted(progress.pictures_done, 'picture')}, {share:.0%} ")
    sys.stderr.write("\n" if progress.pictures_done >= progress.pictures else "")
    sys.stderr.flush()


def _tell_nobody(progress: Progress) -> None:
    del progress
