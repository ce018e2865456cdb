"""`dashlight operator`: who may sign in to the operator's page."""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from typing import TYPE_CHECKING, Any

from dashlight.cli.json_lines import print_json
from dashlight.cli.printable import shown
from dashlight.cli.server_options import add_data, existing_server
from dashlight.cli.sure import add_sure, is_sure

if TYPE_CHECKING:
    from dashlight.config import ServerSettings
    from dashlight.store.upkeep import Store

_MOST_CHARACTERS = 60  # Of a label.
_NAMED = ("data", "port", "public_url")  # Settings that `dashlight serve` takes from its command line too.


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the commands of this group to the command line."""
    group = subparsers.add_parser("operator", help="let people sign in to the operator's page; beside a running server")
    verbs = group.add_subparsers(dest="operator_command", required=True, metavar="COMMAND")
    invite = _add(
        verbs,
        "invite",
        "print a link that enrols one passkey",
        "Print a link with which somebody enrols a passkey for the operator's page: once, within an hour. Whoever has "
        "the link can do it, so give it to nobody else.",
    )
    invite.add_argument(
        "--label",
        default="operator",
        metavar="NAME",
        help="what the passkey is called in the list of passkeys (default: operator)",
    )
    invite.add_argument("--port", type=int, help="port that the server was told to listen on, where no setting says so")
    invite.add_argument("--public-url", help="address that the server was told to have, where no setting says so")
    invite.set_defaults(run=_invite)
    _add(
        verbs, "list", "list the passkeys that may sign in", "List the passkeys that may sign in, by label."
    ).set_defaults(run=_list)
    remove = _add(
        verbs,
        "remove",
        "forget a passkey and end its sessions",
        "Forget a passkey, as when its device is lost, and end its sessions at once.",
    )
    remove.add_argument("passkey", metavar="KEY", help="its first column in `dashlight operator list`")
    add_sure(remove)
    remove.set_defaults(run=_remove)


def _add(verbs: Any, name: str, text: str, description: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=description)
    add_data(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser


def _key(passkey_id: bytes) -> str:
    """Return a short name of a passkey that can be typed."""
    return hashlib.sha256(passkey_id).hexdigest()[:16]


def _open(args: argparse.Namespace) -> tuple[ServerSettings, Store]:
    from dashlight.store.upkeep import open_store

    settings, folder = existing_server(args, _NAMED)
    return settings, open_store(folder, settings)


def _base_of(settings: ServerSettings) -> str:
    """Return the address that the page is at.

    Raises:
        UsageError: When nothing says so: the server takes a free port.
    """
    from dashlight.errors import UsageError

    if not settings.public_url and not settings.port:
        raise UsageError(
            "server.port 0 takes a free port, which is known to the running server alone",
            hint="give the one that `dashlight serve` printed with --port",
        )
    return settings.public_url.rstrip("/") or f"http://localhost:{settings.port}"


def _invite(args: argparse.Namespace) -> int:
    from dashlight.errors import UsageError
    from dashlight.store import operators

    if not 1 <= len(args.label) <= _MOST_CHARACTERS or not args.label.isprintable():
        raise UsageError(f"--label {args.label!r:.80} is not a text of 1 to {_MOST_CHARACTERS} printable characters")
    settings, store = _open(args)
    try:
        base = _base_of(settings)
        now_ms = time.time_ns() // 1_000_000
        secret = store.database.write(lambda t: operators.invite_operator(t, args.label, now_ms=now_ms))
    finally:
        store.database.close()
    link = f"{base}/operator/enrol#{secret}"
    if args.json:
        print_json({"link": link, "label": args.label, "valid_s": operators.INVITE_S})
    else:
        sys.stdout.write(link + "\n")
        sys.stderr.write("This link enrols one passkey, once, within an hour. Whoever has it can use it.\n")
        if not settings.public_url:
            sys.stderr.write(
                f"It works on this machine alone, while the server listens on port {settings.port} (if it was told "
                "another one, give the same --port); with server.public_url set to an https address it works "
                "everywhere.\n"
            )
    return 0


def _list(args: argparse.Namespace) -> int:
    from dashlight.store import operators

    _, store = _open(args)
    try:
        with store.database.read() as connection:
            found = operators.passkeys(connection)
    finally:
        store.database.close()
    for each in found:
        if args.json:
            print_json({"passkey": _key(each.id), "label": each.label})
        else:
            sys.stdout.write(f"{_key(each.id)}  {shown(each.label)}\n")
    if not found and not args.json:
        sys.stdout.write("nobody can sign in; `dashlight operator invite` prints a link for the first\n")
    return 0


def _remove(args: argparse.Namespace) -> int:
    from dashlight.errors import NotFound
    from dashlight.store import operators

    _, store = _open(args)
    try:
        with store.database.read() as connection:
            found = [each for each in operators.passkeys(connection) if _key(each.id) == args.passkey]
        if not found:
            raise NotFound(
                f"there is no passkey {args.passkey!r:.60}", hint="dashlight operator list", code="no-passkey"
            )
        label = found[0].label
        if args.dry_run:
            if args.json:
                print_json({"event": "selected", "passkey": args.passkey, "label": label})
            else:
                sys.stdout.write(f"To be removed: {args.passkey}  {shown(label)}\n")
            return 0
        if not is_sure(args, f"This cannot be undone. Forget the passkey {shown(label)}?"):
            return 0
        store.database.write(lambda t: operators.remove_passkey(t, found[0].id))
    finally:
        store.database.close()
    if args.json:
        print_json({"passkey": args.passkey, "removed": True})
    else:
        sys.stdout.write("removed; whoever was signed in with it is signed out\n")
    return 0
