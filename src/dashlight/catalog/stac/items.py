"""A picture as a STAC Item, and a page of them; pure, so that other readers' properties can be laid on top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stac_fastapi.types.stac import Item, ItemCollection

from dashlight.model import LonLat, moment_text
from dashlight.store.found import Found, Neighbour
from dashlight.store.times import end_ms

STAC_VERSION = "1.0.0"
VIEW_EXTENSION = "https://stac-extensions.github.io/view/v1.0.0/schema.json"
JSON_TYPE, GEOJSON_TYPE, JPEG_TYPE = "application/json", "application/geo+json", "image/jpeg"


@dataclass(frozen=True, slots=True)
class Site:
    """Where the documents are read, and whose they are.

    Attributes:
        origin: What absolute addresses begin with, without a slash at the end.
        name: Of the instance.
    """

    origin: str
    name: str

    @property
    def root(self) -> str:
        """The address of the landing page."""
        return f"{self.origin}/api"

    def collection(self, name: str) -> str:
        """Return the address of a collection."""
        return f"{self.root}/collections/{name}"

    def item(self, collection: str, name: object) -> str:
        """Return the address of an item."""
        return f"{self.collection(collection)}/items/{name}"


def item_of(found: Found, site: Site) -> Item:
    """Return a picture as an Item."""
    picture = found.picture
    lon, lat = picture.position.lon, picture.position.lat
    here, parent = site.item(found.collection, picture.id), site.collection(found.collection)
    bytes_at = f"{site.origin}/v1/pictures/{picture.id}"
    links: list[dict[str, Any]] = [
        {"rel": "self", "type": GEOJSON_TYPE, "href": here},
        {"rel": "parent", "type": JSON_TYPE, "href": parent},
        {"rel": "collection", "type": JSON_TYPE, "href": parent},
        {"rel": "root", "type": JSON_TYPE, "href": site.root},
    ]
    for rel, other in (("prev", found.before), ("next", found.after)):
        if other is not None:
            links.append(_neighbour_link(rel, other, found.collection, site))
    return {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": [VIEW_EXTENSION],
        "id": str(picture.id),
        "collection": found.collection,
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "bbox": (lon, lat, lon, lat),
        "properties": properties_of(found, site),
        "links": links,
        "assets": {
            "hd": {
                "href": f"{bytes_at}/picture.jpg",
                "type": JPEG_TYPE,
                "title": "The picture",
                "roles": ["data", "visual"],
            },
            "thumb": {
                "href": f"{bytes_at}/thumb.jpg",
                "type": JPEG_TYPE,
                "title": "The picture at 500 pixels of width",
                "roles": ["thumbnail"],
            },
        },
    }


def properties_of(found: Found, site: Site) -> dict[str, Any]:
    """Return an Item's properties: times no finer than they are told, and under which terms."""
    picture = found.picture
    begins = moment_text(picture.captured_ms)
    properties: dict[str, Any] = {"datetime": begins}
    if picture.precision != "instant":
        properties["start_datetime"] = begins
        properties["end_datetime"] = moment_text(end_ms(picture.captured_ms, picture.precision))
    properties |= {
        "view:azimuth": picture.heading_deg,
        "license": picture.license_id,
        "providers": providers_of([picture.attribution] if picture.attribution else [], site),
        "dashlight:policy": str(picture.policy),
        "dashlight:captured_precision": picture.precision,
        "dashlight:width": picture.width,
        "dashlight:height": picture.height,
        "dashlight:redactions": [{"kind": kind, "bbox_xyxy": box} for kind, box in picture.redactions],
    }
    if picture.attribution:
        properties["dashlight:attribution"] = picture.attribution
    if picture.accuracy_m is not None:
        properties["dashlight:accuracy_m"] = picture.accuracy_m
    if picture.rank is not None:
        properties["dashlight:rank"] = picture.rank
    return properties


def providers_of(attributions: Sequence[str], site: Site) -> list[dict[str, Any]]:
    """Return who made the pictures, as far as they chose a name, and who serves them."""
    made = [{"name": name, "roles": ["producer", "licensor"]} for name in attributions]
    return [*made, {"name": site.name, "roles": ["host"], "url": site.origin + "/"}]


def _neighbour_link(rel: str, other: Neighbour, collection: str, site: Site) -> dict[str, Any]:
    position: LonLat = other.position
    return {
        "rel": rel,
        "type": GEOJSON_TYPE,
        "href": site.item(collection, other.id),
        "id": str(other.id),
        "geometry": {"type": "Point", "coordinates": [position.lon, position.lat]},
    }


def item_collection(
    features: Sequence[dict[str, Any]], links: Sequence[dict[str, Any]], *, matched: int | None
) -> ItemCollection:
    """Return a page of Items; `numberMatched` only where it is exact."""
    page: dict[str, Any] = {"type": "FeatureCollection", "features": list(features), "links": list(links)}
    page["numberReturned"] = len(features)
    if matched is not None:
        page["numberMatched"] = matched
    return page  # type: ignore[return-value]  # A TypedDict whose keys were set one by one.
