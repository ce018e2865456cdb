"""The nouns as a user of the library writes them; read by two type checkers and never run."""

from datetime import date, datetime
from typing import assert_type

import numpy as np
import numpy.typing as npt

from dashlight.model import (
    DAY_MS,
    EARTH_RADIUS_M,
    EPOCH,
    LICENSES,
    MERCATOR_MAX_LAT,
    NULL_ISLAND_DEG,
    QK_WORLD,
    QK_ZOOM,
    THUMBNAIL_WIDTH,
    BBox,
    CapturedAt,
    Detection,
    Fix,
    LonLat,
    Month,
    PictureClaim,
    Policy,
    RawFrame,
    RedactedPicture,
    Redaction,
    RedactionKind,
    Track,
    Week,
    compass_deg,
    day_of,
    destination,
    distance_m,
    h3_parent,
    h3_r15_of,
    heading_between,
    heading_difference_deg,
    interpolated,
    is_this_machine,
    lon_lat_at,
    merged_ranges,
    moment_of,
    moment_text,
    ms_of,
    network_of,
    preferred_language,
    qk_of,
    qk_of_many,
    qk_range,
    thumbnail_size_of,
    tile_xy,
    wider_network_of,
    world_xy,
    xy_of,
)


def constants_are_numbers_and_words() -> None:
    assert_type(EARTH_RADIUS_M, float)
    assert_type(MERCATOR_MAX_LAT, float)
    assert_type(NULL_ISLAND_DEG, float)


def the_checkers_agree_on_what_fits_a_constant() -> tuple[tuple[int, ...], tuple[str, ...]]:
    return (QK_WORLD, QK_ZOOM, THUMBNAIL_WIDTH), LICENSES


def positions_have_arithmetic(home: LonLat, work: LonLat) -> None:
    assert_type(home.lon, float)
    assert_type(distance_m(home, work), float)
    assert_type(heading_between(home, work), float)
    assert_type(heading_difference_deg(350.0, 10.0), float)
    assert_type(compass_deg(-90.0), float)
    assert_type(destination(home, 90.0, 1_000.0), LonLat)
    assert_type(interpolated(home, work, 0.5), LonLat)
    box = BBox(west=179.0, south=-1.0, east=-179.0, north=1.0)
    assert_type(box.parts(), tuple[BBox, ...])
    assert_type(box.contains(home), bool)


def positions_have_keys(home: LonLat, lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> None:
    assert_type(tile_xy(home, 14), tuple[int, int])
    assert_type(qk_of(home), int)
    assert_type(qk_of_many(lon, lat), npt.NDArray[np.int64])
    assert_type(xy_of(qk_of_many(lon, lat)), tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]])
    assert_type(world_xy(lon, lat), tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]])
    assert_type(lon_lat_at(lon, lat), tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]])
    assert_type(qk_range(14, 8_025, 6_177), tuple[int, int])
    assert_type(merged_ranges([qk_range(1, 0, 0), qk_range(1, 1, 0)]), list[tuple[int, int]])
    assert_type(h3_parent(h3_r15_of(home), 9), int)


def a_drive_is_a_track_of_fixes(at: datetime, home: LonLat) -> Track:
    fix = Fix(at, home, speed_mps=13.9, course_deg=90.0, accuracy_m=3.0, is_valid=True, altitude_m=80.0)
    assert_type(fix.speed_mps, float | None)
    track = Track((fix,))
    assert_type(track.fixes, tuple[Fix, ...])
    return track


def times_are_told_in_one_of_three_ways(captured: CapturedAt) -> str:
    if isinstance(captured, datetime):
        return captured.isoformat()
    assert_type(captured, Week | Month)
    assert_type(Week.of(date(2026, 11, 23)), Week)
    assert_type(Week.parse("2026-W48").monday, date)
    assert_type(Month.parse("2026-11"), Month)
    return captured.label


def a_claim_is_what_is_told(home: LonLat, captured: CapturedAt) -> PictureClaim:
    claim = PictureClaim(home, captured, heading_deg=90.0, accuracy_m=None)
    assert_type(claim.captured, datetime | Week | Month)
    return claim


def policies_are_matched_exhaustively(policy: Policy) -> int:
    match policy:
        case Policy.PERSONAL:
            return 10
        case Policy.OPEN | Policy.FLEET:
            return 300


def a_redaction_is_a_detection_in_whole_pixels(found: Detection) -> Redaction:
    assert_type(found.bbox_xyxy, tuple[float, float, float, float])
    assert_type(found.score, float)
    redaction = Redaction(RedactionKind.FACE, (0, 0, 16, 16), found.score)
    assert_type(redaction.bbox_xyxy, tuple[int, int, int, int])
    return redaction


def pixels_are_of_two_kinds(frame: RawFrame, picture: RedactedPicture) -> None:
    assert_type(frame.rgb, npt.NDArray[np.uint8])
    assert_type(frame.size, tuple[int, int])
    assert_type(picture.jpeg, bytes)
    assert_type(picture.thumbnail_jpeg, bytes)
    assert_type(picture.redactions, tuple[Redaction, ...])
    assert_type(thumbnail_size_of(frame.size), tuple[int, int])


def days_are_counted_from_the_epoch(moment: datetime) -> str:
    assert_type(EPOCH, datetime)
    assert_type(day_of(moment) * DAY_MS, int)
    assert_type(moment_of(ms_of(moment)), datetime)
    return moment_text(ms_of(moment))


def a_client_is_known_by_its_network(address: str) -> str:
    if is_this_machine(address):
        return assert_type(network_of(address), str)
    return assert_type(wider_network_of(address), str)


def a_language_is_chosen_among_those_there_are(asked: str | None, accepted: str | None) -> str:
    return assert_type(preferred_language(asked, accepted, ["en", "es"]), str)
