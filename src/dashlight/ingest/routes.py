"""The HTTP of contributors; see docs/reference/http.md."""

from __future__ import annotations

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Header, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dashlight.errors import Corrupt, InputError, Unauthorized
from dashlight.ingest.door import Door
from dashlight.model import Policy
from dashlight.wire import MEDIA_TYPE, from_base64url, to_base64url
from dashlight.wire.keys import SIGNATURE_SIZE_BYTES

_SHA256 = r"^[0-9a-f]{64}$"
_BEARER = re.compile(r"Bearer ([A-Za-z0-9_-]{1,100})\Z", re.ASCII)
Sha256 = Annotated[str, Path(pattern=_SHA256, description="SHA-256 of the archive, lower-case hex")]
_NO_BODY: dict[int | str, dict[str, Any]] = {204: {"description": "Done, now or earlier"}}


class EnrolmentRequest(BaseModel):
    """An invite to be spent."""

    model_config = ConfigDict(extra="forbid")
    invite: str = Field(max_length=100)
    policy: Policy
    license: str = Field(max_length=40)


class EnrolmentReply(BaseModel):
    """What an enrolment got."""

    credential: str
    policy: Policy
    license: str
    server_key: str
    tokens: list[str]


class TokensRequest(BaseModel):
    """How many tokens to draw."""

    model_config = ConfigDict(extra="forbid")
    count: int = Field(ge=1, le=100)


class Tokens(BaseModel):
    """New upload tokens."""

    tokens: list[str]


class Receipt(BaseModel):
    """The server's signed word that a bundle is stored for good (docs/reference/bundle.md)."""

    version: int
    bundle: str
    pictures: int
    picture_ids: list[str]
    signature: str


def _bearer(authorization: str | None) -> str:
    match = _BEARER.match(authorization or "")
    if match is None:
        raise Unauthorized("no token: the header Authorization: Bearer <token> is due", code="no-token")
    return match[1]


def _secret(text: str, name: str, size: int) -> bytes:
    try:
        return from_base64url(text, size=size)
    except Corrupt as exc:
        raise Unauthorized(f"{name} is not {size} bytes of base64url", code="bad-secret") from exc


def make_router(door: Door) -> APIRouter:
    """Return the routes of contributors."""
    router = APIRouter(tags=["contributors"])

    @router.post("/v1/enrolments", status_code=201)
    async def enrol(asked: Annotated[EnrolmentRequest, Body()]) -> EnrolmentReply:
        """Spend an invite and get a credential and the first tokens."""
        enrolled = await door.enrol(asked.invite, asked.policy, asked.license)
        return EnrolmentReply(
            credential=enrolled.credential,
            policy=enrolled.policy,
            license=enrolled.license_id,
            server_key=to_base64url(door.server_key),
            tokens=list(enrolled.tokens),
        )

    @router.post("/v1/tokens", status_code=201)
    async def draw_tokens(
        asked: Annotated[TokensRequest, Body()], authorization: Annotated[str | None, Header()] = None
    ) -> Tokens:
        """Draw upload tokens with the credential."""
        return Tokens(tokens=await door.draw_tokens(_bearer(authorization), asked.count))

    @router.put(
        "/v1/bundles/{sha256}",
        status_code=201,
        response_model=Receipt,
        responses={200: {"model": Receipt, "description": "Known already"}},
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
            }
        },
    )
    async def put_bundle(
        sha256: Sha256, request: Request, authorization: Annotated[str | None, Header()] = None
    ) -> Response:
        """Upload a bundle; the receipt says that it is stored for good."""
        content_type = request.headers.get("content-type", "")
        if content_type.partition(";")[0].strip() != MEDIA_TYPE:
            raise InputError(f"Content-Type {content_type[:80]!r} is not {MEDIA_TYPE}", code="bad-media-type")
        announced = request.headers.get("content-length")
        receipt, is_new = await door.put_bundle(
            sha256,
            _bearer(authorization),
            request.stream(),
            length=int(announced) if announced is not None else None,
        )
        return Response(receipt, 201 if is_new else 200, media_type="application/json")

    @router.delete("/v1/bundles/{sha256}", status_code=204, responses=_NO_BODY)
    async def erase_bundle(sha256: Sha256, dashlight_signature: Annotated[str, Header(max_length=200)]) -> Response:
        """Erase a bundle and all of its pictures on the word of the bundle's key."""
        await door.erase_bundle(sha256, _secret(dashlight_signature, "Dashlight-Signature", SIGNATURE_SIZE_BYTES))
        return Response(status_code=204)

    @router.delete("/v1/pictures/{picture_id}", status_code=204, responses=_NO_BODY)
    async def erase_picture(
        picture_id: Annotated[UUID, Path(description="The picture's id")],
        dashlight_deletion_secret: Annotated[str, Header(max_length=200)],
    ) -> Response:
        """Erase one picture for whoever shows its deletion secret; 410 when it is not shown any more."""
        await door.erase_picture(picture_id, _secret(dashlight_deletion_secret, "Dashlight-Deletion-Secret", 32))
        return Response(status_code=204)

    del enrol, draw_tokens, put_bundle, erase_bundle, erase_picture
    return router
