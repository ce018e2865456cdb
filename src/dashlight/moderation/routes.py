"""The HTTP of the operator's page, and of the figures that it makes public.

Everything under `/operator` wants a session: a cookie that scripts cannot read, that no other site's request carries,
and whose row dies. What changes something must also have been sent by a page of this origin.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Request, Response
from fastapi.responses import RedirectResponse

from dashlight.errors import InputError, NotFound, Unauthorized
from dashlight.moderation import decisions, passkeys
from dashlight.moderation.challenges import Challenges
from dashlight.moderation.decisions import Given, given_in
from dashlight.moderation.origins import Origin, check_same_origin, origin_of
from dashlight.moderation.pages import CONTENT_POLICY, Pages, Reader
from dashlight.moderation.public.routes import make_router as public_router
from dashlight.store import moderated, operators, reports
from dashlight.store.database import Database
from dashlight.store.moderated import HIDING
from dashlight.store.objects import Objects
from dashlight.store.operators import Session
from dashlight.store.pictures import ByteRange
from dashlight.wire import from_base64url

PAGE_SIZE = 24
NOTHING = Given()
_DAY_MS = 86_400_000
_NO_STORE = {"Cache-Control": "no-store"}
Json = Annotated[dict[str, Any], Body()]


@dataclass(frozen=True, slots=True)
class Moderation:
    """What the operator's page needs."""

    database: Database
    objects: Objects
    challenges: Challenges
    pages: Pages
    instance: str
    public_url: str
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000

    @property
    def today(self) -> int:
        """Today as days since 1970-01-01."""
        return self.now_ms() // _DAY_MS

    def origin(self, request: Request) -> Origin:
        """Return where the page is, as the browser has it."""
        return origin_of(self.public_url, request.headers.get("host", ""))

    def reader(self, request: Request) -> Reader:
        """Return for whom to write."""
        wish = request.query_params.get("lang", "")
        return self.pages.reader(wish, request.headers.get("accept-language", "")[:200])

    def session(self, request: Request) -> Session:
        """Return who is signed in.

        Raises:
            Unauthorized: When nobody is.
        """
        secret = request.cookies.get(cookie_of(self.origin(request)))
        if not secret:
            raise Unauthorized("nobody is signed in here", hint="sign in at /operator", code="no-session")
        with self.database.read() as connection:
            return operators.find_session(connection, secret, now_ms=self.now_ms())

    def page(self, name: str, request: Request, *, status: int = 200, **values: Any) -> Response:
        """Return a page."""
        text = self.pages.write(name, self.reader(request), {"notice": "", **values})
        headers = {**_NO_STORE, "Content-Security-Policy": CONTENT_POLICY, "X-Robots-Tag": "noindex"}
        return Response(text, status, media_type="text/html; charset=utf-8", headers=headers)

    def go(self, request: Request, path: str, **query: object) -> Response:
        """Return the way to another page."""
        return RedirectResponse(self.reader(request).link(path, **query), 303, headers=_NO_STORE)


def cookie_of(origin: Origin) -> str:
    """Return the cookie's name: with https one that browsers take over https alone."""
    return "__Secure-dashlight-operator" if origin.is_secure else "dashlight-operator"


async def _form(request: Request) -> dict[str, list[str]]:
    try:
        return parse_qs((await request.body()).decode(), keep_blank_values=True, max_num_fields=200)
    except ValueError as exc:
        raise InputError("the form cannot be read", code="bad-form") from exc


Form = Annotated[dict[str, list[str]], Depends(_form)]


def make_router(moderation: Moderation) -> APIRouter:
    """Return the routes of the operator's page and of the public figures."""
    router = APIRouter()
    router.include_router(public_router(moderation.database, now_ms=moderation.now_ms))
    pages = APIRouter(prefix="/operator", include_in_schema=False)
    _add_signing_in(pages, moderation)
    _add_enrolling(pages, moderation)
    _add_reports(pages, moderation)
    _add_record(pages, moderation)
    _add_pictures(pages, moderation)
    router.include_router(pages)
    return router


