"""Logs as events with fields. No places, no people, no tokens: who logs gives names of fields that are counts."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

_Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class EventFormatter(logging.Formatter):
    """One line an event: time, level, event, fields.

    Args:
        is_json: One JSON object a line instead of words.
        as_shown: Writes the text of an event in words, such as without what a terminal would act on.
        is_discreet: Tells of an error its kind and where it was raised, and not its message; and of an event that a
            library words its first line.
    """

    def __init__(self, *, is_json: bool, as_shown: Callable[[str], str] = str, is_discreet: bool = False) -> None:
        super().__init__()
        self._is_json = is_json
        self._as_shown = as_shown
        self._is_discreet = is_discreet

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of one record."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        event = {"at": at, "level": record.levelname.lower(), "event": self._event_of(record), **fields}
        if record.exc_info:
            event["traceback"] = self._traceback_of(record.exc_info)
        if self._is_json:
            return json.dumps(event, default=str)
        words = " ".join(f"{name}={value}" for name, value in fields.items())
        line = self._as_shown(f"{at} {record.levelname.lower():7} {event['event']} {words}".rstrip())
        if not record.exc_info:
            return line
        return "\n".join([line, *map(self._as_shown, str(event["traceback"]).splitlines())])

    def _event_of(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if self._is_discreet and not record.name.startswith("dashlight"):
            return message.partition("\n")[0]  # What follows shows the objects at hand, and what is in them.
        return message

    def _traceback_of(self, raised: _Raised) -> str:
        if not self._is_discreet:
            return self.formatException(raised)
        parts = []
        exc = raised[1]
        while exc is not None:
            frames = "".join(
                f"  {Path(f.filename).name}:{f.lineno} {f.name}\n" for f in traceback.extract_tb(exc.__traceback__)
            )
            parts.append(f"{frames}{type(exc).__module__}.{type(exc).__qualname__}")
            exc = exc.__cause__ or (None if exc.__suppress_context__ else exc.__context__)
        return "\nfrom\n".join(parts)
