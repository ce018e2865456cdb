"""Who is told of changes; one that fails keeps neither the others nor the teller from going on."""

from __future__ import annotations

import logging

from dashlight.store.database import Change, Listener

_LOG = logging.getLogger("dashlight.store")


class Listeners:
    """The listeners of one database."""

    def __init__(self) -> None:
        """Begin with none."""
        self._all: list[Listener] = []

    def add(self, listener: Listener) -> None:
        """Tell `listener` of every change from now on."""
        self._all.append(listener)

    def tell(self, change: Change) -> None:
        """Tell every listener.

        One that raises may show what it should have forgotten: it is told that any place may have changed.
        """
        for listener in self._all:
            if not _is_heard(listener, change) and not change.is_everywhere:
                _is_heard(listener, Change(is_everywhere=True))


def _is_heard(listener: Listener, change: Change) -> bool:
    try:
        listener(change)
    except Exception:  # noqa: BLE001  # The top of one listener: it says so, and the rest goes on.
        _LOG.exception("store.unheard")
        return False
    return True
