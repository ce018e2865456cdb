"""A sequence, or the pictures of a cell and month, as a STAC Collection, and a page of them; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stac_fastapi.types.stac import Collection, Collections

from dashlight.catalog.stac.items import GEOJSON_TYPE, JSON_TYPE, STAC_VERSION, Site, providers_of
from dashlight.model import moment_text
from dashlight.store.collections import CellMonth, StoredCollection

QUERYABLES_REL = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
SCHEMA_TYPE = "application/schema+json"


def collection_of(stored: StoredCollection, site: Site) -> Collection:
    """Return a collection; its extent and counts tell of what is published and of nothing else."""
    here = site.collection(stored.id)
    return {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "stac_extensions": [],
        "id": stored.id,
        "title": title_of(stored),
        "description": description_of(stored),
        "keywords": ["street-level", "pictures", *map(str, stored.policies)],
        "license": stored.licenses[0] if len(stored.licenses) == 1 else "various",
        "providers": providers_of(stored.attributions, site),
        "extent": {
            "spatial": {"bbox": [[stored.bbox.west, stored.bbox.south, stored.bbox.east, stored.bbox.north]]},
            "temporal": {"interval": [[moment_text(stored.first_ms), moment_text(stored.last_ms)]]},
        },
        "summaries": summaries_of(stored),
        "assets": {},
        "links": [
            {"rel": "self", "type": JSON_TYPE, "href": here},
            {"rel": "root", "type": JSON_TYPE, "href": site.root},
            {"rel": "parent", "type": JSON_TYPE, "href": site.root},
            {"rel": "items", "type": GEOJSON_TYPE, "href": f"{here}/items"},
            {"rel": QUERYABLES_REL, "type": SCHEMA_TYPE, "href": f"{here}/queryables"},
        ],
    }


def title_of(stored: StoredCollection) -> str:
    """Return a collection's title."""
    if isinstance(stored.key, CellMonth):
        key = stored.key
        return f"{str(key.policy).capitalize()} pictures of H3 cell {key.cell:x} in {key.year:04}-{key.month:02}"
    return f"Sequence of {moment_text(stored.first_ms)[:10]}"


def description_of(stored: StoredCollection) -> str:
    """Return what a collection is."""
    if isinstance(stored.key, CellMonth):
        return (
            "Pictures without an order: of many contributors, told apart by nothing. The extent is that of the cell "
            "and of the month, not of the pictures."
        )
    return f"{stored.pictures} pictures of one piece of a drive, in order."


def summaries_of(stored: StoredCollection) -> dict[str, Any]:
    """Return a collection's summaries, kept by the store beside its rows."""
    return {
        "dashlight:pictures": {"minimum": stored.pictures, "maximum": stored.pictures},
        "dashlight:policy": [str(policy) for policy in stored.policies],
        "license": list(stored.licenses),
    }


def collection_page(
    found: Sequence[Collection], links: Sequence[dict[str, Any]], *, matched: int | None
) -> Collections:
    """Return a page of collections."""
    page: Collections = {"collections": list(found), "links": list(links), "numberReturned": len(found)}
    if matched is not None:
        page["numberMatched"] = matched
    return page
