"""The HTTP of the figures that anybody may read; see docs/reference/http.md."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel

from dashlight.model import DAY_MS
from dashlight.moderation.public.figures import figures
from dashlight.store.database import Database


class CountReply(BaseModel):
    """How many pictures of one issue and decision."""

    issue: str
    decision: str
    count: int


class MonthReply(BaseModel):
    """What was counted in a month."""

    month: str
    refused_uploads: int
    pictures: list[CountReply]


class WaitingReply(BaseModel):
    """What waits for a decision, and since how many days the oldest report does."""

    pictures: int
    days: int | None


class StatementReply(BaseModel):
    """What the operator says about a decision."""

    month: str
    issue: str
    decision: str
    reason: str
    sentence: str


class FiguresReply(BaseModel):
    """What anybody may know of reports and decisions."""

    months: list[MonthReply]
    waiting: WaitingReply
    statements: list[StatementReply]


def make_router(database: Database, *, now_ms: Callable[[], int]) -> APIRouter:
    """Return the route of the public figures.

    Args:
        database: The rows.
        now_ms: A wall clock, in milliseconds since 1970.
    """
    router = APIRouter()

    @router.get(
        "/v1/moderation",
        tags=["readers"],
        response_model=FiguresReply,
        responses={304: {"description": "As the given ETag has it"}},
    )
    def moderation_figures(if_none_match: Annotated[str | None, Header()] = None) -> Response:
        """Count reports, decisions and refused uploads by month, and tell what the operator says about them."""
        with database.read() as connection:
            found = figures(connection, today=now_ms() // DAY_MS)
        content = json.dumps(found, separators=(",", ":"), ensure_ascii=False).encode()
        etag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if etag in (part.strip().removeprefix("W/") for part in (if_none_match or "").split(",")):
            return Response(status_code=304, headers=headers)
        return Response(content, media_type="application/json", headers=headers)

    del moderation_figures
    return router
