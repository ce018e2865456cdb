"""The HTTP of signing in and out, and of enrolling a passkey by a link.

The session that it opens is a cookie that scripts cannot read, that no other site's request carries, and whose row
dies.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response

from dashlight.errors import InputError, Unauthorized
from dashlight.moderation import passkeys
from dashlight.moderation.desk.routes import NO_STORE, Desk, cookie_of
from dashlight.moderation.origins import Origin
from dashlight.store import operators

Json = Annotated[dict[str, Any], Body()]


def add_entry(router: APIRouter, desk: Desk) -> None:
    """Add the routes that need no session."""
    for name in ("sign-in", "enrol"):
        _add_page(router, desk, name)
    _add_signing_in(router, desk)
    _add_enrolling(router, desk)


def _with_session(desk: Desk, request: Request, passkey_id: bytes, challenge: Any) -> Response:
    origin = desk.origin(request)
    secret = desk.database.write(
        lambda t: operators.open_session(
            t,
            passkey_id,
            challenge=challenge.content,
            challenge_ends_ms=challenge.ends_ms,
            now_ms=desk.now_ms(),
        )
    )
    response = Response(status_code=204, headers=NO_STORE)
    _set_cookie(response, origin, secret, operators.SESSION_S)
    return response


def _set_cookie(response: Response, origin: Origin, value: str, life_s: int) -> None:
    response.set_cookie(
        cookie_of(origin),
        value,
        max_age=life_s,
        path="/operator",
        secure=origin.is_secure,
        httponly=True,
        samesite="strict",
    )


def _add_page(router: APIRouter, desk: Desk, name: str) -> None:
    @router.get(f"/{name}")
    def page(request: Request) -> Response:
        try:
            desk.origin(request)
        except InputError as exc:
            return desk.page(name, request, status=400, trouble=exc, session=None)
        return desk.page(name, request, trouble=None, session=None)

    del page


def _add_signing_in(router: APIRouter, desk: Desk) -> None:
    @router.post("/sign-in/options")
    def sign_in_options(request: Request) -> dict[str, Any]:
        origin = desk.own_origin(request)
        return passkeys.request_options(origin, desk.challenges.new("sign-in", now_ms=desk.now_ms()))

    @router.post("/sign-in")
    def sign_in(asked: Json, request: Request) -> Response:
        origin = desk.own_origin(request)
        said = passkeys.challenge_in(asked)
        challenge = desk.challenges.known(said, "sign-in", now_ms=desk.now_ms())
        with desk.database.read() as connection:
            passkey = operators.find_passkey(connection, passkeys.id_in(asked))
        passkeys.check_signature(asked, origin, challenge, passkey)
        return _with_session(desk, request, passkey.id, challenge)

    @router.post("/sign-out")
    def sign_out(request: Request) -> Response:
        origin = desk.own_origin(request)
        secret = request.cookies.get(cookie_of(origin))
        if secret:
            desk.database.write(lambda t: operators.close_session(t, secret))
        response = desk.go(request, "/operator/sign-in")
        _set_cookie(response, origin, "", 0)
        response.headers["Clear-Site-Data"] = '"cache"'
        return response

    del sign_in_options, sign_in, sign_out


def _add_enrolling(router: APIRouter, desk: Desk) -> None:
    def invited(asked: dict[str, Any], request: Request) -> tuple[Origin, str, str]:
        """Return the origin, the secret and the label of the link that a request shows."""
        origin = desk.own_origin(request)
        secret = asked.get("invite")
        if not isinstance(secret, str) or len(secret) > 100:
            raise Unauthorized("the link holds no invite", hint="open it as it was printed", code="bad-invite")
        with desk.database.read() as connection:
            return origin, secret, operators.find_invite(connection, secret, now_ms=desk.now_ms())

    @router.post("/enrol/options")
    def enrol_options(asked: Json, request: Request) -> dict[str, Any]:
        origin, secret, label = invited(asked, request)
        challenge = desk.challenges.new(f"enrol {secret}", now_ms=desk.now_ms())
        with desk.database.read() as connection:
            known = operators.passkeys(connection)
        return passkeys.creation_options(origin, challenge, instance=desk.instance, label=label, known=known)

    @router.post("/enrol")
    def enrol(asked: Json, request: Request) -> Response:
        origin, secret, label = invited(asked, request)
        credential = asked.get("credential")
        if not isinstance(credential, dict):
            raise Unauthorized("the browser sent no passkey", hint="begin again", code="bad-passkey")
        said = passkeys.challenge_in(credential)
        challenge = desk.challenges.known(said, f"enrol {secret}", now_ms=desk.now_ms())
        made = passkeys.verified_passkey(credential, origin, challenge, label=label)
        desk.database.write(lambda t: operators.enrol_passkey(t, secret, made, now_ms=desk.now_ms()))
        return _with_session(desk, request, made.id, challenge)

    del enrol_options, enrol
