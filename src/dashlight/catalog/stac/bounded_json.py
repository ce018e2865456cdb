"""JSON of strangers: nested so little that whatever walks it comes to an end."""

from __future__ import annotations

from typing import Any

import orjson

from dashlight.errors import InputError

MOST_DEPTH = 64  # A filter of 20 levels has two of JSON each, and the operands of the last.


def parsed_json(content: bytes | str) -> Any:
    """Return what JSON says.

    Raises:
        orjson.JSONDecodeError: When it is not JSON.
        InputError: When it is nested deeper than `MOST_DEPTH`.
    """
    value = orjson.loads(content)
    level: list[Any] = [value]
    for _ in range(MOST_DEPTH):
        level = [part for one in level for part in _inside(one)]
        if not level:
            return value
    raise InputError(f"the JSON is nested deeper than {MOST_DEPTH}", code="bad-json")


def _inside(value: Any) -> list[Any]:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [part for part in parts if isinstance(part, dict | list)]
