"""The manifest of a bundle as values and as JSON; the schema is `manifest.schema.json` beside the docs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid5

from dashlight.errors import Corrupt, InputError
from dashlight.model import (
    LICENSES,
    CapturedAt,
    LonLat,
    Month,
    PictureClaim,
    Policy,
    Redaction,
    RedactionKind,
    Week,
    thumbnail_size_of,
)
from dashlight.wire.canonical import from_base64url, to_base64url

_T = TypeVar("_T")
VERSION = 1
_SEQUENCES = UUID("1b7d1347-0a62-456b-b985-4d3af4203961")  # The namespace of published ones.
MAX_SIDE_PX = 16_384
MAX_PIXELS = 64_000_000
MAX_PICTURE_BYTES = 32 * 1024 * 1024
MAX_REDACTIONS = 1_000
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z", re.ASCII)
_ATTRIBUTION = re.compile(r"[\w][\w .,'()&+-]{0,78}[\w.)]\Z")


@dataclass(frozen=True, slots=True)
class PictureEntry:
    """One picture in a manifest.

    Attributes:
        claim: Where, when, which way.
        width: Pixels.
        height: Pixels.
        size_bytes: Of the JPEG.
        sha256: Of the JPEG, 32 bytes.
        thumbnail_width: Pixels.
        thumbnail_height: Pixels.
        thumbnail_size_bytes: Of the thumbnail's JPEG.
        thumbnail_sha256: Of the thumbnail's JPEG, 32 bytes.
        redactions: What was painted over.
        deletion_commitment: SHA-256 of the picture's deletion secret, 32 bytes.
    """

    claim: PictureClaim
    width: int
    height: int
    size_bytes: int
    sha256: bytes
    thumbnail_width: int
    thumbnail_height: int
    thumbnail_size_bytes: int
    thumbnail_sha256: bytes
    redactions: tuple[Redaction, ...]
    deletion_commitment: bytes


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says of itself.

    Attributes:
        policy: Under which it is published.
        license_id: SPDX identifier of the pictures' licence.
        public_key: The bundle's own Ed25519 key, 32 bytes.
        sequence: Which drive piece the pictures are of, in order (`fleet`, `open`), or None. A secret between this
            contributor and the server: whoever knows it can add to the piece. `published_sequence` is what is told.
        attribution: The name a mapper chose (`open` only), or None.
        pictures: 1 to 300 (`personal`: 10), in the order of capture where there is a sequence.
    """

    policy: Policy
    license_id: str
    public_key: bytes
    sequence: UUID | None
    attribution: str | None
    pictures: tuple[PictureEntry, ...]

    def __post_init__(self) -> None:
        if self.license_id not in LICENSES:
            raise InputError(f"licence {self.license_id!r} is none of {', '.join(LICENSES)}", code="bad-license")
        if self.policy is Policy.PERSONAL and self.sequence is not None:
            raise InputError("a personal bundle has no sequence", code="policy")
        if self.attribution is not None:
            if self.policy is not Policy.OPEN:
                raise InputError(f"a {self.policy} bundle carries no name", code="policy")
            if not _ATTRIBUTION.match(self.attribution):
                raise InputError("an attribution is 2 to 80 letters, digits, spaces and .,'()&+-", code="policy")


def published_sequence(sequence: UUID) -> UUID:
    """Return the identifier under which a sequence is published.

    It follows from the manifest's by a hash (RFC 9562, version 5), so that nobody who reads the map can add
    pictures to somebody else's drive.
    """
    return uuid5(_SEQUENCES, str(sequence))


def captured_to_text(captured: CapturedAt) -> str:
    """Return `2026-11-23T10:00:00.000Z`, `2026-W48` or `2026-11`."""
    if isinstance(captured, datetime):
        return captured.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return captured.label


def captured_from_text(text: str) -> CapturedAt:
    """Return what `captured_to_text` wrote.

    Raises:
        InputError: When the text is none of the three forms.
    """
    if "W" in text:
        return Week.parse(text)
    if "T" not in text:
        return Month.parse(text)
    if not _TIME.match(text):
        raise InputError(f"{text[:40]!r} is not a time such as 2026-11-23T10:00:00.000Z", code="bad-time")
    try:
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    except ValueError as exc:
        raise InputError(f"{text!r} is not a time: {exc}", code="bad-time") from exc


