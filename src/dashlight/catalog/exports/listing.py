"""What readers are told of exports: a list, the files of one, and both as STAC; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from dashlight.catalog.exports.names import OFFERS, media_type_of, offer_of
from dashlight.catalog.features import day_text
from dashlight.model import BBox
from dashlight.store.exports import Export, ExportFile, Totals

MOST_ASSETS = 200  # Files of one export that are listed as assets; of more there is the address of their list.
_JSON_TYPE = "application/json"
_STAC_VERSION = "1.0.0"


@dataclass(frozen=True, slots=True)
class Listed:
    """An export that is shown.

    Attributes:
        export: Its row.
        totals: Of its files.
        files: The first of them, in the order of their paths.
    """

    export: Export
    totals: Totals
    files: tuple[ExportFile, ...]


def etag_of(file: ExportFile) -> str:
    """Return the ETag of a file."""
    return f'"{file.sha256.hex()[:32]}"'


def address_of(origin: str, export_format: str, path: str = "") -> str:
    """Return the address of a file, or of the list of files."""
    here = f"{origin}/v1/exports/{export_format}"
    return f"{here}/{quote(path, safe='/=')}" if path else here


def index_of(shown: Sequence[Listed], unfinished: Sequence[Export], *, origin: str) -> dict[str, Any]:
    """Return which exports there are and how far those are that are being made."""
    return {
        "exports": [_summary(each, origin) for each in shown],
        "being_made": [
            {"format": each.format, "pictures": each.pictures, "pictures_done": each.pictures_done}
            for each in unfinished
        ],
        "stac": f"{origin}/v1/exports/stac",
    }


def _summary(listed: Listed, origin: str) -> dict[str, Any]:
    offer = offer_of(listed.export.format)
    return {
        "format": listed.export.format,
        "title": offer.title if offer else listed.export.format,
        "description": offer.description if offer else "",
        "day": day_text(listed.export.day),
        "pictures": listed.export.pictures,
        "files": listed.totals.files,
        "withdrawn_files": listed.totals.withdrawn,
        "size_bytes": listed.totals.size_bytes,
        "href": address_of(origin, listed.export.format),
    }


def files_page(export: Export, files: Sequence[ExportFile], *, origin: str, next_cursor: str | None) -> dict[str, Any]:
    """Return a page of the files of an export."""
    page: dict[str, Any] = {
        "format": export.format,
        "day": day_text(export.day),
        "files": [_file(export.format, each, origin) for each in files],
    }
    if next_cursor is not None:
        page["next"] = next_cursor
    return page


def _file(export_format: str, file: ExportFile, origin: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "path": file.path,
        "href": address_of(origin, export_format, file.path),
        "type": media_type_of(file.path),
        "is_withdrawn": file.is_withdrawn,
    }
    if not file.is_withdrawn:
        told |= {"pictures": file.pictures, "size_bytes": file.size_bytes, "sha256": file.sha256.hex()}
    return told


def export_assets(shown: Sequence[Listed], *, origin: str) -> dict[str, Any]:
    """Return exports as STAC assets by key: each file, or of an export of many files their list."""
    assets: dict[str, Any] = {}
    for listed in shown:
        offer = offer_of(listed.export.format)
        if offer is None:
            continue
        if listed.totals.files > MOST_ASSETS:
            assets[offer.name] = {
                "href": address_of(origin, offer.name),
                "type": _JSON_TYPE,
                "title": offer.title,
                "description": f"{offer.description} {listed.totals.files} files, listed here.",
                "roles": ["metadata"],
            }
            continue
        for file in listed.files:
            if not file.is_withdrawn:
                name = file.path.rpartition(".")[0].replace("/", "-")
                assets[f"{offer.name}-{name}"] = {
                    "href": address_of(origin, offer.name, file.path),
                    "type": offer.media_type,
                    "title": f"{offer.title}: {file.path}",
                    "description": offer.description,
                    "roles": ["data"],
                }
    return assets


def exports_collection(
    shown: Sequence[Listed], *, origin: str, license_id: str, bbox: BBox | None, days: tuple[int, int] | None
) -> dict[str, Any]:
    """Return a STAC Collection whose assets are the exports.

    Args:
        shown: The exports.
        origin: What addresses begin with.
        license_id: Of pictures, where they do not say otherwise.
        bbox: Around the pictures, or None where there are none.
        days: First and last day of the pictures, or None likewise.
    """
    here, root = f"{origin}/v1/exports/stac", f"{origin}/api"
    box = [-180.0, -90.0, 180.0, 90.0] if bbox is None else [bbox.west, bbox.south, bbox.east, bbox.north]
    interval: list[str | None] = [None, None]
    if days is not None:
        interval = [f"{day_text(days[0])}T00:00:00Z", f"{day_text(days[1])}T23:59:59Z"]
    return {
        "type": "Collection",
        "stac_version": _STAC_VERSION,
        "stac_extensions": [],
        "id": "exports",
        "title": "Exports",
        "description": "What is on the map as files: " + " ".join(offer.description for offer in OFFERS),
        "license": license_id,
        "extent": {"spatial": {"bbox": [box]}, "temporal": {"interval": [interval]}},
        "assets": export_assets(shown, origin=origin),
        "links": [
            {"rel": "self", "type": _JSON_TYPE, "href": here},
            {"rel": "root", "type": _JSON_TYPE, "href": root},
            {"rel": "parent", "type": _JSON_TYPE, "href": root},
        ],
    }
