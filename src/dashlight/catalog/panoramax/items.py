"""What Panoramax clients read in an Item and a Collection, laid on those of STAC; pure.

A picture has one size besides its thumbnail, so that `hd` and `sd` are the same bytes under two names. Nothing tells of
a camera, a lens or the moment of upload: those are not kept.
"""

from __future__ import annotations

from typing import Any

from stac_fastapi.types.stac import Collection, Item

from dashlight.catalog.stac import collections as stac_collections
from dashlight.catalog.stac import items as stac_items
from dashlight.catalog.stac.items import JPEG_TYPE, Site
from dashlight.model import moment_text
from dashlight.store.collections import StoredCollection
from dashlight.store.found import Found

PERSPECTIVE_EXTENSION = "https://stac-extensions.github.io/perspective-imagery/v1.0.0/schema.json"


def item_of(found: Found, site: Site) -> Item:
    """Return a picture as an Item that Panoramax clients understand."""
    picture = found.picture
    item = stac_items.item_of(found, site)
    at = f"{site.root}/pictures/{picture.id}"
    properties: dict[str, Any] = {
        **item["properties"],
        "datetimetz": moment_text(picture.captured_ms).replace("Z", "+00:00"),
        "pers:interior_orientation": {"sensor_array_dimensions": [picture.width, picture.height]},
        "geovisio:status": "ready",
        "geovisio:producer": picture.attribution or site.name,
        "geovisio:image": f"{at}/hd.jpg",
        "geovisio:thumbnail": f"{at}/thumb.jpg",
        "geovisio:visibility": "anyone",
        "exif": {},
        "semantics": [],
    }
    if picture.rank is not None:
        properties["geovisio:rank_in_collection"] = picture.rank + 1
    if picture.accuracy_m is not None:
        properties["quality:horizontal_accuracy"] = picture.accuracy_m
    laid: dict[str, Any] = {
        **item,
        "stac_extensions": [*item["stac_extensions"], PERSPECTIVE_EXTENSION],
        "providers": properties["providers"],
        "properties": properties,
        "assets": {
            "hd": _asset(f"{at}/hd.jpg", "The picture", ["data", "visual"]),
            "sd": _asset(f"{at}/sd.jpg", "The picture, as it is", ["visual"]),
            "thumb": _asset(f"{at}/thumb.jpg", "The picture at 500 pixels of width", ["thumbnail"]),
        },
    }
    return laid  # type: ignore[return-value]  # A TypedDict, whose keys are those of another one and a few more.


def _asset(href: str, title: str, roles: list[str]) -> dict[str, Any]:
    return {"href": href, "type": JPEG_TYPE, "title": title, "roles": roles}


def collection_of(stored: StoredCollection, site: Site) -> Collection:
    """Return a Collection that Panoramax clients understand."""
    collection = stac_collections.collection_of(stored, site)
    preview = {"rel": "preview", "type": JPEG_TYPE, "href": f"{site.collection(stored.id)}/thumb.jpg"}
    laid: dict[str, Any] = {
        **collection,
        "stats:items": {"count": stored.pictures},
        "geovisio:status": "ready",
        "links": [*collection["links"], preview],
    }
    return laid  # type: ignore[return-value]  # As above.