def manifest_to_json(manifest: Manifest) -> dict[str, Any]:
    """Return the JSON object of a manifest; absent members are left out."""
    members: dict[str, Any] = {
        "version": VERSION,
        "policy": str(manifest.policy),
        "license": manifest.license_id,
        "key": to_base64url(manifest.public_key),
        "pictures": [_picture_to_json(p) for p in manifest.pictures],
    }
    if manifest.sequence is not None:
        members["sequence"] = str(manifest.sequence)
    if manifest.attribution is not None:
        members["attribution"] = manifest.attribution
    return members


def _picture_to_json(entry: PictureEntry) -> dict[str, Any]:
    claim = entry.claim
    members: dict[str, Any] = {
        "lon": round(claim.position.lon, 6),
        "lat": round(claim.position.lat, 6),
        "captured": captured_to_text(claim.captured),
        "heading_deg": round(claim.heading_deg, 1) % 360.0,
        "width": entry.width,
        "height": entry.height,
        "size_bytes": entry.size_bytes,
        "sha256": to_base64url(entry.sha256),
        "thumbnail": {
            "width": entry.thumbnail_width,
            "height": entry.thumbnail_height,
            "size_bytes": entry.thumbnail_size_bytes,
            "sha256": to_base64url(entry.thumbnail_sha256),
        },
        "redactions": [
            {"kind": str(r.kind), "bbox_xyxy": list(r.bbox_xyxy), "score": r.score} for r in entry.redactions
        ],
        "deletion": to_base64url(entry.deletion_commitment),
    }
    if claim.accuracy_m is not None:
        members["accuracy_m"] = round(claim.accuracy_m, 1)
    return members


def manifest_from_json(value: Any) -> Manifest:
    """Return the manifest of a parsed JSON value.

    Raises:
        Corrupt: When a member is missing, unknown, of another type or out of its range.
    """
    fields = _Fields(value, "manifest")
    version = fields.integer("version", 1, 1_000)
    if version != VERSION:
        raise Corrupt(f"manifest version {version}; this program reads {VERSION}", code="bad-version")
    try:
        manifest = Manifest(
            policy=Policy(fields.text("policy")),
            license_id=fields.text("license"),
            public_key=from_base64url(fields.text("key"), size=32),
            sequence=fields.optional("sequence", lambda f, n: _uuid(f.text(n))),
            attribution=fields.optional("attribution", _Fields.text),
            pictures=tuple(_picture_from_json(p, i) for i, p in enumerate(fields.array("pictures", 10_000))),
        )
    except ValueError as exc:
        raise Corrupt(f"manifest: {exc}", code="bad-manifest") from exc
    except InputError as exc:
        raise Corrupt(f"manifest: {exc.message}", code=exc.code) from exc
    fields.finish()
    return manifest


def _uuid(text: str) -> UUID:
    parsed = UUID(text)
    if str(parsed) != text:
        raise Corrupt(f"{text!r} is not a UUID in its usual spelling", code="bad-manifest")
    return parsed


def _picture_from_json(value: Any, number: int) -> PictureEntry:
    fields = _Fields(value, f"picture {number}")
    thumbnail = _Fields(fields.pop("thumbnail"), f"thumbnail {number}")
    redactions = fields.array("redactions", MAX_REDACTIONS)
    width, height = fields.integer("width", 1, MAX_SIDE_PX), fields.integer("height", 1, MAX_SIDE_PX)
    entry = PictureEntry(
        claim=PictureClaim(
            position=LonLat(fields.number("lon", -180, 180), fields.number("lat", -90, 90)),
            captured=captured_from_text(fields.text("captured")),
            heading_deg=fields.number("heading_deg", 0, 360),
            accuracy_m=fields.optional("accuracy_m", lambda f, n: f.number(n, 0, 10_000)),
        ),
        width=width,
        height=height,
        size_bytes=fields.integer("size_bytes", 1, MAX_PICTURE_BYTES),
        sha256=from_base64url(fields.text("sha256"), size=32),
        thumbnail_width=thumbnail.integer("width", 1, MAX_SIDE_PX),
        thumbnail_height=thumbnail.integer("height", 1, MAX_SIDE_PX),
        thumbnail_size_bytes=thumbnail.integer("size_bytes", 1, MAX_PICTURE_BYTES),
        thumbnail_sha256=from_base64url(thumbnail.text("sha256"), size=32),
        redactions=tuple(_redaction_from_json(r, number, width, height) for r in redactions),
        deletion_commitment=from_base64url(fields.text("deletion"), size=32),
    )
    _check_sizes(entry, number)
    thumbnail.finish()
    fields.finish()
    return entry


