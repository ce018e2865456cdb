"""The documents of OGC API - Features: landing page, conformance, collections, features, schemas; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dashlight.catalog.ogc.geometry import geometry_of
from dashlight.model import moment_text
from dashlight.store.feature_tables import key_text
from dashlight.store.tables import FeatureTable, Kind, Lines, StoredFeature

JSON_TYPE, GEOJSON_TYPE, SCHEMA_TYPE = "application/json", "application/geo+json", "application/schema+json"
OPENAPI_TYPE = "application/vnd.oai.openapi+json;version=3.0"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_CLASSES = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"
CONFORMS_TO = [_CLASSES + name for name in ("core", "geojson", "oas30")]
_QUERYABLES_REL = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
KINDS: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": "string"},
    Kind.NUMBER: {"type": "number"},
    Kind.WHOLE: {"type": "integer"},
    Kind.MOMENT: {"type": "string", "format": "date-time"},
    Kind.UUID: {"type": "string", "format": "uuid"},
}


@dataclass(frozen=True, slots=True)
class Extent:
    """Where and when there is anything.

    Attributes:
        bbox: West, south, east, north.
        first_ms: Since 1970.
        last_ms: Likewise.
    """

    bbox: tuple[float, float, float, float]
    first_ms: int
    last_ms: int


def link(rel: str, href: str, media_type: str = JSON_TYPE, title: str = "") -> dict[str, Any]:
    """Return a link."""
    return {"rel": rel, "type": media_type, "href": href} | ({"title": title} if title else {})


def landing_page(root: str, name: str) -> dict[str, Any]:
    """Return the landing page, whose address is `root`."""
    return {
        "title": name,
        "description": "Street-level pictures and what is made of them, as features.",
        "links": [
            link("self", root, title="This page"),
            link("service-desc", f"{root}/api", OPENAPI_TYPE, "The API, described"),
            link("conformance", f"{root}/conformance", title="What the API conforms to"),
            link("data", f"{root}/collections", title="The collections"),
        ],
    }


def collections_page(tables: Iterable[FeatureTable], root: str, extent: Extent | None) -> dict[str, Any]:
    """Return the list of collections."""
    return {
        "links": [link("self", f"{root}/collections")],
        "collections": [collection(table, root, extent) for table in tables],
    }


def collection(table: FeatureTable, root: str, extent: Extent | None) -> dict[str, Any]:
    """Return one collection."""
    here = f"{root}/collections/{table.name}"
    value: dict[str, Any] = {
        "id": table.name,
        "title": table.title,
        "description": table.description,
        "itemType": "feature",
        "crs": [CRS84],
        "storageCrs": CRS84,
        "links": [
            link("self", here, title=table.title),
            link("items", f"{here}/items", GEOJSON_TYPE, table.title),
            link(_QUERYABLES_REL, f"{here}/queryables", SCHEMA_TYPE, "What features can be chosen by"),
        ],
    }
    if extent is not None:
        value["extent"] = {
            "spatial": {"bbox": [list(extent.bbox)], "crs": CRS84},
            "temporal": {"interval": [[moment_text(extent.first_ms), moment_text(extent.last_ms)]]},
        }
    return value


def queryables(table: FeatureTable, root: str) -> dict[str, Any]:
    """Return the JSON Schema of what a collection's features can be chosen by."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{root}/collections/{table.name}/queryables",
        "type": "object",
        "title": table.title,
        "properties": {each.name: {"title": each.title, **KINDS[each.kind]} for each in table.properties},
        "additionalProperties": False,
    }


def feature(stored: StoredFeature, table: FeatureTable) -> dict[str, Any]:
    """Return a row as a GeoJSON Feature."""
    kinds = {each.name: each.kind for each in table.properties}
    return {
        "type": "Feature",
        "id": key_text(stored.key),
        "geometry": geometry_of(stored.points, is_line=isinstance(table.geometry, Lines)),
        "properties": {name: _told(value, kinds[name]) for name, value in stored.values.items()},
    }


def _told(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    match kind:
        case Kind.UUID:
            return str(UUID(bytes=bytes(value)))
        case Kind.MOMENT:
            return moment_text(int(value))
        case Kind.NUMBER:
            return float(value)
        case Kind.WHOLE:
            return int(value)
        case Kind.TEXT:
            return value


def feature_page(
    features: Sequence[Mapping[str, Any]], links: Sequence[Mapping[str, Any]], *, matched: int | None, at: str
) -> dict[str, Any]:
    """Return a page of features as of a moment; `numberMatched` only where it is exact."""
    page: dict[str, Any] = {
        "type": "FeatureCollection",
        "timeStamp": at,
        "numberReturned": len(features),
        "links": list(links),
        "features": list(features),
    }
    if matched is not None:
        page["numberMatched"] = matched
    return page
