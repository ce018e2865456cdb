"""What is logged, on stderr: events in words or as JSON, without what a terminal acts on."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable

from dashlight.cli.printable import shown
from dashlight.store.logs import EventFormatter


def set_up_logs(
    level: int, *, is_json: bool = False, names: Iterable[str] = ("dashlight",), is_discreet: bool = False
) -> None:
    """Write what the loggers of these names tell, from `level` on, to stderr; nothing goes on to the root logger.

    Args:
        level: The least.
        is_json: One JSON object a line.
        names: Of loggers.
        is_discreet: Tracebacks without the messages of errors, as a server's may name what somebody asked.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(EventFormatter(is_json=is_json, as_shown=shown, is_discreet=is_discreet))
    for name in names:
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level)
        logger.propagate = False
