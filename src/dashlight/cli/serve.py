"""`dashlight serve` and `dashlight invite create`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from dashlight.cli.json_lines import print_json
from dashlight.cli.printable import shown
from dashlight.cli.server_options import add_data, existing_server, settings_of
from dashlight.config import ServerSettings

DEFAULTS = ServerSettings()
_FLAGS = ("data", "host", "port", "name", "license", "public_url", "recheck_share")
_BACKLOG = 1024


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add the commands of this group to the command line."""
    serve = subparsers.add_parser(
        "serve",
        help="run a server: take bundles in, show the map",
        description="Run a server until SIGTERM or Ctrl-C: it takes bundles in from the contributors that you invite, "
        "and shows the map to everybody. All that it keeps lies in one folder.",
    )
    add_data(serve)
    serve.add_argument("--host", help=f"address to listen on (default: {DEFAULTS.host}, this machine alone)")
    serve.add_argument("--port", type=int, help=f"port to listen on; 0 takes a free one (default: {DEFAULTS.port})")
    serve.add_argument("--name", help=f"the instance's name, shown to everybody (default: {DEFAULTS.name})")
    serve.add_argument("--license", help=f"licence of the pictures, SPDX (default: {DEFAULTS.license})")
    serve.add_argument("--public-url", help="address that readers see behind a proxy (default: none)")
    serve.add_argument(
        "--recheck-share",
        type=float,
        help=f"share of pictures that the detectors look at again (default: {DEFAULTS.recheck_share:g})",
    )
    serve.add_argument("--json", action="store_true", help="log as one JSON object a line, and say the address so")
    serve.set_defaults(run=run_serve)

    invite = subparsers.add_parser("invite", help="invite contributors")
    nouns = invite.add_subparsers(dest="invite_command", required=True, metavar="COMMAND")
    create = nouns.add_parser(
        "create",
        help="make an invite for one contributor; beside a running server too",
        description="Print an invite: whoever has it can enrol one edge with this server, once, under the policy that "
        "is named here. The server may be running.",
    )
    add_data(create)
    create.add_argument(
        "--policy", required=True, choices=("fleet", "open", "personal"), help="what the contributor may tell"
    )
    create.add_argument("--json", action="store_true", help="one JSON object")
    create.set_defaults(run=run_invite_create)


def run_invite_create(args: argparse.Namespace) -> int:
    """Make an invite and print it; return the exit code."""
    from dashlight.model import Policy
    from dashlight.store import tokens
    from dashlight.store.upkeep import open_store

    settings, folder = existing_server(args)
    policy = Policy(args.policy)
    store = open_store(folder, settings)
    try:
        secret = store.database.write(lambda t: tokens.create_invite(t, policy))
    finally:
        store.database.close()
    line = json.dumps({"invite": secret, "policy": str(policy)}) if args.json else secret
    sys.stdout.write(line + "\n")
    return 0


def run_serve(args: argparse.Namespace) -> int:
    """Run a server until it is told to stop; return the exit code."""
    import gc
    import signal
    import socket

    from dashlight.app import build
    from dashlight.cli.freed_memory import keep_freed_memory
    from dashlight.cli.http_server import SupervisedServer, raise_socket_limit, server_config
    from dashlight.cli.supervisor import Supervisor
    from dashlight.errors import HostError
    from dashlight.model import LICENSES
    from dashlight.store.upkeep import lock_store

    settings, folder = settings_of(args, _FLAGS)
    if settings.license not in LICENSES:
        from dashlight.errors import UsageError

        raise UsageError(f"server.license {settings.license!r} is none of {', '.join(LICENSES)}")
    _log(is_json=args.json or settings.log_json, is_quiet=args.quiet)
    raise_socket_limit(settings.live_clients)
    keep_freed_memory()
    lock_store(folder)
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as exc:
        raise HostError(
            f"cannot listen on {settings.host}:{settings.port}: {exc.strerror}",
            hint="another program may use the port; try --port 0",
            code="port",
        ) from exc
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = settings.public_url.rstrip("/") or f"http://{host}:{listener.getsockname()[1]}"
    application = build(settings, folder, base_url=settings.public_url.rstrip("/"))
    config = server_config(application.asgi, settings, backlog=_BACKLOG)

    with Supervisor.of_this_process() as supervisor:
        server = SupervisedServer(
            config,
            begin_stop=application.begin_stop,
            open_requests=application.open_requests,
            drain_s=settings.drain_s,
            ask_writer=lambda: application.store.database.submit(lambda _: None),
            supervisor=supervisor,
            status=f"{settings.name} is at {url}",
        )
        # A signal that comes before uvicorn listens to signals stops it too. It raises them again once it has stopped;
        # a server that was asked to stop and did has ended well.
        signal.signal(signal.SIGTERM, lambda _number, _frame: setattr(server, "should_exit", True))
        listener.listen(_BACKLOG)  # Whoever reads the address may connect at once and waits until the server runs.
        _announce(url, folder, settings.name, is_json=args.json)
        gc.collect()
        gc.freeze()  # What a server is made of stays until it ends; no later collection has to look at it again.
        server.run(sockets=[listener])
    return 0


def _announce(url: str, folder: Path, name: str, *, is_json: bool) -> None:
    if is_json:
        print_json({"url": url, "data": str(folder), "name": name})
    else:
        sys.stdout.write(
            f"{shown(name)} is at {shown(url)}\n"
            f"Invite a contributor: dashlight invite create --data {shown(folder)} --policy personal\n"
        )
    sys.stdout.flush()


def _log(*, is_json: bool, is_quiet: bool) -> None:
    import logging

    from dashlight.cli.logs import set_up_logs

    level = logging.ERROR if is_quiet else logging.INFO
    set_up_logs(level, is_json=is_json, names=("dashlight", "uvicorn", "asyncio"), is_discreet=True)
    logging.getLogger("uvicorn").setLevel(max(level, logging.WARNING))
