"""What the commands of the server have in common: options, the settings they make, and the folder of its data."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dashlight.cli.config_option import add_config

if TYPE_CHECKING:
    from dashlight.config import ServerSettings


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which server."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder of the server's data (default: dashlight/server in your data folder)",
    )
    add_config(parser)


def settings_of(args: argparse.Namespace, names: Iterable[str] = ("data",)) -> tuple[ServerSettings, Path]:
    """Return the server's settings, with what the command line says over them, and the folder of its data.

    Args:
        args: The command line.
        names: Of the settings that it may name.
    """
    from dashlight.config import ServerSettings, effective_folder, environment, load

    env = environment()
    flags = {name: getattr(args, name, None) for name in names}
    settings = load(ServerSettings, "server", flags=flags, env=env, file=args.config).settings
    return settings, effective_folder("server", settings.data, env)[0]


def existing_server(args: argparse.Namespace, names: Iterable[str] = ("data",)) -> tuple[ServerSettings, Path]:
    """Return settings and folder of a server that has run: a wrong folder does not become a new one.

    Args:
        args: The command line.
        names: Of the settings that it may name.

    Raises:
        InputError: When there is none.
    """
    from dashlight.errors import InputError
    from dashlight.store.upkeep import is_store

    settings, folder = settings_of(args, names)
    if not is_store(folder, settings):
        raise InputError(
            f"there is no server's data in {folder}",
            hint="name the folder with --data that `dashlight serve` was started with; what is made counts only there",
            code="no-server-data",
        )
    return settings, folder
