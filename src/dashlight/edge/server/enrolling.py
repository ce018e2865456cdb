"""Enrol with a server: spend an invite, pin the server's key, store the credential."""

from __future__ import annotations

import secrets
from typing import Any

from dashlight.edge.home import Choices, Enrolment, Home
from dashlight.edge.home.ledger import BundleState, Ledger
from dashlight.edge.server.client import NOT_ENROLLED, Server
from dashlight.errors import Conflict, Corrupt, NotFound
from dashlight.model import LICENSES, Policy
from dashlight.wire import from_base64url, to_base64url


def _instance(server: Server) -> dict[str, Any]:
    try:
        return server.instance(hint=NOT_ENROLLED)
    except NotFound as exc:
        raise NotFound(
            f"there is no dashlight server at {server.url}",
            hint="give the address of its map, such as https://roads.example",
            code="no-server",
        ) from exc


def license_of(server: Server) -> str:
    """Return the licence that a server publishes under unless a contributor chooses another.

    Raises:
        Corrupt: When it names none that dashlight knows.
        Unavailable: When it cannot be reached.
    """
    named = _instance(server).get("license")
    if not isinstance(named, str) or named not in LICENSES:
        raise Corrupt(
            f"{server.url} names the licence {named!r}, not one of {', '.join(LICENSES)}",
            hint="choose one with --license",
            code="server-license",
        )
    return named


def enroll(home: Home, ledger: Ledger, server: Server, invite: str, choices: Choices) -> Enrolment:
    """Enrol, and return what was agreed; durable on return.

    The server's key is taken from the answer and must be the one that the instance shows to everybody. An enrolment
    with the same server replaces the earlier one; bundles that wait are sent under the new one if policies match.

    Raises:
        Unauthorized: When the invite is spent, forged, or for another policy.
        Conflict: When bundles wait for another server.
        Corrupt: When the server shows two keys, or agrees to something else than was asked for.
        Unavailable: When it cannot be reached.
    """
    earlier = home.enrolment()
    if earlier is not None and earlier.server != server.url and ledger.bundles(BundleState.SPOOLED):
        raise Conflict(
            f"{len(ledger.bundles(BundleState.SPOOLED))} bundles wait for {earlier.server}",
            hint="send them first (dashlight edge run), take them back (dashlight forget --pending), "
            "or use another --home",
        )
    home.seed()
    shown = _instance(server).get("server_key")  # First, so that what fails here costs no invite.
    shown_key = from_base64url(shown, size=32) if isinstance(shown, str) else b""
    if not shown_key:
        raise Corrupt(
            f"{server.url} shows no server key", hint="is that address a dashlight server?", code="server-key"
        )
    agreed = server.enroll(invite, policy=choices.policy, license_id=choices.license_id)
    if not secrets.compare_digest(shown_key, agreed.server_key):
        raise Corrupt(
            f"{server.url} enrols with the key {to_base64url(agreed.server_key)} and shows everybody another one",
            hint="do not upload there; ask its operator",
            code="server-key",
        )
    if agreed.policy is not choices.policy or agreed.license_id != choices.license_id:
        raise Corrupt(
            f"asked for {choices.policy} under {choices.license_id}, the server enrolled {agreed.policy} "
            f"under {agreed.license_id}",
            hint="ask its operator for an invite for what you want",
            code="enrolment-differs",
        )
    enrolment = Enrolment(
        server=server.url,
        server_key=agreed.server_key,
        credential=agreed.credential,
        policy=agreed.policy,
        license_id=agreed.license_id,
        attribution=choices.attribution if agreed.policy is Policy.OPEN else None,
    )
    ledger.drop_tokens()
    home.save_enrolment(enrolment)
    ledger.add_tokens(agreed.tokens, str(agreed.policy))
    return enrolment
