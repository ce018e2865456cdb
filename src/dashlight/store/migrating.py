"""The numbered schemas: the same numbers for SQLite and PostgreSQL, each in the words of its database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import resources
from typing import Literal

from dashlight.errors import HostError

_MIGRATION = re.compile(r"(\d{4})_[a-z0-9_]+\.sql\Z")
Dialect = Literal["sqlite", "postgresql"]


def migrations(dialect: Dialect) -> list[tuple[int, str]]:
    """Return every migration's number and SQL, in order."""
    folder = resources.files("dashlight.store").joinpath("migrations", *(() if dialect == "sqlite" else (dialect,)))
    return sorted(
        (int(match[1]), entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if (match := _MIGRATION.match(entry.name))
    )


def check_known(version: int, known: Sequence[tuple[int, str]]) -> None:
    """Check that this program knows the schema of a database.

    Args:
        version: Of the database; 0 is none yet.
        known: The migrations.

    Raises:
        HostError: When the database was written by a newer program.
    """
    if known and version > known[-1][0]:
        raise HostError(
            f"the database has schema {version}; this program knows {known[-1][0]}",
            hint="run a newer dashlight",
            code="database",
        )
