"""`dashlight config show`: every setting, its value and where it came from."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the commands of this group to the command line."""
    config = subparsers.add_parser("config", help="show the settings and where each came from")
    nouns = config.add_subparsers(dest="config_command", required=True, metavar="COMMAND")
    show = nouns.add_parser("show", help="print every setting, its value and its source")
    show.add_argument("--config", type=Path, metavar="FILE", help="settings file (TOML)")
    show.add_argument("--json", action="store_true", help="one JSON object a line")
    show.set_defaults(run=run_config_show)


def run_config_show(args: argparse.Namespace) -> int:
    """Print the settings; return the exit code."""
    from dashlight.config import EdgeSettings, ServerSettings, effective_folder, environment, load

    env = environment()
    for section, folder_name, loaded in (
        ("server", "data", load(ServerSettings, "server", flags={}, env=env, file=args.config)),
        ("edge", "home", load(EdgeSettings, "edge", flags={}, env=env, file=args.config)),
    ):
        for name, stated in loaded.sources.items():
            value, source = getattr(loaded.settings, name), stated
            if name == folder_name:
                folder, said_by = effective_folder(section, value, env)
                value, source = str(folder), stated if said_by == "given" else said_by
            if args.json:
                row = {"section": section, "name": name, "value": value, "source": source}
                sys.stdout.write(json.dumps(row) + "\n")
            else:
                sys.stdout.write(f"{section}.{name} = {json.dumps(value)}  # {source}\n")
    return 0
