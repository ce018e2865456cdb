"""Pictures as GeoJSON, and the small spellings of queries: boxes, days, cursors, byte ranges."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from dashlight.catalog.boxes import numbers_of_box
from dashlight.catalog.stac.cursor import Cursors
from dashlight.errors import InputError, UnsatisfiableRange
from dashlight.model import DAY_MS, EPOCH, BBox, Policy
from dashlight.store.pictures import PageEnd, StoredPicture

_EPOCH = EPOCH.date()
FIRST_DAY, LAST_DAY = 0, (date(9999, 12, 31) - _EPOCH).days
_CURSOR = re.compile(r"(-?\d{1,15})\.(-?\d{1,19})\Z", re.ASCII)
_CURSORS_OF = "GET /v1/pictures"  # Sealed with them, so that those of other lists are refused.
_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z", re.ASCII)


def parsed_bbox(text: str | None) -> BBox | None:
    """Return the box of `west,south,east,north`, or None for None.

    Raises:
        InputError: When it is not four numbers in their ranges.
    """
    if text is None:
        return None
    numbers = numbers_of_box(text)
    if len(numbers) != 4:
        raise InputError(f"bbox {text[:80]!r} is not west,south,east,north", code="bad-bbox")
    return BBox(*numbers)


def parsed_days(first: str | None, last: str | None) -> tuple[int, int] | None:
    """Return first and last day since 1970-01-01, or None when neither is given.

    Raises:
        InputError: When one is not YYYY-MM-DD, or the first is after the last.
    """
    if first is None and last is None:
        return None
    start = FIRST_DAY if first is None else _day(first, "from")
    end = LAST_DAY if last is None else _day(last, "to")
    if start > end:
        raise InputError(f"from {first} is after to {last}", code="bad-day")
    return start, end


def _day(text: str, name: str) -> int:
    try:
        day = (date.fromisoformat(text) - _EPOCH).days if _DAY.match(text) else -1
    except ValueError as exc:
        raise InputError(f"{name} {text[:40]!r} is not a day such as 2026-11-23", code="bad-day") from exc
    if day < FIRST_DAY:
        raise InputError(f"{name} {text[:40]!r} is not a day such as 2026-11-23, from 1970 on", code="bad-day")
    return day


def parsed_policies(text: str | None) -> frozenset[Policy] | None:
    """Return the policies of `fleet,open`, or None for None.

    Raises:
        InputError: When one is no policy.
    """
    if text is None:
        return None
    names = text.split(",")
    known = [str(policy) for policy in Policy]
    for name in names:
        if name not in known:
            raise InputError(f"policy {name[:40]!r} is not one of {', '.join(known)}", code="bad-policy")
    return frozenset(Policy(name) for name in names)


def day_text(day: int) -> str:
    """Return `2026-11-23` for days since 1970-01-01."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def cursor_text(position: PageEnd, cursors: Cursors) -> str:
    """Return a page's end as a text that nobody can read: row numbers tell what came before what."""
    return cursors.seal(f"{position.captured_ms}.{position.number}", query=_CURSORS_OF)


def parsed_cursor(text: str | None, cursors: Cursors) -> PageEnd | None:
    """Return what `cursor_text` wrote, or None for None.

    Raises:
        InputError: When it did not write it.
    """
    if text is None:
        return None
    match = _CURSOR.match(cursors.open(text, query=_CURSORS_OF))
    if match is None:
        raise InputError(f"cursor {text[:60]!r} is not one of this server's", code="bad-cursor")
    return PageEnd(int(match[1]), int(match[2]))


def parsed_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the half-open range that a `Range` header asks for, or None to send everything (RFC 9110, section 14).

    More than one range, or one that is not in bytes, is answered with everything, as the RFC allows.

    Raises:
        UnsatisfiableRange: When the range lies behind the end.
    """
    match = _RANGE.match(header or "")
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        start, end = max(0, size - int(match[2])), size
    else:
        start = int(match[1])
        end = min(size, int(match[2]) + 1) if match[2] else size
        if match[2] and int(match[2]) < start:
            return None
    if start >= size or start >= end:
        raise UnsatisfiableRange(f"the range {header!r:.60} is outside {size} bytes", code="bad-range", size_bytes=size)
    return start, end


def picture_feature(
    stored: StoredPicture, *, base: str, before: UUID | None = None, after: UUID | None = None
) -> dict[str, Any]:
    """Return a picture as a GeoJSON Feature.

    Args:
        stored: The picture.
        base: What links begin with: empty for a relative link of the same origin.
        before: The picture before it in the sequence.
        after: The one after it.
    """
    lon, lat = stored.position.lon, stored.position.lat
    here = f"{base}/v1/pictures/{stored.id}"
    links: list[dict[str, Any]] = [{"rel": "self", "href": here, "type": "application/geo+json"}]
    for rel, other in (("prev", before), ("next", after)):
        if other is not None:
            href = f"{base}/v1/pictures/{other}"
            links.append({"rel": rel, "href": href, "type": "application/geo+json", "id": str(other)})
    return {
        "type": "Feature",
        "id": str(stored.id),
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "bbox": [lon, lat, lon, lat],
        "properties": {
            "captured": stored.captured,
            "captured_precision": stored.precision,
            "day": day_text(stored.captured_ms // DAY_MS),
            "view:azimuth": stored.heading_deg,
            "accuracy_m": stored.accuracy_m,
            "policy": str(stored.policy),
            "license": stored.license_id,
            "attribution": stored.attribution or None,
            "width": stored.width,
            "height": stored.height,
            "sequence": str(stored.sequence) if stored.sequence else None,
            "rank": stored.rank,
            "redactions": [{"kind": kind, "bbox_xyxy": list(box)} for kind, box in stored.redactions],
        },
        "links": links,
        "assets": {
            "picture": {"href": f"{here}/picture.jpg", "type": "image/jpeg", "roles": ["data"]},
            "thumbnail": {"href": f"{here}/thumb.jpg", "type": "image/jpeg", "roles": ["thumbnail"]},
        },
    }


def collection(features: Sequence[dict[str, Any]], *, next_cursor: str | None) -> dict[str, Any]:
    """Return a page of pictures as a FeatureCollection."""
    page: dict[str, Any] = {"type": "FeatureCollection", "features": list(features), "numberReturned": len(features)}
    if next_cursor is not None:
        page["next"] = next_cursor
    return page
