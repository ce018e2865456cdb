"""`dashlight store`: back a server's data up while it runs, restore it without what was taken back since, move it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashlight.cli.counted import counted, sized
from dashlight.cli.json_lines import print_json
from dashlight.cli.server_options import add_data, settings_of
from dashlight.cli.store_copy import add_copy
from dashlight.cli.sure import add_sure, is_sure

if TYPE_CHECKING:
    from dashlight.config import ServerSettings
    from dashlight.store.erasures import Erasures


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the commands of this group to the command line."""
    group = subparsers.add_parser("store", help="back a server's data up, restore it, move it")
    verbs = group.add_subparsers(dest="store_command", required=True, metavar="COMMAND")
    backup = verbs.add_parser(
        "backup",
        help="copy a server's data; beside a running server too",
        description="Copy rows, pictures and key of a server to a new folder, consistently and while it runs. Left out "
        "are personal pictures that wait for the daily batch and the words of reports: they must not last so long.",
    )
    _add_server(backup)
    backup.add_argument("--output", type=Path, required=True, metavar="DIR", help="new or empty folder for the backup")
    backup.set_defaults(run=_back_up)

    erasures = verbs.add_parser(
        "erasures",
        help="list what was taken back; beside a running server too",
        description="List the pictures and bundles that were erased and the pictures that are hidden. Keep the newest "
        "list on another disk than the server's: a restore needs it, or it would bring back what was erased.",
    )
    _add_server(erasures)
    erasures.add_argument(
        "--output", type=Path, metavar="FILE", help="write it here, whole or not at all, not to stdout"
    )
    erasures.set_defaults(run=_list_erasures)

    restore = verbs.add_parser(
        "restore",
        help="make a server's data of a backup",
        description="Make a server's data of a backup, in a new or empty folder, without what was taken back since.",
    )
    _add_server(restore)
    restore.add_argument("--backup", type=Path, required=True, metavar="DIR", help="as `store backup` wrote it")
    _add_erasures(restore)
    restore.add_argument(
        "--without-erasures",
        action="store_true",
        help="nothing was erased since the backup, or nobody knows: what was is public again",
    )
    restore.set_defaults(run=_restore)

    erase = verbs.add_parser(
        "erase",
        help="erase in a backup what was taken back since it was made",
        description="Erase in a backup what was taken back since it was made, as `store erasures` lists it.",
    )
    erase.add_argument("--backup", type=Path, required=True, metavar="DIR", help="as `store backup` wrote it")
    _add_erasures(erase)
    erase.add_argument("--json", action="store_true", help="one JSON object")
    add_sure(erase)
    erase.set_defaults(run=_erase)
    add_copy(verbs)


