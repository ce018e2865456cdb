"""How an import is asked for, what it did, and who is told of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Protocol

from dashlight.edge.recordings import Located, Recording
from dashlight.edge.select import NOT_TAKEN, NotTaken
from dashlight.errors import Rejected, UsageError
from dashlight.model import RedactedPicture
from dashlight.publication import SENTENCES, HiddenBy

POLICY_CHECK = "policy-"  # Before the code of a violation that the check of whole bundles found.


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How recordings become pictures; see `config.EdgeSettings`."""

    every_m: float = 5.0
    max_size: int = 1280
    bundle_pictures: int = 100
    workers: int = 2
    timezone: tzinfo | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a recording: `candidates == pictures + sum(left_out.values())`.

    Attributes:
        path: Its file.
        candidates: Of how many places a picture might have been made.
        pictures: How many were, and are in bundles.
        left_out: How many were not, by reason; `left_out_sentence` puts a reason into words.
    """

    path: Path
    candidates: int
    pictures: int
    left_out: Mapping[str, int]


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
    outcomes: list[Outcome] = field(default_factory=list)  # Of each recording that was gone through or waits.

    @property
    def left_out(self) -> Mapping[str, int]:
        """How many candidates became no picture, by reason, most frequent first."""
        total: Counter[str] = Counter()
        for outcome in self.outcomes:
            total.update(outcome.left_out)
        return dict(total.most_common())


class Progress(Protocol):
    """Is told what happens; called from one thread."""

    def begun(self, recording: Recording, located: Located, wanted: int) -> None:
        """A recording begins, of which about so many pictures are wanted."""

    def waits(self, recording: Recording, located: Located) -> None:
        """The policy lets nothing be told of a recording yet; once for each recording."""

    def picture(self, picture: RedactedPicture) -> None:
        """A picture was redacted."""

    def sealed(self, pictures: int) -> None:
        """A bundle of so many pictures is in the spool."""

    def ended(self, recording: Recording, pictures: int) -> None:
        """A recording is done."""

    def rejected(self, rejected: Rejected) -> None:
        """Something was left out."""


def left_out_sentence(reason: str) -> str:
    """Return a reason of `Outcome.left_out` in words for the contributor.

    Raises:
        UsageError: When it is none.
    """
    if reason in set(HiddenBy):
        return SENTENCES[HiddenBy(reason)]
    if reason in set(NotTaken):
        return NOT_TAKEN[NotTaken(reason)]
    if reason.startswith(POLICY_CHECK):
        return f"With it the bundle would break the policy ({reason.removeprefix(POLICY_CHECK)})."
    raise UsageError(f"{reason!r} is no reason to leave a picture out")
