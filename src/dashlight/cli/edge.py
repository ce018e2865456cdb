"""`dashlight edge`: enrol, import recordings, watch a folder, see what waits, hide a place."""

from __future__ import annotations

import argparse
from typing import Any

from dashlight.cli.edge_enroll import add_enroll
from dashlight.cli.edge_hide import add_hide
from dashlight.cli.edge_import import add_import, add_run
from dashlight.cli.edge_status import add_status


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the commands of this group to the command line."""
    edge = subparsers.add_parser("edge", help="with the contributor: enrol, import recordings, watch a folder")
    verbs = edge.add_subparsers(dest="edge_command", required=True, metavar="COMMAND")
    add_enroll(verbs)
    add_import(verbs)
    add_run(verbs)
    add_status(verbs)
    add_hide(verbs)
