"""Which of the languages that there are a reader is written to in."""

from __future__ import annotations

import math
from collections.abc import Iterable

_MOST_WISHES = 20  # Of a header; browsers send a handful.


def preferred_language(asked: str | None, accepted: str | None, known: Iterable[str]) -> str:
    """Return the language to write in: the one asked for, else the first wish of Accept-Language that is known.

    Args:
        asked: Of the address, or None.
        accepted: The header (RFC 9110, section 12.5.4), or None.
        known: Languages that there are, of two letters; the first is the default.
    """
    languages = list(known)
    if asked in languages:
        return str(asked)
    wishes = []
    for order, part in enumerate((accepted or "").split(",")[:_MOST_WISHES]):
        tag, _, weight = "".join(part.lower().split()).partition(";q=")
        wishes.append((-_quality(weight), order, tag.partition("-")[0]))
    return next((code for quality, _, code in sorted(wishes) if quality < 0 and code in languages), languages[0])


def _quality(weight: str) -> float:
    """Return a weight as a number; 1 where none is given, 0 where it is none."""
    try:
        quality = float(weight) if weight else 1.0
    except ValueError:
        return 0.0
    return quality if math.isfinite(quality) else 0.0
