"""How an import is asked for, what it did, and who is told of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Protocol

from dashlight.edge.recordings import Located, Recording
from dashlight.errors import Rejected
from dashlight.model import RedactedPicture


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How recordings become pictures; see `config.EdgeSettings`."""

    every_m: float = 5.0
    max_size: int = 1280
    bundle_pictures: int = 100
    workers: int = 2
    timezone: tzinfo | None = None


@dataclass(slots=True)
class Imported:
    """What an import did."""

    recordings: int = 0
    pictures: int = 0
    bundles: int = 0
    redactions: int = 0
    known: int = 0  # Recordings that had been imported before.
    forgotten: int = 0  # Of those: taken back by their owner, and so never imported again.
    waiting: int = 0  # Recordings of which the policy lets nothing be told yet.
    kept: int = 0  # Recordings that came in under a more careful policy, and stay so.
    converted: int = 0  # Of those: named one by one again, and so told under the policy of now.
    taken_up: int = 0  # Recordings that an earlier import left, and nobody named in this one.
    driven_s: float = 0.0
    rejected: list[Rejected] = field(default_factory=list)


class Progress(Protocol):
    """Is told what happens; called from one thread."""

    def begun(self, recording: Recording, located: Located, wanted: int) -> None:
        """A recording begins, of which about so many pictures are wanted."""

    def picture(self, picture: RedactedPicture) -> None:
        """A picture was redacted."""

    def sealed(self, pictures: int) -> None:
        """A bundle of so many pictures is in the spool."""

    def ended(self, recording: Recording, pictures: int) -> None:
        """A recording is done."""

    def rejected(self, rejected: Rejected) -> None:
        """Something was left out."""
