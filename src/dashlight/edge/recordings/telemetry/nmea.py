"""NMEA 0183 sentences (RMC and GGA), by pynmeagps, in sidecars and inside other formats.

Cameras truncate sentences and miscount checksums, so that a wrong checksum alone drops nothing; a sentence that
does not parse is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, time
from pathlib import Path
from typing import Any

from dashlight.edge.recordings.telemetry.reading import (
    ACCURACY_PER_DOP_M,
    KNOT_MPS,
    MAX_READINGS,
    Reading,
    Telemetry,
    TelemetryClock,
    course_of,
    position_of,
    seconds_of,
    speed_of,
)
from dashlight.edge.recordings.telemetry.sidecar import text_of
from dashlight.model import LonLat

_SENTENCE = re.compile(r"\$G[A-Z](?:RMC|GGA),[ -~]*", re.ASCII)
DAY_S = 86_400.0


def read(path: Path) -> Telemetry | None:
    """Return the positions of a log of sentences, or None when it has none.

    Raises:
        TooLarge: When it is larger than a sidecar may be.
        HostError: When it cannot be read.
    """
    return parsed(text_of(path))


def parsed(text: str) -> Telemetry | None:
    """Return the same of text; anything between the sentences is passed over."""
    readings = tuple(readings_of_sentences((match.group(), None) for match in _SENTENCE.finditer(text)))
    if not readings:
        return None
    return Telemetry("NMEA", readings, TelemetryClock.UTC, is_whole_drive=True)


@dataclass(frozen=True, slots=True)
class _Gga:
    time_of_day_s: float
    accuracy_m: float | None
    altitude_m: float | None
    has_fix: bool


def readings_of_sentences(sentences: Iterable[tuple[str, float | None]]) -> Iterator[Reading]:
    """Yield one reading an RMC sentence, its accuracy and altitude from the GGA of the same second.

    When no RMC is there, none is yielded: GGA alone tells no date.

    Args:
        sentences: Text of each, and seconds into the video where that is known.
    """
    gga: _Gga | None = None
    held: Reading | None = None
    count = 0
    for text, offset_s in sentences:
        message = _message(text)
        if message is None:
            continue
        if message.msgID == "GGA":
            gga = _gga(message) or gga
        else:
            if held is not None and count < MAX_READINGS:
                count += 1
                yield _completed(held, gga)
            held = _rmc(message, offset_s)
            continue
        if held is not None and count < MAX_READINGS and gga is not None and _is_same_second(held, gga):
            count += 1
            yield _completed(held, gga)
            held = None
    if held is not None and count < MAX_READINGS:
        yield _completed(held, gga)


def _message(text: str) -> Any:
    from pynmeagps import NMEAReader  # noqa: PLC0415 -- only when there is one
    from pynmeagps.exceptions import (  # noqa: PLC0415
        NMEAMessageError,
        NMEAParseError,
        NMEAStreamError,
        NMEATypeError,
    )

    body = text.partition("*")[0].strip()
    checksum = 0
    for char in body[1:]:
        checksum ^= ord(char) & 0xFF
    try:
        # A checksum of our own: the reader insists on two digits, which truncated sentences lack.
        return NMEAReader.parse(f"{body}*{checksum:02X}\r\n".encode("ascii", "replace"), validate=0)
    except (
        NMEAMessageError,
        NMEAParseError,
        NMEAStreamError,
        NMEATypeError,
        ValueError,
        LookupError,
        TypeError,
        ArithmeticError,
    ):
        return None  # One unreadable sentence of a thousand: its neighbours tell the same.


def _told(message: Any, name: str) -> Any:
    """Return a field, None when the sentence was cut before it."""
    return getattr(message, name, None)


def _time_of_day_s(value: Any) -> float | None:
    if not isinstance(value, time):
        return None
    return value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _rmc(message: Any, offset_s: float | None) -> Reading | None:
    lon, lat = _number(_told(message, "lon")), _number(_told(message, "lat"))
    at, day, status = _time_of_day_s(_told(message, "time")), _told(message, "date"), _told(message, "status")
    position = None if lon is None or lat is None else position_of(lon, lat)
    if position is None and status == "A":
        return None
    clock_s = None
    if at is not None and isinstance(day, date):
        midnight_s = seconds_of(day.year, day.month, day.day, 0, 0, 0.0)
        clock_s = None if midnight_s is None else midnight_s + at
    if clock_s is None and status == "A":
        return None
    knots = _number(_told(message, "spd"))
    return Reading(
        position or LonLat(0.0, 0.0),
        clock_s=clock_s,
        offset_s=offset_s,
        speed_mps=None if knots is None else speed_of(knots * KNOT_MPS),
        course_deg=course_of(_number(_told(message, "cog"))),
        is_valid=status == "A" and position is not None,
    )


def _gga(message: Any) -> _Gga | None:
    at = _time_of_day_s(_told(message, "time"))
    if at is None:
        return None
    dilution = _number(_told(message, "HDOP"))
    quality = _number(_told(message, "quality"))
    return _Gga(
        at,
        None if not dilution or dilution >= 99 else dilution * ACCURACY_PER_DOP_M,
        _number(_told(message, "alt")),
        bool(quality),
    )


def _is_same_second(reading: Reading, gga: _Gga) -> bool:
    return reading.clock_s is not None and abs(reading.clock_s % DAY_S - gga.time_of_day_s) < 0.5


def _completed(reading: Reading, gga: _Gga | None) -> Reading:
    if gga is None or not _is_same_second(reading, gga):
        return reading
    return replace(
        reading,
        accuracy_m=gga.accuracy_m,
        altitude_m=gga.altitude_m,
        is_valid=reading.is_valid and gga.has_fix,
    )
