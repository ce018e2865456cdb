"""The one place where another project's parser is called on a file that may be hostile."""

from __future__ import annotations

import contextlib
import logging
import struct
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from dashlight.errors import Corrupt, HostError

_RUN_INTO = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,  # RecursionError among them
    TypeError,
    ValueError,  # UnicodeError among them
    struct.error,
)


def called(name: str, extract: Callable[[Any], Any], path: Path) -> Any:
    """Return what a foreign parser makes of a file.

    On hostile bytes it raises what its code happens to run into, so that all of those mean: damaged.

    Raises:
        Corrupt: When the parser gave up.
        HostError: When the file cannot be read.
    """
    import construct  # type: ignore[import-untyped]  # noqa: PLC0415 -- ships no types; slow to import
    from mapillary_tools.mp4.construct_mp4_parser import BoxNotFoundError  # noqa: PLC0415
    from mapillary_tools.mp4.simple_mp4_parser import ParsingError  # noqa: PLC0415

    try:
        with path.open("rb") as file, _quiet():
            return extract(file)
    except OSError as exc:
        raise HostError(f"the file cannot be read: {exc.strerror or exc}", code="unreadable") from exc
    except (*_RUN_INTO, construct.ConstructError, BoxNotFoundError, ParsingError) as exc:
        raise Corrupt(f"the {name} telemetry is damaged: {type(exc).__name__}", code="bad-telemetry") from exc


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep a parser's log and warnings (which quote positions and paths) to itself."""
    logger = logging.getLogger("mapillary_tools")
    was = logger.disabled, logger.level, logger.propagate
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled, logger.propagate = was[0], was[2]
        logger.setLevel(was[1])
