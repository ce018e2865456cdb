"""The HTTP of the operator's page, and of the figures that it makes public.

Everything under `/operator` but the entry wants a session (`moderation.entry`). What changes something must also have
been sent by a page of this origin.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Path, Request, Response

from dashlight.errors import InputError, NotFound, Unauthorized
from dashlight.moderation import decisions
from dashlight.moderation.decisions import Given, given_in
from dashlight.moderation.desk.routes import NO_STORE, Desk, Form, notice_in
from dashlight.moderation.entry.routes import add_entry
from dashlight.moderation.public.routes import make_router as public_router
from dashlight.store import moderated, operators, reports
from dashlight.store.moderated import HIDING
from dashlight.store.operators import Session
from dashlight.store.pictures import ByteRange
from dashlight.wire import from_base64url

PAGE_SIZE = 24
_NOTHING = Given()


def make_router(desk: Desk) -> APIRouter:
    """Return the routes of the operator's page and of the public figures."""
    router = APIRouter()
    router.include_router(public_router(desk.database, now_ms=desk.now_ms))
    pages = APIRouter(prefix="/operator", include_in_schema=False)

    @pages.get("")
    def home(request: Request) -> Response:
        return desk.go(request, "/operator/reports")

    del home
    add_entry(pages, desk)
    _add_reports(pages, desk)
    _add_record(pages, desk)
    _add_pictures(pages, desk)
    router.include_router(pages)
    return router


def _signed_in(desk: Desk, request: Request) -> Session | Response:
    try:
        return desk.session(request)
    except (Unauthorized, InputError):
        return desk.go(request, "/operator/sign-in")


def _tab_counts(connection: sa.Connection) -> dict[str, int]:
    """Return how many pictures wait, and how many are kept hidden, as every page's tabs say."""
    return {
        "waiting": reports.count_waiting(connection),
        "kept": reports.count_waiting(connection, is_kept=True),
    }


def _form_page(
    desk: Desk, name: str, request: Request, *, trouble: InputError | None, given: Given, **values: Any
) -> Response:
    """Return a page with the form for decisions: with what is wrong in it, when it was refused."""
    return desk.page(
        name,
        request,
        status=400 if trouble else 200,
        today=desk.today,
        trouble=trouble,
        notice=notice_in(request),
        decisions=decisions,
        given=given,
        urgent=HIDING,
        **values,
    )


