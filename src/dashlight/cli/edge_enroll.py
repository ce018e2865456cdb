"""`dashlight edge enroll`: agree with a server on policy and licence, and pin its key."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from dashlight.cli.counted import counted
from dashlight.cli.edge_options import add_choices, add_home, add_network, choices_of, home_of, settings_of
from dashlight.cli.json_lines import print_json
from dashlight.cli.printable import shown

if TYPE_CHECKING:
    from dashlight.config import EdgeSettings
    from dashlight.edge.home import Enrolment, Home


def add_enroll(verbs: argparse._SubParsersAction[Any]) -> None:
    """Add `enroll` to the commands of the edge."""
    parser = verbs.add_parser(
        "enroll",
        help="agree with a server on policy and licence, and pin its key",
        description="Spend an invite: agree with a server under which policy and licence your pictures are published, "
        "and pin its key, with which it signs every receipt from then on. An invite is for one policy; name that one.",
    )
    parser.add_argument("--server", required=True, metavar="URL", help="address of the server")
    parser.add_argument("--invite", required=True, metavar="CODE", help="from the server's operator")
    add_choices(parser)
    add_home(parser)
    add_network(parser)
    parser.set_defaults(run=run_enroll)


def run_enroll(args: argparse.Namespace) -> int:
    """Enrol and show what was agreed."""
    settings = settings_of(args)
    home = home_of(settings)
    with home.lock():
        enrolment = enrolled(args, settings, home)
    show_enrolment(args, home, enrolment)
    return 0


def enrolled(args: argparse.Namespace, settings: EdgeSettings, home: Home) -> Enrolment:
    """Enrol as the options say, under the server's licence unless one is named; call it under the home's lock."""
    from dataclasses import replace

    from dashlight.edge.home.ledger import Ledger
    from dashlight.edge.server import Server, enroll, license_of

    choices = choices_of(args)
    server = Server(args.server, timeout_s=settings.timeout_s, proxy=settings.proxy)
    ledger = Ledger(home.ledger_path)
    try:
        if args.license is None:
            choices = replace(choices, license_id=license_of(server))
        return enroll(home, ledger, server, args.invite, choices)
    finally:
        ledger.close()
        server.close()


def show_enrolment(args: argparse.Namespace, home: Home, enrolment: Enrolment) -> None:
    """Say what was agreed."""
    from dashlight.wire import to_base64url

    if args.json:
        print_json(
            {
                "event": "enrolled",
                "server": enrolment.server,
                "server_key": to_base64url(enrolment.server_key),
                "policy": str(enrolment.policy),
                "license": enrolment.license_id,
            }
        )
        return
    named = (
        f"  name     {shown(enrolment.attribution)}: shown with each of your pictures\n"
        if enrolment.attribution
        else ""
    )
    sys.stdout.write(
        f"Enrolled with {shown(enrolment.server)}\n"
        f"  policy   {enrolment.policy}\n"
        f"{named}"
        f"  licence  {enrolment.license_id}: your redacted pictures are published under it, for good\n"
        f"  key      {to_base64url(enrolment.server_key)} (pinned)\n"
    )
    _show_kept(home, enrolment)


def _show_kept(home: Home, enrolment: Enrolment) -> None:
    """Say which recordings stay under the policy that they came in under."""
    from collections import Counter

    from dashlight.edge.home.ledger import Ledger

    ledger = Ledger(home.ledger_path)
    try:
        kept = Counter(ledger.unfinished_under_another(enrolment.policy).values())
    finally:
        ledger.close()
    for policy, count in sorted(kept.items()):
        stay = "waits under {policy} and stays so" if count == 1 else "wait under {policy} and stay so"
        sys.stdout.write(f"  {counted(count, 'recording')} of yours {stay.format(policy=policy)}\n")
