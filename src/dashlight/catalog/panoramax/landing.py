"""Where Panoramax clients begin: landing page, configuration, style of the map, the one account; pure."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from stac_fastapi.types.stac import LandingPage

from dashlight.catalog.panoramax.tiles import FIRST_PICTURES_ZOOM, FIRST_SEQUENCES_ZOOM, LAST_GRID_ZOOM
from dashlight.catalog.stac import landing as stac_landing
from dashlight.catalog.stac.items import JPEG_TYPE, JSON_TYPE, Site
from dashlight.catalog.summary import Summary
from dashlight.model import DAY_MS, moment_text

TILE_TYPE = "application/vnd.mapbox-vector-tile"
MAP_LINKS_EXTENSION = "https://stac-extensions.github.io/web-map-links/v1.0.0/schema.json"
SOURCE = "geovisio"  # Clients look for layers whose names begin so.
FIELDS = {
    "grid": [
        *("nb_pictures", "nb_360_pictures", "nb_flat_pictures"),
        *("coef", "coef_360_pictures", "coef_flat_pictures"),
    ],
    "sequences": ["id", "account_id", "type", "date"],
    "pictures": ["id", "account_id", "ts", "heading", "type", "sequences", "first_sequence"],
}
_COLOUR, _DARK, _LIGHT = "#0b6e99", "#063d55", "#7cc4e0"


@dataclass(frozen=True, slots=True)
class Account:
    """The one account that clients see: the instance. Contributors have none.

    Attributes:
        id: Always the same for one instance.
        name: Of the instance.
    """

    id: uuid.UUID
    name: str

    @classmethod
    def of(cls, server_key: str, name: str) -> Account:
        """Return the account of the instance that signs with a key."""
        return cls(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:dashlight:server:{server_key}"), name)


def landing_page(site: Site, license_id: str, summary: Summary) -> LandingPage:
    """Return STAC's landing page with the links that Panoramax clients look for."""
    page = stac_landing.landing_page(site, license_id)
    root = site.root
    more: list[dict[str, Any]] = [
        {
            "rel": "xyz",
            "type": TILE_TYPE,
            "href": f"{root}/map/{{z}}/{{x}}/{{y}}.mvt",
            "title": "Pictures and sequences",
        },
        {"rel": "xyz-style", "type": JSON_TYPE, "href": f"{root}/map/style.json"},
        {"rel": "collection-preview", "type": JPEG_TYPE, "href": f"{root}/collections/{{id}}/thumb.jpg"},
        {"rel": "item-preview", "type": JPEG_TYPE, "href": f"{root}/pictures/{{id}}/thumb.jpg"},
        {"rel": "report", "type": JSON_TYPE, "href": f"{root}/reports", "method": "POST"},
        {"rel": "user-search", "type": JSON_TYPE, "href": f"{root}/users/search"},
    ]
    laid: dict[str, Any] = {
        **page,
        "stac_extensions": [*page["stac_extensions"], MAP_LINKS_EXTENSION],
        "links": [*page["links"], *more],
    }
    extent = extent_of(summary)
    if extent is not None:
        laid["extent"] = extent
    return laid  # type: ignore[return-value]  # A TypedDict, whose keys are those of another one and a few more.


def extent_of(summary: Summary) -> dict[str, Any] | None:
    """Return where and when there are pictures, or None when there are none."""
    if summary.bbox is None or summary.oldest_day is None or summary.newest_day is None:
        return None
    box = summary.bbox
    first, last = summary.oldest_day * DAY_MS, (summary.newest_day + 1) * DAY_MS - 1
    return {
        "spatial": {"bbox": [[box.west, box.south, box.east, box.north]]},
        "temporal": {"interval": [[moment_text(first), moment_text(last)]]},
    }


