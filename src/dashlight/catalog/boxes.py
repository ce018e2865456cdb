"""The numbers of a `bbox` parameter: one spelling for every list of the server."""

from __future__ import annotations

import re

from dashlight.errors import InputError

_DEGREES = re.compile(r"[+-]?(?:\d{1,4}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][+-]?\d{1,2})?\Z", re.ASCII)
_ALTITUDE = re.compile(r"[+-]?(?:\d{1,9}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][+-]?\d{1,2})?\Z", re.ASCII)


def numbers_of_box(text: str) -> list[float]:
    """Return the numbers of `west,south,east,north`, or of six with altitudes; how many is for the caller to judge.

    Raises:
        InputError: When one is not a plain number.
    """
    parts = [part.strip(" ") for part in text.split(",")]
    altitudes = (2, 5) if len(parts) == 6 else ()
    for index, part in enumerate(parts):
        if not (_ALTITUDE if index in altitudes else _DEGREES).match(part):
            raise InputError(f"bbox: {part[:60]!r} is not a number", hint="west,south,east,north", code="bad-bbox")
    return [float(part) for part in parts]
