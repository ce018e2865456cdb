"""The HTTP of addresses in the bucket; see docs/reference/http.md."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from dashlight.errors import NotFound
from dashlight.store.database import Database
from dashlight.store.locations import Locations, find_part

_REPLIES: dict[int | str, dict[str, Any]] = {
    404: {"description": "There is no such picture, it is a personal one, or this server gives no addresses out"},
    410: {"description": "Erased or hidden"},
    503: {"description": "The bucket does not answer, or does not keep to what is signed"},
}


class LocationReply(BaseModel):
    """Where and how a picture's bytes are read from the bucket itself."""

    href: str = Field(description="Of the bucket's server; it opens nothing but what the headers name")
    method: Literal["GET"] = "GET"
    headers: dict[str, str] = Field(description="What the request must say, exactly so")
    expires: datetime = Field(description="From then on the address is refused")


def make_router(database: Database, locations: Locations | None) -> APIRouter:
    """Return the route; without `locations` it answers that there are none."""
    router = APIRouter(tags=["readers"])

    @router.get("/v1/pictures/{picture_id}/location", responses=_REPLIES)
    def location(
        picture_id: Annotated[UUID, Path(description="The picture's id")],
        response: Response,
        size: Annotated[Literal["full", "thumbnail"], Query(description="The picture, or its thumbnail")] = "full",
    ) -> LocationReply:
        """Tell where a picture's JPEG is read from the bucket itself, for some seconds."""
        if locations is None:
            raise NotFound(
                "this server gives out no addresses of its bucket",
                hint="read /v1/pictures/{id}/picture.jpg or thumb.jpg",
                code="no-locations",
            )
        with database.read() as connection:
            part = find_part(connection, picture_id, is_thumbnail=size == "thumbnail")
        found = locations.location(part)
        response.headers["Cache-Control"] = "no-store"
        return LocationReply(href=found.href, headers=dict(found.headers), expires=found.expires_at)

    del location
    return router