def _with_session(moderation: Moderation, request: Request, passkey_id: bytes, challenge: Any) -> Response:
    origin = moderation.origin(request)
    secret = moderation.database.write(
        lambda t: operators.open_session(
            t,
            passkey_id,
            challenge=challenge.content,
            challenge_ends_ms=challenge.ends_ms,
            now_ms=moderation.now_ms(),
        )
    )
    response = Response(status_code=204, headers=_NO_STORE)
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


def _add_signing_in(router: APIRouter, moderation: Moderation) -> None:
    @router.get("")
    def home(request: Request) -> Response:
        return moderation.go(request, "/operator/reports")

    @router.get("/sign-in")
    def sign_in_page(request: Request) -> Response:
        try:
            moderation.origin(request)
        except InputError as exc:
            return moderation.page("sign-in", request, status=400, trouble=exc, session=None)
        return moderation.page("sign-in", request, trouble=None, session=None)

    @router.post("/sign-in/options")
    def sign_in_options(request: Request) -> dict[str, Any]:
        origin = moderation.origin(request)
        check_same_origin(origin, request.headers)
        return passkeys.request_options(origin, moderation.challenges.new("sign-in", now_ms=moderation.now_ms()))

    @router.post("/sign-in")
    def sign_in(asked: Json, request: Request) -> Response:
        origin = moderation.origin(request)
        check_same_origin(origin, request.headers)
        said = passkeys.challenge_in(asked)
        challenge = moderation.challenges.known(said, "sign-in", now_ms=moderation.now_ms())
        with moderation.database.read() as connection:
            passkey = operators.find_passkey(connection, passkeys.id_in(asked))
        passkeys.check_signature(asked, origin, challenge, passkey)
        return _with_session(moderation, request, passkey.id, challenge)

    @router.post("/sign-out")
    def sign_out(request: Request) -> Response:
        origin = moderation.origin(request)
        check_same_origin(origin, request.headers)
        secret = request.cookies.get(cookie_of(origin))
        if secret:
            moderation.database.write(lambda t: operators.close_session(t, secret))
        response = moderation.go(request, "/operator/sign-in")
        _set_cookie(response, origin, "", 0)
        response.headers["Clear-Site-Data"] = '"cache"'
        return response

    del home, sign_in_page, sign_in_options, sign_in, sign_out


def _add_enrolling(router: APIRouter, moderation: Moderation) -> None:
    def invited(asked: dict[str, Any], request: Request) -> tuple[Origin, str, str]:
        """Return the origin, the secret and the label of the link that a request shows."""
        origin = moderation.origin(request)
        check_same_origin(origin, request.headers)
        secret = asked.get("invite")
        if not isinstance(secret, str) or len(secret) > 100:
            raise Unauthorized("the link holds no invite", hint="open it as it was printed", code="bad-invite")
        with moderation.database.read() as connection:
            return origin, secret, operators.find_invite(connection, secret, now_ms=moderation.now_ms())

    @router.get("/enrol")
    def enrol_page(request: Request) -> Response:
        try:
            moderation.origin(request)
        except InputError as exc:
            return moderation.page("enrol", request, status=400, trouble=exc, session=None)
        return moderation.page("enrol", request, trouble=None, session=None)

    @router.post("/enrol/options")
    def enrol_options(asked: Json, request: Request) -> dict[str, Any]:
        origin, secret, label = invited(asked, request)
        challenge = moderation.challenges.new(f"enrol {secret}", now_ms=moderation.now_ms())
        with moderation.database.read() as connection:
            known = operators.passkeys(connection)
        return passkeys.creation_options(origin, challenge, instance=moderation.instance, label=label, known=known)

    @router.post("/enrol")
    def enrol(asked: Json, request: Request) -> Response:
        origin, secret, label = invited(asked, request)
        credential = asked.get("credential")
        if not isinstance(credential, dict):
            raise Unauthorized("the browser sent no passkey", hint="begin again", code="bad-passkey")
        said = passkeys.challenge_in(credential)
        challenge = moderation.challenges.known(said, f"enrol {secret}", now_ms=moderation.now_ms())
        made = passkeys.verified_passkey(credential, origin, challenge, label=label)
        moderation.database.write(lambda t: operators.enrol_passkey(t, secret, made, now_ms=moderation.now_ms()))
        return _with_session(moderation, request, made.id, challenge)

    del enrol_page, enrol_options, enrol