def _queue_page(
    desk: Desk,
    request: Request,
    session: Session,
    *,
    trouble: InputError | None = None,
    given: Given = _NOTHING,
) -> Response:
    is_kept = request.query_params.get("kept") == "1"
    asked = request.query_params.get("page", "0")
    page = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0
    with desk.database.read() as connection:
        numbers = reports.queue(connection, urgent=HIDING, is_kept=is_kept)
        other = reports.count_waiting(connection, is_kept=not is_kept)
        found = reports.reported(connection, numbers[page * PAGE_SIZE : (page + 1) * PAGE_SIZE])
    return _form_page(
        desk,
        "reports",
        request,
        session=session,
        found=found,
        is_kept=is_kept,
        waiting=other if is_kept else len(numbers),
        kept=len(numbers) if is_kept else other,
        page=page,
        pages=-(-len(numbers) // PAGE_SIZE),
        trouble=trouble,
        given=given,
    )


def _report_page(
    desk: Desk,
    request: Request,
    picture_id: UUID,
    session: Session,
    *,
    trouble: InputError | None = None,
    given: Given = _NOTHING,
) -> Response:
    with desk.database.read() as connection:
        found = reports.find_waiting(connection, picture_id)
        counts = _tab_counts(connection)
    return _form_page(
        desk,
        "report",
        request,
        session=session,
        one=found,
        **counts,
        trouble=trouble,
        given=given,
        most_characters=moderated.MOST_CHARACTERS,
    )


def _add_reports(router: APIRouter, desk: Desk) -> None:
    @router.get("/reports")
    def queue(request: Request) -> Response:
        session = _signed_in(desk, request)
        return session if isinstance(session, Response) else _queue_page(desk, request, session)

    @router.post("/reports")
    def decide_many(form: Form, request: Request) -> Response:
        session = desk.acting(request)
        try:
            ruling = decisions.parsed_ruling(form, choices=decisions.AT_ONCE)
            ids = decisions.parsed_ids(form, most=PAGE_SIZE)
        except InputError as exc:
            return _queue_page(desk, request, session, trouble=exc, given=given_in(form))
        count = decisions.decide(desk.database, desk.objects, ids, ruling, day=desk.today)
        return desk.go(request, "/operator/reports", done="many", n=count, kept=request.query_params.get("kept", ""))

    @router.get("/reports/{picture_id}")
    def one(picture_id: UUID, request: Request) -> Response:
        session = _signed_in(desk, request)
        if isinstance(session, Response):
            return session
        try:
            return _report_page(desk, request, picture_id, session)
        except NotFound:
            return desk.go(request, "/operator/reports", done="gone")

    @router.post("/reports/{picture_id}")
    def decide_one(picture_id: UUID, form: Form, request: Request) -> Response:
        session = desk.acting(request)
        try:
            ruling = decisions.parsed_ruling(form)
        except InputError as exc:
            return _report_page(desk, request, picture_id, session, trouble=exc, given=given_in(form))
        count = decisions.decide(desk.database, desk.objects, [picture_id], ruling, day=desk.today)
        done = str(ruling.decision) if count else "gone"
        with desk.database.read() as connection:
            following = reports.reported(connection, reports.queue(connection, urgent=HIDING)[:1])
        path = f"/operator/reports/{following[0].picture_id}" if following else "/operator/reports"
        return desk.go(request, path, done=done)

    del queue, decide_many, one, decide_one


def _add_record(router: APIRouter, desk: Desk) -> None:
    @router.get("/record")
    def record(request: Request) -> Response:
        session = _signed_in(desk, request)
        if isinstance(session, Response):
            return session
        with desk.database.read() as connection:
            counted = moderated.counts(connection)
            said = moderated.statements(connection)
            keys = operators.passkeys(connection)
            counts = _tab_counts(connection)
        return desk.page(
            "record",
            request,
            session=session,
            counted=counted,
            said=said,
            keys=keys,
            **counts,
            notice=notice_in(request),
        )

    @router.post("/statements/{number}/delete")
    def unsay(number: Annotated[int, Path(ge=1, lt=2**63)], request: Request) -> Response:
        desk.acting(request)
        desk.database.write(lambda t: moderated.unsay(t, number))
        return desk.go(request, "/operator/record", done="unsaid")

    @router.post("/passkeys/{passkey_id}/delete")
    def remove(passkey_id: str, request: Request) -> Response:
        session = desk.acting(request)
        found = from_base64url(passkey_id)
        if found == session.passkey.id:
            raise InputError(
                "this passkey is the one that you signed in with",
                hint="sign in with another, or run `dashlight operator remove`",
                code="own-passkey",
            )
        desk.database.write(lambda t: operators.remove_passkey(t, found))
        return desk.go(request, "/operator/record", done="removed")

    del record, unsay, remove


def _add_pictures(router: APIRouter, desk: Desk) -> None:
    def send(picture_id: UUID, request: Request, choose: Callable[[reports.Reported], ByteRange]) -> Response:
        desk.session(request)
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Unauthorized("another site asked for a hidden picture", code="cross-site")
        with desk.database.read() as connection:
            lies = choose(reports.find_waiting(connection, picture_id))
        content = desk.objects.read(lies.key, lies.offset, lies.size_bytes)
        headers = {**NO_STORE, "Cross-Origin-Resource-Policy": "same-origin"}
        return Response(content, media_type="image/jpeg", headers=headers)

    @router.get("/pictures/{picture_id}/picture.jpg")
    def picture(picture_id: UUID, request: Request) -> Response:
        return send(picture_id, request, lambda found: found.jpeg)

    @router.get("/pictures/{picture_id}/thumb.jpg")
    def thumbnail(picture_id: UUID, request: Request) -> Response:
        return send(picture_id, request, lambda found: found.thumbnail)

    del picture, thumbnail
