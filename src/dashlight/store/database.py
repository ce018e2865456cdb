"""The contract of the database, and what its two makers share: a job, what it changed, who hears of it.

`store.sqlite` keeps the rows in one file beside the objects; `store.postgresql` on a server that several processes
share. Whatever is written in SQL elsewhere in this package runs on both.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

import sqlalchemy as sa

T = TypeVar("T")
TurnName = Literal["batch", "erasures", "exports", "orphans", "vacuum"]  # A server may hold a connection for each.


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the outbox.

    Attributes:
        cursor: Rises with every event.
        kind: `picture`, `gone` or `refresh`.
        lon: Degrees, or None when the event concerns every place.
        lat: Degrees, or None likewise.
        data: JSON.
    """

    cursor: int
    kind: str
    lon: float | None
    lat: float | None
    data: str


@dataclass(slots=True)
class Change:
    """What a transaction changed for readers; given to listeners after the commit.

    Attributes:
        qks: Keys of the places at which something was added or removed.
        events: The outbox rows written.
        is_erasing: Whether something was taken away.
        is_everywhere: Whether any place may have changed: `qks` does not tell which.
    """

    qks: list[int] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    is_erasing: bool = False
    is_everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Transaction:
    """One job's view of the write transaction that it shares."""

    connection: sa.Connection
    change: Change


Job = Callable[[Transaction], Any]
Listener = Callable[[Change], None]


class Database(Protocol):
    """The rows of one instance.

    Durability: when `write` has returned, its effect survives a power cut. Concurrency: any thread may call anything.
    Reads see the last commit. Writes run one after the other, whichever process of the instance asks for them: a job
    sees what all jobs before it wrote, and a job that raises undoes itself alone. Cursors of the outbox rise in the
    order in which readers can see them. Retry: a job that ended with Unavailable may have been committed all the
    same; whoever asks again has to look.
    """

    @property
    def is_journal_due(self) -> bool:
        """Whether what was deleted, or which rows came together, can still be read beside the tables."""
        ...

    def listen(self, listener: Listener) -> None:
        """Call `listener` after each commit that changed something for readers. It must be quick and not raise.

        Places that changed here are told before `write` returns; events, and what other processes changed, in the
        order of the commits.
        """
        ...

    def read(self, *, most_s: float | None = None) -> AbstractContextManager[sa.Connection]:
        """Yield a connection that sees one moment and cannot write.

        Args:
            most_s: After so long it is ended, and sooner where it keeps what is erased from being forgotten.

        Raises:
            Unavailable: When the database does not answer, or `too-long` when the time is over.
        """
        ...

    def submit(self, job: Callable[[Transaction], T]) -> Future[T]:
        """Queue a write; the future ends when it is durable, or with the job's error.

        Raises:
            Unavailable: When too many wait already.
        """
        ...

    def write(self, job: Callable[[Transaction], T]) -> T:
        """Run a write and wait until it is durable. Never call it on an event loop."""
        ...

    def alone(self, name: TurnName, *, is_waiting: bool = False) -> AbstractContextManager[bool]:
        """Yield whether nobody else of the instance is inside `alone(name)`; one that waits yields True in its turn.

        Raises:
            Unavailable: When the database does not answer, or the turn does not come.
        """
        ...

    def forget_journal(self) -> bool:
        """Forget what was deleted and what was written together, as far as this database can.

        Returns:
            Whether it is done; False when it has to be tried again.
        """
        ...

    def forget_order(self) -> None:
        """Forget in which order rows came, where the tables would tell it. Once a day."""
        ...

    def close(self) -> None:
        """Finish the writes that wait, and close."""
        ...
