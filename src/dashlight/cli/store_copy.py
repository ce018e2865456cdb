"""`dashlight store copy`: move a server's data between a folder and a database with a bucket."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashlight.cli.counted import counted
from dashlight.cli.json_lines import print_json

if TYPE_CHECKING:
    from dashlight.config import ServerSettings
    from dashlight.store.copying import Side

_PLACE = (
    "folder of a server's data, or a settings file (TOML) whose [server] says where rows, pictures and key are; "
    "passwords stay off the command line so"
)


def add_copy(verbs: argparse._SubParsersAction[Any]) -> None:
    """Add `store copy` to the commands of `store`."""
    copy = verbs.add_parser(
        "copy",
        help="move a server's data between a folder and PostgreSQL with S3, either way",
        description="Copy rows, pictures and key of a server that is stopped to an empty place, and compare what "
        "arrived. Cut off, it goes on where it was when it is run again; until it is done no server takes the copy.",
    )
    copy.add_argument("--from", dest="source", type=Path, required=True, metavar="PLACE", help=_PLACE)
    copy.add_argument("--to", dest="target", type=Path, required=True, metavar="PLACE", help="likewise")
    copy.add_argument("--json", action="store_true", help="one JSON object")
    copy.set_defaults(run=_copy)


def _settings(place: Path) -> tuple[ServerSettings, Path]:
    from dashlight.config import ServerSettings, effective_folder, environment, load

    if place.suffix != ".toml":
        return ServerSettings(data=place), place
    from dashlight.errors import InputError

    if not place.is_file():
        raise InputError(f"there is no settings file {place}", code="no-settings")
    settings = load(ServerSettings, "server", flags={}, env={}, file=place).settings
    return settings, effective_folder("server", settings.data, environment())[0]


def _copy(args: argparse.Namespace) -> int:
    from dashlight.errors import InputError
    from dashlight.store.copying import copy_store
    from dashlight.store.upkeep import is_store

    (source_settings, source_folder), (target_settings, target_folder) = _settings(args.source), _settings(args.target)
    if not is_store(source_folder, source_settings):
        raise InputError(f"there is no server's data in {source_folder}", code="no-server-data")
    if (source_settings.database_url, source_folder) == (target_settings.database_url, target_folder):
        raise InputError("source and target are the same place", code="same-place")
    _check_key(source_settings, source_folder, target_settings, target_folder)
    with _side(source_settings, source_folder) as source, _side(target_settings, target_folder) as target:
        moved = copy_store(source, target, progress=lambda *told: _tell(*told, is_quiet=args.quiet or args.json))
    _copy_key(source_settings, source_folder, target_settings, target_folder)
    if args.json:
        print_json(
            {
                "event": "copied",
                "pictures": moved.pictures,
                "rows": moved.rows,
                "objects": moved.objects,
                "size_bytes": moved.size_bytes,
                "resumed_objects": moved.resumed_objects,
            }
        )
    else:
        sys.stdout.write(
            f"copied and compared: {counted(moved.pictures, 'picture')} in {counted(moved.objects, 'object')}, "
            f"{moved.size_bytes / 1e6:.1f} MB, {counted(moved.rows, 'row')}\n"
        )
    return 0


def _tell(what: str, done: int, whole: int, *, is_quiet: bool) -> None:
    if not is_quiet and (done == whole or done % 100 == 0):
        sys.stderr.write(f"{what}: {done} of {whole}\n")


@contextmanager
def _side(settings: ServerSettings, folder: Path) -> Iterator[Side]:
    """Open a store that no server runs on, and keep servers of this folder out meanwhile."""
    from dashlight.errors import HostError
    from dashlight.store.copying import Side
    from dashlight.store.postgresql import PostgresqlDatabase
    from dashlight.store.upkeep import lock_store, open_database, open_objects

    lock = lock_store(folder)
    try:
        database = open_database(folder, settings)
        try:
            if isinstance(database, PostgresqlDatabase) and database.others():
                raise HostError("servers run on the database", hint="stop them first", code="locked")
            yield Side(database, open_objects(folder, settings))
        finally:
            database.close()
    finally:
        os.close(lock)


def _key_path(settings: ServerSettings, folder: Path) -> Path:
    return settings.key_file or folder / "server.key"


def _check_key(
    source_settings: ServerSettings, source_folder: Path, target_settings: ServerSettings, target_folder: Path
) -> None:
    from dashlight.errors import Conflict, InputError

    source, target = _key_path(source_settings, source_folder), _key_path(target_settings, target_folder)
    if not source.is_file():
        raise InputError(f"there is no server's key {source}", hint="set server.key_file", code="no-server-data")
    if target.is_file() and target.read_bytes() != source.read_bytes():
        raise Conflict(
            f"{target} is another server's key", hint="edges have pinned the key: it moves with the data", code="key"
        )


def _copy_key(
    source_settings: ServerSettings, source_folder: Path, target_settings: ServerSettings, target_folder: Path
) -> None:
    from dashlight.store.durable import write_durably
    from dashlight.store.upkeep import server_key

    target = _key_path(target_settings, target_folder)
    if not target.is_file():
        key = server_key(_key_path(source_settings, source_folder))
        write_durably(target, key.private_bytes_raw(), mode=0o600)
