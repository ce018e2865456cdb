"""What the commands of the edge have in common: options, the settings they make, and the edge's home."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dashlight.cli.config_option import add_config
from dashlight.config import EdgeSettings

if TYPE_CHECKING:
    from dashlight.edge.home import Choices, Home

DEFAULTS = EdgeSettings()
POLICIES = ("personal", "open", "fleet")  # As `model.Policy`, which takes numpy along; the help is to be quick.


def add_home(parser: argparse.ArgumentParser) -> None:
    """Add the options that every command of the edge has."""
    parser.add_argument(
        "--home",
        type=Path,
        metavar="DIR",
        help="where seed, ledger and spool lie (default: dashlight/edge in your data folder; `edge status` names it)",
    )
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line (docs/reference/edge-json.md)")


def add_network(parser: argparse.ArgumentParser) -> None:
    """Add the options of commands that talk to the server."""
    parser.add_argument(
        "--proxy", metavar="URL", help="for all requests, such as socks5://127.0.0.1:9050 (default: none)"
    )
    parser.add_argument(
        "--timeout-s",
        type=float,
        metavar="S",
        help=f"a request without any byte for so long failed (default: {DEFAULTS.timeout_s:g})",
    )


def add_choices(parser: argparse.ArgumentParser) -> None:
    """Add the options that say under what pictures are published."""
    parser.add_argument(
        "--policy",
        choices=POLICIES,
        help="what may be told of your drives (default: personal, the most careful)",
    )
    parser.add_argument(
        "--license",
        type=_license,
        metavar="SPDX",
        help="of the pictures, such as CC-BY-SA-4.0 (default: the server's)",
    )
    parser.add_argument("--name", metavar="NAME", help="shown with your pictures; policy `open` only (default: none)")


def _license(text: str) -> str:
    """Return a licence that pictures can be published under, or say that the option is wrong."""
    from dashlight.model import LICENSES

    if text not in LICENSES:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(LICENSES)}")
    return text


def settings_of(args: argparse.Namespace) -> EdgeSettings:
    """Return the edge's settings, with what the command line says over them."""
    from dashlight.config import environment, load

    names = ("home", "every_m", "proxy", "timeout_s", "watch_s", "settle_s")
    flags = {name: getattr(args, name, None) for name in names}
    return load(EdgeSettings, "edge", flags=flags, env=environment(), file=args.config).settings


def home_of(settings: EdgeSettings) -> Home:
    """Return the edge's home."""
    from dashlight.config import environment
    from dashlight.edge.home import Home
    from dashlight.edge.station import home_path

    return Home(home_path(settings, environment()))


def choices_of(args: argparse.Namespace) -> Choices:
    """Return what was chosen, or the most careful.

    Raises:
        UsageError: When a name goes with another policy than `open`.
    """
    from dashlight.edge.home import DEFAULT_LICENSE, Choices
    from dashlight.errors import UsageError
    from dashlight.model import Policy

    policy = Policy(args.policy or "personal")
    if args.name and policy is not Policy.OPEN:
        raise UsageError(f"--name goes with --policy open only, not with {policy}")
    return Choices(policy, args.license or DEFAULT_LICENSE, args.name)
