"""`dashlight edge status`: what waits, what was refused and why, what the server has."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dashlight.cli.counted import counted
from dashlight.cli.edge_options import add_home, home_of, settings_of
from dashlight.cli.json_lines import print_json
from dashlight.cli.printable import shown

if TYPE_CHECKING:
    from dashlight.edge.station import Station


def add_status(verbs: argparse._SubParsersAction[Any]) -> None:
    """Add `status` to the commands of the edge."""
    parser = verbs.add_parser(
        "status",
        help="say what waits, what was refused and why, what the server has",
        description="Say where this edge lives and with whom it is enrolled, what waits in the spool, what the server "
        "has acknowledged or refused and why, and which recordings could not be used. Nothing is sent.",
    )
    parser.add_argument("--retry-refused", action="store_true", help="put refused bundles back in line")
    add_home(parser)
    parser.set_defaults(run=run_status)


def run_status(args: argparse.Namespace) -> int:
    """Say how things are."""
    from dashlight.edge.station import opened

    settings = settings_of(args)
    with opened(home_of(settings), settings) as station:
        if args.retry_refused:
            station.ledger.retry_refused()
        row = status_row(station)
        if args.json:
            print_json(row)
        else:
            sys.stdout.write("\n".join(map(shown, status_lines(row, home=str(station.home.path)))) + "\n")
    return 0


def status_lines(row: dict[str, Any], *, home: str) -> Iterator[str]:
    """Yield how things are, for a person.

    Args:
        row: From `status_row`.
        home: The edge's folder.
    """
    bundles, pictures = row["pending_bundles"], row["pending_pictures"]
    yield (
        f"server      {row['server']} ({row['policy']}, {row['license']})"
        if row["server"]
        else ("server      not enrolled")
    )
    yield f"home        {home}"
    yield (f"received    {counted(row['received_bundles'], 'bundle')}, {counted(row['received_pictures'], 'picture')}")
    yield (
        f"waiting     {counted(bundles, 'bundle')}, {counted(pictures, 'picture')}, {row['spool_bytes'] / 2**20:.1f} MB"
    )
    if row["not_before_later"]:
        later = row["not_before_later"]
        yield f"            {later} of them {'is' if later == 1 else 'are'} held back to a later hour by the policy"
    yield f"refused     {counted(len(row['refused']), 'bundle')}"
    for b in row["refused"]:
        yield f"  {b['bundle'][:16]}  {counted(b['pictures'], 'picture')}: {b['reason']} ({b['code']})"
    yield f"recordings  {', '.join(f'{n} {state}' for state, n in row['recordings'].items()) or 'none'}"
    for r in row["rejected"]:
        yield f"  rejected  {r['path']}: {r['reason']}"
    yield f"hidden      {counted(row['hidden_places'], 'place')}; `dashlight edge hide --list` names them"
    yield f"to erase    {row['erasures_due']} at the server"
    yield f"tokens      {row['tokens_left']} left"
    if row["last_error"]:
        yield f"last error  {row['last_error']}"
    if row["other_policy_bundles"]:
        yield (
            f"note        {counted(row['other_policy_bundles'], 'bundle')} "
            f"{'was' if row['other_policy_bundles'] == 1 else 'were'} made under another policy than that of the "
            "enrolment; `dashlight forget --pending` drops what waits"
        )


def status_row(station: Station) -> dict[str, Any]:
    """Return the `status` of docs/reference/edge-json.md."""
    import time

    from dashlight.edge.disclosure import due_count
    from dashlight.edge.home.ledger import BundleState, RecordingState
    from dashlight.model import Policy

    ledger, enrolment = station.ledger, station.enrolment
    received = ledger.bundles(BundleState.RECEIVED)
    pending = ledger.bundles(BundleState.SPOOLED)
    refused = ledger.bundles(BundleState.REFUSED)
    states: dict[str, int] = {}
    for recording in ledger.recordings():
        states[recording.state] = states.get(recording.state, 0) + 1
    failed = [b for b in pending if b.reason]
    return {
        "event": "status",
        "server": enrolment.server if enrolment else None,
        "policy": str(station.choices.policy) if enrolment else None,
        "license": station.choices.license_id if enrolment else None,
        "received_bundles": len(received),
        "received_pictures": sum(b.pictures for b in received),
        "pending_bundles": len(pending),
        "pending_pictures": sum(b.pictures for b in pending),
        "not_before_later": sum(b.not_before > time.time() for b in pending),
        "other_policy_bundles": sum(enrolment is not None and Policy(b.policy) != enrolment.policy for b in pending),
        "refused": [{"bundle": b.sha256, "pictures": b.pictures, "reason": b.reason, "code": b.code} for b in refused],
        "spool_bytes": station.spool.used_bytes(),
        "recordings": {str(state): count for state, count in sorted(states.items())},
        "rejected": [
            {"path": r.path, "reason": r.reason, "code": r.code} for r in ledger.recordings(RecordingState.REJECTED)
        ],
        "erasures_due": due_count(ledger),
        "tokens_left": ledger.tokens_left(),
        "hidden_places": len(station.disclosure.places()),
        "last_error": failed[-1].reason if failed else None,
    }
