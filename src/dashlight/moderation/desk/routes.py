"""What the routes of the operator's page share: who asks, what a form holds, and how a page is answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse

from dashlight.errors import InputError, Unauthorized
from dashlight.model import DAY_MS
from dashlight.moderation.challenges import Challenges
from dashlight.moderation.origins import Origin, check_same_origin, origin_of
from dashlight.moderation.pages import CONTENT_POLICY, Pages, Reader
from dashlight.store import operators
from dashlight.store.database import Database
from dashlight.store.objects import Objects
from dashlight.store.operators import Session

_MOST_FIELDS = 200
NO_STORE = {"Cache-Control": "no-store"}
_NOTICES = frozenset({"restore", "keep", "erase", "many", "gone", "removed", "unsaid"})


@dataclass(frozen=True, slots=True)
class Desk:
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
        return self.now_ms() // DAY_MS

    def origin(self, request: Request) -> Origin:
        """Return where the page is, as the browser has it."""
        return origin_of(self.public_url, request.headers.get("host", ""))

    def own_origin(self, request: Request) -> Origin:
        """Return where the page is, of a request that our own page sent.

        Raises:
            Unauthorized: When another site sent it.
        """
        origin = self.origin(request)
        check_same_origin(origin, request.headers)
        return origin

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

    def acting(self, request: Request) -> Session:
        """Return who is signed in and acts.

        Raises:
            Unauthorized: When nobody is, or the act was not sent by our own page.
        """
        self.own_origin(request)
        return self.session(request)

    def page(self, name: str, request: Request, *, status: int = 200, **values: Any) -> Response:
        """Return a page."""
        text = self.pages.write(name, self.reader(request), {"notice": "", **values})
        headers = {**NO_STORE, "Content-Security-Policy": CONTENT_POLICY, "X-Robots-Tag": "noindex"}
        return Response(text, status, media_type="text/html; charset=utf-8", headers=headers)

    def go(self, request: Request, path: str, **query: object) -> Response:
        """Return the way to another page."""
        return RedirectResponse(self.reader(request).link(path, **query), 303, headers=NO_STORE)


def cookie_of(origin: Origin) -> str:
    """Return the cookie's name: with https one that browsers take over https alone."""
    return "__Secure-dashlight-operator" if origin.is_secure else "dashlight-operator"


def notice_in(request: Request) -> str:
    """Return which of the known notices an address asks for."""
    done = request.query_params.get("done", "")
    return done if done in _NOTICES else ""


async def _form(request: Request) -> dict[str, list[str]]:
    try:
        return parse_qs((await request.body()).decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except UnicodeDecodeError as exc:
        raise InputError(f"the form is not UTF-8 at byte {exc.start}", code="bad-form") from exc
    except ValueError as exc:
        raise InputError(f"the form has more than {_MOST_FIELDS} fields", code="bad-form") from exc


Form = Annotated[dict[str, list[str]], Depends(_form)]
