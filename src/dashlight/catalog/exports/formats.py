"""The formats: into which files an export falls, and what is written into each.

A format plans groups of files. The files of a group are registered together, their pictures are read once, and they
become whole together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dashlight.store.database import Database
from dashlight.store.exports import Coverage, ExportFile


@dataclass(frozen=True, slots=True)
class Planned:
    """A file that is to be written.

    Attributes:
        path: Its name among the export's files.
        coverage: What it holds.
    """

    path: str
    coverage: Coverage


Group = tuple[Planned, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written.

    Attributes:
        groups: Of files, made while they are asked for.
        kept: Paths of files of the export before that are still right, and are taken over.
    """

    groups: Iterator[Group]
    kept: frozenset[str] = frozenset()


class Format(Protocol):
    """One format. A plan reads the database now and then; a write reads it in short transactions."""

    @property
    def name(self) -> str:
        """How it is asked for."""
        ...

    def plan(self, database: Database, *, done: Sequence[ExportFile], before: Sequence[ExportFile]) -> Plan:
        """Return what is to be written.

        Args:
            database: The rows.
            done: Files of this export that an interrupted job has written.
            before: Files of the export that is shown now, but withdrawn ones.
        """
        ...

    def write(
        self, database: Database, group: Group, paths: Sequence[Path], *, check: Callable[[], None]
    ) -> list[int | None]:
        """Write the files of a group to `paths`; return how many pictures each holds, None for one that is not needed.

        Args:
            database: The rows.
            group: The files.
            paths: Where to write each.
            check: Called now and then; raises when the job has to stop.
        """
        ...
