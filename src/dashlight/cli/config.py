"""`dashlight config show`: every setting, its value and where it came from."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from dashlight.cli.config_option import add_config
from dashlight.cli.json_lines import print_json
from dashlight.cli.printable import encodable, shown


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the commands of this group to the command line."""
    config = subparsers.add_parser("config", help="show the settings and where each came from")
    nouns = config.add_subparsers(dest="config_command", required=True, metavar="COMMAND")
    show = nouns.add_parser(
        "show",
        help="print every setting, its value and its source",
        description="Print every setting of server and edge, its value, and where that came from: default, file or "
        "environment.",
    )
    add_config(show)
    show.add_argument("--json", action="store_true", help="one JSON object a line")
    show.set_defaults(run=run_config_show)


def run_config_show(args: argparse.Namespace) -> int:
    """Print the settings; return the exit code."""
    from dashlight.config import EdgeSettings, ServerSettings, effective_folder, environment, load, masked

    env = environment()
    for section, folder_name, loaded in (
        ("server", "data", load(ServerSettings, "server", flags={}, env=env, file=args.config)),
        ("edge", "home", load(EdgeSettings, "edge", flags={}, env=env, file=args.config)),
    ):
        for name, stated in loaded.sources.items():
            value, source = masked(name, getattr(loaded.settings, name)), stated
            if name == folder_name:
                folder, said_by = effective_folder(section, value, env)
                value, source = str(folder), stated if said_by == "given" else said_by
            if args.json:
                print_json({"section": section, "name": name, "value": value, "source": source})
            else:
                said = json.dumps(encodable(value), ensure_ascii=False)
                sys.stdout.write(shown(f"{section}.{name} = {said}  # {source}") + "\n")
    return 0
