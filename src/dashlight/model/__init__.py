"""The nouns of dashlight and their arithmetic; no input, no output, no clock."""

from dashlight.model.cells import h3_parent, h3_r15_of
from dashlight.model.days import DAY_MS, EPOCH, day_of, moment_of, moment_text, ms_of
from dashlight.model.detection import Detection, Redaction, RedactionKind
from dashlight.model.frame import THUMBNAIL_WIDTH, RawFrame, RedactedPicture, thumbnail_size_of
from dashlight.model.languages import preferred_language
from dashlight.model.lonlat import (
    EARTH_RADIUS_M,
    NULL_ISLAND_DEG,
    BBox,
    LonLat,
    compass_deg,
    destination,
    distance_m,
    heading_between,
    heading_difference_deg,
    interpolated,
)
from dashlight.model.mercator import (
    MERCATOR_MAX_LAT,
    QK_WORLD,
    QK_ZOOM,
    lon_lat_at,
    merged_ranges,
    qk_of,
    qk_of_many,
    qk_range,
    tile_xy,
    world_xy,
    xy_of,
)
from dashlight.model.networks import is_this_machine, network_of, wider_network_of
from dashlight.model.picture import CapturedAt, Month, PictureClaim, Week
from dashlight.model.policy import LICENSES, Policy
from dashlight.model.track import Fix, Track

__all__ = [
    "DAY_MS",
    "EARTH_RADIUS_M",
    "EPOCH",
    "LICENSES",
    "MERCATOR_MAX_LAT",
    "NULL_ISLAND_DEG",
    "QK_WORLD",
    "QK_ZOOM",
    "THUMBNAIL_WIDTH",
    "BBox",
    "CapturedAt",
    "Detection",
    "Fix",
    "LonLat",
    "Month",
    "PictureClaim",
    "Policy",
    "RawFrame",
    "RedactedPicture",
    "Redaction",
    "RedactionKind",
    "Track",
    "Week",
    "compass_deg",
    "day_of",
    "destination",
    "distance_m",
    "h3_parent",
    "h3_r15_of",
    "heading_between",
    "heading_difference_deg",
    "interpolated",
    "is_this_machine",
    "lon_lat_at",
    "merged_ranges",
    "moment_of",
    "moment_text",
    "ms_of",
    "network_of",
    "preferred_language",
    "qk_of",
    "qk_of_many",
    "qk_range",
    "thumbnail_size_of",
    "tile_xy",
    "wider_network_of",
    "world_xy",
    "xy_of",
]
