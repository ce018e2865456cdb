"""What is traced: requests and jobs, by names and words of closed sets. Nothing of what was asked is among them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

Words = dict[str, str | int]


class Spans(Protocol):
    """Traces. A span says what was done, when, how long and with what end; attributes are of `ALLOWED` alone."""

    @contextmanager
    def span(self, name: str) -> Iterator[Words]:
        """Trace what happens inside; what is put into the yielded dictionary becomes its attributes."""

    def close(self) -> None:
        """Send what waits, and end. May block for some seconds."""


ALLOWED = frozenset(
    {"http.request.method", "http.route", "http.response.status_code", "error.type", "dashlight.job", "dashlight.count"}
)


class NoSpans:
    """Traces nothing."""

    @contextmanager
    def span(self, name: str) -> Iterator[Words]:
        """Do nothing."""
        del name
        yield {}

    def close(self) -> None:
        """Do nothing."""