def _add_server(parser: argparse.ArgumentParser) -> None:
    add_data(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object")


def _add_erasures(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--erasures",
        type=Path,
        action="append",
        default=[],
        metavar="FROM",
        help="list that `store erasures` wrote, data of the old server, or a newer backup; may be repeated",
    )


def _folder_settings(args: argparse.Namespace) -> tuple[ServerSettings, Path]:
    """Return settings and folder of a server whose data lie in the folder: an older store there is not the server's."""
    from dashlight.errors import InputError

    settings, folder = settings_of(args)
    for name in ("database_url", "objects_url"):
        if getattr(settings, name):
            raise InputError(
                f"server.{name} is set: this server's data are not all in {folder}",
                hint="stop it and move a copy into a folder with `dashlight store copy`, or use the tools of the "
                "database and the bucket",
                code="not-in-a-folder",
            )
    return settings, folder


def _erasures(args: argparse.Namespace) -> Erasures:
    from dashlight.store.erasures import Erasures, erasures_from

    found = Erasures()
    for path in args.erasures:
        found |= erasures_from(path)
    return found


def _back_up(args: argparse.Namespace) -> int:
    from dashlight.store.backup import back_up

    settings, folder = _folder_settings(args)
    copied = back_up(folder, args.output, key_file=settings.key_file)
    if args.json:
        print_json(
            {
                "event": "backed-up",
                "pictures": copied.pictures,
                "objects": copied.objects,
                "size_bytes": copied.size_bytes,
                "left_out_bundles": copied.left_out,
            }
        )
    else:
        held = f"{counted(copied.pictures, 'picture')} in {counted(copied.objects, 'object')}"
        sys.stdout.write(f"backed up to {args.output}: {held}, {sized(copied.size_bytes)}\n")
        if copied.left_out:
            left_out = counted(copied.left_out, "personal bundle")
            sys.stdout.write(f"left out, as it waits for the daily batch: {left_out}\n")
    return 0


def _list_erasures(args: argparse.Namespace) -> int:
    from dashlight.errors import UsageError
    from dashlight.store.durable import write_durably
    from dashlight.store.erasures import encode_erasures, erasures_from

    if args.json and args.output is None:
        raise UsageError(
            "--json tells what was written to --output FILE, and no file is named",
            hint="add --output FILE; without --json the list itself goes to stdout",
        )
    found = erasures_from(_folder_settings(args)[1])
    counts = {"pictures": len(found.pictures), "bundles": len(found.bundles), "hidden": len(found.hidden)}
    if args.output is None:
        sys.stdout.write(encode_erasures(found).decode())
        return 0
    write_durably(args.output, encode_erasures(found))
    if args.json:
        print_json({"event": "listed", **counts})
    elif not args.quiet:
        sys.stdout.write(
            f"listed in {args.output}: {counted(len(found.pictures), 'erased picture')}, "
            f"{counted(len(found.bundles), 'erased bundle')}, {counted(len(found.hidden), 'hidden picture')}\n"
        )
    return 0


def _restore(args: argparse.Namespace) -> int:
    from dashlight.errors import UsageError
    from dashlight.store.backup import check_as_late, restore

    if bool(args.erasures) == args.without_erasures:
        raise UsageError(
            "what was erased since the backup is not said"
            if args.without_erasures is False
            else "--erasures and --without-erasures contradict each other",
            hint="--erasures FROM: the newest list, the old server's data or a newer backup; with --without-erasures "
            "whatever was erased since the backup is public again",
        )
    if any(path.resolve() == args.backup.resolve() for path in args.erasures):
        raise UsageError(f"{args.backup} is the backup itself: it does not know what was erased since")
    folder, erasures = settings_of(args)[1], _erasures(args)
    if args.erasures:
        check_as_late(args.backup, erasures)
    restored = restore(args.backup, folder, erasures)
    if args.json:
        print_json({"event": "restored", "pictures": restored.pictures, "taken_back": restored.taken_back})
    else:
        sys.stdout.write(
            f"restored to {folder}: {counted(restored.pictures, 'picture')}; "
            f"taken back since the backup, and not shown: {restored.taken_back}\n"
            f"Start it: dashlight serve --data {folder}\n"
        )
    return 0


def _erase(args: argparse.Namespace) -> int:
    from dashlight.errors import UsageError
    from dashlight.store.backup import erase_in_backup

    if not args.erasures:
        raise UsageError("what is to be erased is not said", hint="--erasures FROM: a list, or a server's data")
    erasures = _erasures(args)
    if args.dry_run:
        return _tell_new(args, erasures)
    if not is_sure(args, f"This cannot be undone. Erase in {args.backup} what was taken back?"):
        return 0
    count = erase_in_backup(args.backup, erasures)
    if args.json:
        print_json({"event": "erased", "taken_back": count})
    else:
        sys.stdout.write(f"erased or hidden in {args.backup}: {counted(count, 'picture')}\n")
    return 0


def _tell_new(args: argparse.Namespace, erasures: Erasures) -> int:
    """Tell how much the lists name that the backup does not know to be taken back; it need not hold all of it."""
    from dashlight.store.erasures import erasures_from

    known = erasures_from(args.backup)
    counts = {
        "pictures": len(erasures.pictures - known.pictures),
        "bundles": len(erasures.bundles - known.bundles),
        "hidden": len(erasures.hidden - known.hidden),
    }
    if args.json:
        print_json({"event": "selected", **counts})
    else:
        sys.stdout.write(
            f"To be taken back in {args.backup}, as far as it holds them: {counted(counts['pictures'], 'picture')}, "
            f"{counted(counts['bundles'], 'bundle')}, {counted(counts['hidden'], 'hidden picture')}\n"
        )
    return 0