def configuration(name: str, *, license_id: str, contact: str, version: str) -> dict[str, Any]:
    """Return what clients may want to know of the instance; nobody logs in and nothing is uploaded here."""
    return {
        "name": _in_english(name),
        "description": _in_english("Street-level pictures from ordinary dashcams, faces and plates destroyed."),
        "email": contact,
        "license": {"id": license_id, "url": f"https://spdx.org/licenses/{license_id}.html"},
        "version": version,
        "auth": {"enabled": False},
        "pages": [],
        "visibility": {"possible_values": ["anyone"]},
        "is_read_only": True,
    }


def _in_english(words: str) -> dict[str, Any]:
    return {"label": words, "langs": {"en": words}}


def style(site: Site) -> dict[str, Any]:
    """Return the MapLibre style of the tiles (https://maplibre.org/maplibre-style-spec/)."""
    return {
        "version": 8,
        "name": site.name,
        "metadata": {"panoramax:fields": FIELDS},
        "sources": {
            SOURCE: {
                "type": "vector",
                "tiles": [f"{site.root}/map/{{z}}/{{x}}/{{y}}.mvt"],
                "minzoom": 0,
                "maxzoom": FIRST_PICTURES_ZOOM,
            }
        },
        "layers": [_grid_style(), _sequences_style(), _pictures_style()],
    }


def _along_zoom(*stops: float | list[Any]) -> list[Any]:
    return ["interpolate", ["linear"], ["zoom"], *stops]


def _grid_style() -> dict[str, Any]:
    coef = ["get", "coef"]
    end = LAST_GRID_ZOOM + 1
    return {
        "id": f"{SOURCE}_grid",
        "type": "circle",
        "source": SOURCE,
        "source-layer": "grid",
        "maxzoom": end,
        "layout": {"circle-sort-key": coef},
        "paint": {
            "circle-color": ["interpolate", ["linear"], coef, 0, _LIGHT, 0.5, _COLOUR, 1, _DARK],
            "circle-radius": _along_zoom(
                0, ["case", ["==", coef, 0], 0, 1.5], LAST_GRID_ZOOM, ["case", ["==", coef, 0], 0, 6]
            ),
            "circle-opacity": _along_zoom(LAST_GRID_ZOOM, 0.9, end, 0),
        },
    }


def _sequences_style() -> dict[str, Any]:
    return {
        "id": f"{SOURCE}_sequences",
        "type": "line",
        "source": SOURCE,
        "source-layer": "sequences",
        "layout": {"line-cap": "round", "line-join": "round"},
        "paint": {
            "line-color": _COLOUR,
            "line-width": _along_zoom(FIRST_SEQUENCES_ZOOM, 1, FIRST_PICTURES_ZOOM, 2.5, 20, 4),
            "line-opacity": _along_zoom(FIRST_SEQUENCES_ZOOM, 0, FIRST_SEQUENCES_ZOOM + 1, 1),
        },
    }


def _pictures_style() -> dict[str, Any]:
    return {
        "id": f"{SOURCE}_pictures",
        "type": "circle",
        "source": SOURCE,
        "source-layer": "pictures",
        "minzoom": FIRST_PICTURES_ZOOM,
        "paint": {
            "circle-color": _COLOUR,
            "circle-radius": _along_zoom(FIRST_PICTURES_ZOOM, 3, 20, 9),
            "circle-stroke-color": "#ffffff",
            "circle-stroke-width": _along_zoom(FIRST_PICTURES_ZOOM, 0, 18, 1.5),
        },
    }


def account_of(account: Account, site: Site) -> dict[str, Any]:
    """Return the account as clients read it by its id."""
    here = f"{site.root}/users/{account.id}"
    return {
        "id": str(account.id),
        "name": account.name,
        "links": [{"rel": "self", "type": JSON_TYPE, "href": here}],
    }


def accounts_found(account: Account, words: str, site: Site) -> dict[str, Any]:
    """Return the accounts whose names hold some words."""
    is_found = words.casefold() in account.name.casefold()
    found = [account_of(account, site) | {"label": account.name}] if is_found else []
    return {"type": "FeatureCollection", "features": found, "links": []}