def _check_sizes(entry: PictureEntry, number: int) -> None:
    if entry.width * entry.height > MAX_PIXELS:
        raise Corrupt(
            f"picture {number}: {entry.width}x{entry.height} is over {MAX_PIXELS} pixels", code="bad-manifest"
        )
    due = thumbnail_size_of((entry.width, entry.height))
    if (entry.thumbnail_width, entry.thumbnail_height) != due:
        raise Corrupt(
            f"thumbnail {number} of {entry.thumbnail_width}x{entry.thumbnail_height} pixels; {due[0]}x{due[1]} are due",
            code="bad-manifest",
        )


def _redaction_from_json(value: Any, number: int, width: int, height: int) -> Redaction:
    fields = _Fields(value, f"redaction of picture {number}")
    corners = fields.array("bbox_xyxy", 4)
    if len(corners) != 4 or not all(type(c) is int for c in corners):
        raise Corrupt(f"picture {number}: bbox_xyxy {corners!r} is not four whole numbers", code="bad-manifest")
    x_min, y_min, x_max, y_max = corners
    if not (0 <= x_min < x_max <= width and 0 <= y_min < y_max <= height):
        raise Corrupt(f"picture {number}: bbox_xyxy {corners!r} is outside {width}x{height}", code="bad-manifest")
    redaction = Redaction(
        RedactionKind(fields.text("kind")), (x_min, y_min, x_max, y_max), fields.number("score", 0, 1)
    )
    fields.finish()
    return redaction


class _Fields:
    """The members of a JSON object, each taken once and none left over."""

    def __init__(self, value: Any, name: str) -> None:
        if not isinstance(value, Mapping):
            raise Corrupt(f"{name} is not an object", code="bad-manifest")
        self._rest = dict(value)
        self._name = name

    def pop(self, member: str) -> Any:
        if member not in self._rest:
            raise Corrupt(f"{self._name} has no {member!r}", code="bad-manifest")
        return self._rest.pop(member)

    def optional(self, member: str, take: Callable[[_Fields, str], _T]) -> _T | None:
        return take(self, member) if member in self._rest else None

    def text(self, member: str) -> str:
        value = self.pop(member)
        if not isinstance(value, str) or len(value) > 200:
            raise Corrupt(f"{self._name}: {member} is not a text of at most 200 characters", code="bad-manifest")
        return value

    def integer(self, member: str, least: int, most: int) -> int:
        value = self.pop(member)
        if type(value) is not int or not least <= value <= most:
            raise Corrupt(
                f"{self._name}: {member} {value!r:.40} is not a whole number {least}..{most}",
                code="bad-manifest",
            )
        return value

    def number(self, member: str, least: float, most: float) -> float:
        value = self.pop(member)
        if type(value) not in (int, float) or not least <= value <= most:
            raise Corrupt(f"{self._name}: {member} {value!r:.40} is not a number {least}..{most}", code="bad-manifest")
        return float(value)

    def array(self, member: str, most: int) -> list[Any]:
        value = self.pop(member)
        if not isinstance(value, list) or len(value) > most:
            raise Corrupt(f"{self._name}: {member} is not an array of at most {most}", code="bad-manifest")
        return value

    def finish(self) -> None:
        if self._rest:
            raise Corrupt(f"{self._name} has the unknown member {min(self._rest)!r:.60}", code="bad-manifest")