def _queue_page(
    moderation: Moderation,
    request: Request,
    session: Session,
    *,
    trouble: InputError | None = None,
    given: Given = NOTHING,
) -> Response:
    is_kept = request.query_params.get("kept") == "1"
    asked = request.query_params.get("page", "0")
    page = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0
    with moderation.database.read() as connection:
        numbers = reports.queue(connection, urgent=HIDING, is_kept=is_kept)
        other = reports.queue(connection, urgent=HIDING, is_kept=not is_kept)
        found = reports.reported(connection, numbers[page * PAGE_SIZE : (page + 1) * PAGE_SIZE])
    return moderation.page(
        "reports",
        request,
        status=400 if trouble else 200,
        session=session,
        found=found,
        is_kept=is_kept,
        waiting=len(other if is_kept else numbers),
        kept=len(numbers if is_kept else other),
        page=page,
        pages=-(-len(numbers) // PAGE_SIZE),
        today=moderation.today,
        trouble=trouble,
        notice=_notice(request),
        decisions=decisions,
        given=given,
        urgent=HIDING,
    )


def _report_page(
    moderation: Moderation,
    request: Request,
    picture_id: UUID,
    session: Session,
    *,
    trouble: InputError | None = None,
    given: Given = NOTHING,
) -> Response:
    with moderation.database.read() as connection:
        found = reports.find_waiting(connection, picture_id)
        waiting = len(reports.queue(connection, urgent=HIDING))
        kept = len(reports.queue(connection, is_kept=True))
    return moderation.page(
        "report",
        request,
        status=400 if trouble else 200,
        session=session,
        one=found,
        waiting=waiting,
        kept=kept,
        today=moderation.today,
        trouble=trouble,
        notice=_notice(request),
        decisions=decisions,
        given=given,
        urgent=HIDING,
        most_characters=moderated.MOST_CHARACTERS,
    )


def _add_reports(router: APIRouter, moderation: Moderation) -> None:
    @router.get("/reports")
    def queue(request: Request) -> Response:
        session = _signed_in(moderation, request)
        return session if isinstance(session, Response) else _queue_page(moderation, request, session)

    @router.post("/reports")
    def decide_many(form: Form, request: Request) -> Response:
        session = _acting(moderation, request)
        try:
            ruling = decisions.parsed_ruling(form, choices=decisions.AT_ONCE)
            ids = decisions.parsed_ids(form, most=PAGE_SIZE)
        except InputError as exc:
            return _queue_page(moderation, request, session, trouble=exc, given=given_in(form))
        count = decisions.decide(moderation.database, moderation.objects, ids, ruling, day=moderation.today)
        return moderation.go(
            request, "/operator/reports", done="many", n=count, kept=request.query_params.get("kept", "")
        )

    @router.get("/reports/{picture_id}")
    def one(picture_id: UUID, request: Request) -> Response:
        session = _signed_in(moderation, request)
        if isinstance(session, Response):
            return session
        try:
            return _report_page(moderation, request, picture_id, session)
        except NotFound:
            return moderation.go(request, "/operator/reports", done="gone")

    @router.post("/reports/{picture_id}")
    def decide_one(picture_id: UUID, form: Form, request: Request) -> Response:
        session = _acting(moderation, request)
        try:
            ruling = decisions.parsed_ruling(form)
        except InputError as exc:
            return _report_page(moderation, request, picture_id, session, trouble=exc, given=given_in(form))
        count = decisions.decide(moderation.database, moderation.objects, [picture_id], ruling, day=moderation.today)
        done = str(ruling.decision) if count else "gone"
        with moderation.database.read() as connection:
            following = reports.reported(connection, reports.queue(connection, urgent=HIDING)[:1])
        path = f"/operator/reports/{following[0].picture_id}" if following else "/operator/reports"
        return moderation.go(request, path, done=done)

    del queue, decide_many, one, decide_one


def _notice(request: Request) -> str:
    """Return which of the known notices an address asks for."""
    done = request.query_params.get("done", "")
    return done if done in {"restore", "keep", "erase", "many", "gone", "removed", "unsaid"} else ""


def _signed_in(moderation: Moderation, request: Request) -> Session | Response:
    try:
        return moderation.session(request)
    except (Unauthorized, InputError):
        return moderation.go(request, "/operator/sign-in")


def _acting(moderation: Moderation, request: Request) -> Session:
    """Return who is signed in and acts.

    Raises:
        Unauthorized: When nobody is, or the act was not sent by our own page.
    """
    check_same_origin(moderation.origin(request), request.headers)
    return moderation.session(request)


def _add_record(router: APIRouter, moderation: Moderation) -> None:
    @router.get("/record")
    def record(request: Request) -> Response:
        session = _signed_in(moderation, request)
        if isinstance(session, Response):
            return session
        with moderation.database.read() as connection:
            counted = moderated.counts(connection)
            said = moderated.statements(connection)
            keys = operators.passkeys(connection)
            waiting = len(reports.queue(connection, urgent=HIDING))
            kept = len(reports.queue(connection, is_kept=True))
        return moderation.page(
            "record",
            request,
            session=session,
            counted=counted,
            said=said,
            keys=keys,
            waiting=waiting,
            kept=kept,
            notice=_notice(request),
        )

    @router.post("/statements/{number}/delete")
    def unsay(number: int, request: Request) -> Response:
        _acting(moderation, request)
        moderation.database.write(lambda t: moderated.unsay(t, number))
        return moderation.go(request, "/operator/record", done="unsaid")

    @router.post("/passkeys/{passkey_id}/delete")
    def remove(passkey_id: str, request: Request) -> Response:
        session = _acting(moderation, request)
        found = from_base64url(passkey_id)
        if found == session.passkey.id:
            raise InputError(
                "this passkey is the one that you signed in with",
                hint="sign in with another, or run `dashlight operator remove`",
                code="own-passkey",
            )
        moderation.database.write(lambda t: operators.remove_passkey(t, found))
        return moderation.go(request, "/operator/record", done="removed")

    del record, unsay, remove


def _add_pictures(router: APIRouter, moderation: Moderation) -> None:
    def send(picture_id: UUID, request: Request, choose: Callable[[reports.Reported], ByteRange]) -> Response:
        moderation.session(request)
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Unauthorized("another site asked for a hidden picture", code="cross-site")
        with moderation.database.read() as connection:
            lies = choose(reports.find_waiting(connection, picture_id))
        content = moderation.objects.read(lies.key, lies.offset, lies.size_bytes)
        headers = {**_NO_STORE, "Cross-Origin-Resource-Policy": "same-origin"}
        return Response(content, media_type="image/jpeg", headers=headers)

    @router.get("/pictures/{picture_id}/picture.jpg")
    def picture(picture_id: UUID, request: Request) -> Response:
        return send(picture_id, request, lambda found: found.jpeg)

    @router.get("/pictures/{picture_id}/thumb.jpg")
    def thumbnail(picture_id: UUID, request: Request) -> Response:
        return send(picture_id, request, lambda found: found.thumbnail)

    del picture, thumbnail


__all__ = ["Moderation", "cookie_of", "make_router"]
