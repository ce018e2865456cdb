"""What exports there are; light, for those who list and serve files and do not write them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from dashlight.config import EXPORT_FORMATS

PARQUET_TYPE = "application/vnd.apache.parquet"
PMTILES_TYPE = "application/vnd.pmtiles"
MEDIA_TYPES = {".parquet": PARQUET_TYPE, ".pmtiles": PMTILES_TYPE}


@dataclass(frozen=True, slots=True)
class Offer:
    """A format for people.

    Attributes:
        name: How it is asked for.
        title: In a list.
        description: In a sentence.
        words: After "write", for the command line.
        media_type: Of its files.
    """

    name: str
    title: str
    description: str
    words: str
    media_type: str


OFFERS = (
    Offer(
        "geoparquet",
        "Snapshot",
        "All pictures as GeoParquet 1.1, in the order of the map.",
        "all pictures as GeoParquet, in the order of the map",
        PARQUET_TYPE,
    ),
    Offer(
        "partitions",
        "Daily partitions",
        "All pictures as GeoParquet 1.1, a file for each day, week or month and H3 cell of resolution 4.",
        "all pictures as GeoParquet, a file for each day (or week) and H3 cell; only what has changed",
        PARQUET_TYPE,
    ),
    Offer(
        "pmtiles",
        "Tiles",
        "The vector tiles of the map as one PMTiles archive for static hosting.",
        "the map's tiles as one PMTiles archive for static hosting",
        PMTILES_TYPE,
    ),
    Offer(
        "bundles",
        "Bundles",
        "Where the bytes of each picture lie, for programs that stream them.",
        "where the bytes of each picture lie, for programs that stream them, as Parquet",
        PARQUET_TYPE,
    ),
)
NAMES = EXPORT_FORMATS


def offer_of(name: str) -> Offer | None:
    """Return a format, or None when there is none of that name."""
    return next((offer for offer in OFFERS if offer.name == name), None)


def media_type_of(path: str) -> str:
    """Return the media type of a file by its name."""
    return MEDIA_TYPES.get(PurePosixPath(path).suffix, "application/octet-stream")
