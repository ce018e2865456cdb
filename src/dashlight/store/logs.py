"""Logs as events with fields. No places, no people, no tokens: who logs gives names of fields that are counts."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class EventFormatter(logging.Formatter):
    """One line an event: time, level, event, fields.

    Args:
        is_json: One JSON object a line instead of words.
        as_shown: Writes the text of an event in words, such as without what a terminal would act on.
    """

    def __init__(self, *, is_json: bool, as_shown: Callable[[str], str] = str) -> None:
        super().__init__()
        self._is_json = is_json
        self._as_shown = as_shown

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of one record."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        event = {"at": at, "level": record.levelname.lower(), "event": record.getMessage(), **fields}
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        if self._is_json:
            return json.dumps(event, default=str)
        words = " ".join(f"{name}={value}" for name, value in fields.items())
        line = self._as_shown(f"{at} {record.levelname.lower():7} {record.getMessage()} {words}".rstrip())
        if not record.exc_info:
            return line
        return "\n".join([line, *map(self._as_shown, str(event["traceback"]).splitlines())])
