"""The landing page, what the API conforms to, and what items can be filtered and sorted by; pure."""

from __future__ import annotations

from typing import Any

from stac_fastapi.extensions.fields.fields import FieldsConformanceClasses
from stac_fastapi.extensions.filter.filter import FilterConformanceClasses
from stac_fastapi.extensions.sort.sort import SortConformanceClasses
from stac_fastapi.types.conformance import BASE_CONFORMANCE_CLASSES
from stac_fastapi.types.stac import Conformance, LandingPage

from dashlight.catalog.stac.asked import SORTABLES
from dashlight.catalog.stac.collections import QUERYABLES_REL, SCHEMA_TYPE
from dashlight.catalog.stac.items import GEOJSON_TYPE, JSON_TYPE, STAC_VERSION, Site
from dashlight.store.conditions import PROPERTIES, ValueKind

OPENAPI_TYPE = "application/vnd.oai.openapi+json;version=3.0"
SORTABLES_REL = "http://www.opengis.net/def/rel/ogc/1.0/sortables"
CONFORMANCE_REL = "http://www.opengis.net/def/rel/ogc/1.0/conformance"
CONFORMS_TO: tuple[str, ...] = tuple(
    str(one)
    for one in (
        *BASE_CONFORMANCE_CLASSES,
        FieldsConformanceClasses.SEARCH,
        FieldsConformanceClasses.ITEMS,
        SortConformanceClasses.ITEM_SEARCH_SORT,
        SortConformanceClasses.ITEM_SEARCH_SORTABLES,
        SortConformanceClasses.FEATURES_SORT,
        "https://api.stacspec.org/v1.0.0/item-search#sort",  # Clients that do not know 1.1 look for these.
        "https://api.stacspec.org/v1.0.0/ogcapi-features#sort",
        FilterConformanceClasses.FILTER,
        FilterConformanceClasses.SEARCH,
        FilterConformanceClasses.ITEMS,
        FilterConformanceClasses.BASIC_CQL2,
        FilterConformanceClasses.CQL2_TEXT,
        FilterConformanceClasses.CQL2_JSON,
    )
)


def landing_page(site: Site, license_id: str) -> LandingPage:
    """Return the landing page."""
    root = site.root
    return {
        "type": "Catalog",
        "stac_version": STAC_VERSION,
        "stac_extensions": [],
        "id": "dashlight",
        "title": site.name,
        "description": (
            f"Street-level pictures from ordinary dashcams, faces and plates destroyed before upload; published under "
            f"{license_id} where a picture does not say otherwise."
        ),
        "conformsTo": list(CONFORMS_TO),
        "links": [
            {"rel": "self", "type": JSON_TYPE, "href": root},
            {"rel": "root", "type": JSON_TYPE, "href": root},
            {"rel": "data", "type": JSON_TYPE, "href": f"{root}/collections"},
            {"rel": "conformance", "type": JSON_TYPE, "href": f"{root}/conformance"},
            {"rel": CONFORMANCE_REL, "type": JSON_TYPE, "href": f"{root}/conformance"},
            {"rel": "search", "type": GEOJSON_TYPE, "href": f"{root}/search", "method": "GET"},
            {"rel": "search", "type": GEOJSON_TYPE, "href": f"{root}/search", "method": "POST"},
            {"rel": "service-desc", "type": OPENAPI_TYPE, "href": f"{root}/openapi.json"},
            {"rel": "service-doc", "type": "text/html", "href": f"{site.origin}/about"},
            {"rel": QUERYABLES_REL, "type": SCHEMA_TYPE, "href": f"{root}/queryables"},
            {"rel": SORTABLES_REL, "type": SCHEMA_TYPE, "href": f"{root}/sortables"},
            {"rel": "child", "type": JSON_TYPE, "href": f"{site.origin}/v1/exports/stac", "title": "Exports"},
        ],
    }


def conformance() -> Conformance:
    """Return what the API conforms to."""
    return {"conformsTo": list(CONFORMS_TO)}


_KINDS: dict[ValueKind, dict[str, Any]] = {
    ValueKind.TEXT: {"type": "string"},
    ValueKind.NUMBER: {"type": "number"},
    ValueKind.TIME: {"type": "string", "format": "date-time"},
    ValueKind.ID: {"type": "string", "format": "uuid"},
    ValueKind.COLLECTION: {"type": "string"},
}
_TITLES = {
    "id": "Picture",
    "collection": "Collection: a sequence, or a cell and month",
    "datetime": "Time; of a week or month its first moment",
    "view:azimuth": "Heading in degrees clockwise from true north",
    "license": "SPDX identifier of the licence",
    "dashlight:policy": "Publication policy: fleet, open or personal",
    "dashlight:attribution": "Name that the contributor chose",
    "dashlight:accuracy_m": "Accuracy of the position in metres",
    "dashlight:rank": "Place in the sequence",
    "dashlight:width": "Width in pixels",
    "dashlight:height": "Height in pixels",
    "dashlight:captured_precision": "How finely the time is told: instant, week or month",
}


def queryables(address: str) -> dict[str, Any]:
    """Return the JSON Schema of what a filter may name, which lies at `address`."""
    return _schema(address, "Queryables", {name: kind for name, (kind, _) in PROPERTIES.items()})


def sortables(address: str) -> dict[str, Any]:
    """Return the JSON Schema of what items can be sorted by, which lies at `address`."""
    return _schema(address, "Sortables", {name: PROPERTIES[name][0] for name in SORTABLES})


def _schema(address: str, title: str, kinds: dict[str, ValueKind]) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": address,
        "type": "object",
        "title": title,
        "properties": {name: {"title": _TITLES[name], **_KINDS[kind]} for name, kind in kinds.items()},
        "additionalProperties": False,
    }
