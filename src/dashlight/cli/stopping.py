"""Ctrl-C and SIGTERM: the first asks to stop cleanly, the second Ctrl-C stops at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading


@contextmanager
def stopping(*, said: str = "") -> Iterator[threading.Event]:
    """Hold an event that SIGTERM and the first SIGINT set; a second SIGINT interrupts at once.

    Args:
        said: To whoever pressed Ctrl-C, on stderr; a stop takes as long as the picture at hand.
    """
    import signal
    import threading

    stop = threading.Event()

    def set_and_say(number: int) -> None:
        stop.set()
        if said and number == signal.SIGINT:
            sys.stderr.write(f"{said}\n")
            sys.stderr.flush()

    def ask(number: int, _frame: object) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        # Not here: the interrupted code may hold the event's own lock, or that of stderr.
        threading.Thread(target=set_and_say, args=(number,), name="stop").start()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
