"""The two ceremonies of WebAuthn (Level 3, https://www.w3.org/TR/webauthn-3/): enrolling a passkey, signing in with it.

A passkey has to be discoverable, so that nobody types a name, and to verify its user, so that a stolen key alone opens
nothing. No attestation is asked for: it would tell which device the operator has. The counter of signatures is not
kept, because it would tell how often they sign in; passkeys that are copied between devices have none anyway.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import webauthn
from webauthn.helpers import structs
from webauthn.helpers.exceptions import WebAuthnException

from dashlight.errors import Corrupt, Unauthorized
from dashlight.moderation.challenges import Challenge
from dashlight.moderation.origins import Origin
from dashlight.store.operators import Passkey
from dashlight.wire import from_base64url

_TIMEOUT_MS = 120_000
_MOST_ID_BYTES = 1_023  # Of a credential, by the specification.
# What the parsers of the library raise for bytes that nobody meant well.
_BROKEN = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
Credential = Mapping[str, Any]


def creation_options(
    origin: Origin, challenge: Challenge, *, instance: str, label: str, known: Sequence[Passkey]
) -> dict[str, Any]:
    """Return what a browser needs to make a passkey, as JSON.

    Args:
        origin: Of the page.
        challenge: To be signed.
        instance: The instance's name; the authenticator shows it.
        label: What the passkey is called.
        known: Enrolled already; an authenticator that has one of them makes no second.
    """
    options = webauthn.generate_registration_options(
        rp_id=origin.domain,
        rp_name=instance,
        user_name=label,
        user_id=secrets.token_bytes(32),  # Of nobody, and not kept: a passkey is found by its own id.
        challenge=challenge.content,
        timeout=_TIMEOUT_MS,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=each.id) for each in known],
    )
    return _as_json(webauthn.options_to_json(options))


def request_options(origin: Origin, challenge: Challenge) -> dict[str, Any]:
    """Return what a browser needs to sign in, as JSON; it names no passkey."""
    options = webauthn.generate_authentication_options(
        rp_id=origin.domain,
        challenge=challenge.content,
        timeout=_TIMEOUT_MS,
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return _as_json(webauthn.options_to_json(options))


def _as_json(text: str) -> dict[str, Any]:
    options = json.loads(text)
    if not isinstance(options, dict):
        raise Corrupt("the options of a passkey are no object")
    return options


def challenge_in(credential: Credential) -> bytes:
    """Return the challenge that a browser says it has answered.

    Raises:
        Unauthorized: When the reply is none of a browser.
    """
    try:
        client_data = json.loads(from_base64url(credential["response"]["clientDataJSON"]))
        return from_base64url(client_data["challenge"])
    except (*_BROKEN, Corrupt) as exc:
        raise _refusal() from exc


def id_in(credential: Credential) -> bytes:
    """Return the id of the passkey that a browser says has answered.

    Raises:
        Unauthorized: When the reply is none of a browser.
    """
    try:
        found = from_base64url(credential["rawId"])
    except (*_BROKEN, Corrupt) as exc:
        raise _refusal() from exc
    if not 1 <= len(found) <= _MOST_ID_BYTES:
        raise _refusal()
    return found


def verified_passkey(credential: Credential, origin: Origin, challenge: Challenge, *, label: str) -> Passkey:
    """Return the passkey that was made.

    Raises:
        Unauthorized: When it was not made here, for this challenge and by a user who was verified.
    """
    try:
        made = webauthn.verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge.content,
            expected_rp_id=origin.domain,
            expected_origin=origin.text,
            require_user_verification=True,
        )
    except _BROKEN as exc:
        raise _refusal() from exc
    if not 1 <= len(made.credential_id) <= _MOST_ID_BYTES:
        raise _refusal()
    return Passkey(made.credential_id, made.credential_public_key, label)


def check_signature(credential: Credential, origin: Origin, challenge: Challenge, passkey: Passkey) -> None:
    """Check that a passkey has signed a challenge here, and that its user was verified.

    Raises:
        Unauthorized: When it has not.
    """
    try:
        webauthn.verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge.content,
            expected_rp_id=origin.domain,
            expected_origin=origin.text,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except _BROKEN as exc:
        raise _refusal() from exc


def _refusal() -> Unauthorized:
    return Unauthorized("the passkey's answer is not a valid one", hint="begin again", code="bad-passkey")
