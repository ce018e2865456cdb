"""Daily partitions: a GeoParquet file for each H3 cell of resolution 4 and each day, week or month that is told.

Of a day's pictures those whose time is told as a week or a month are in files of their own: they are not of its first
day. A file stays as it is while the number of pictures of its cell and day stays; taking one back withdraws the file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from dashlight.catalog.exports.columns import PICTURE_EXTRAS, SCHEMA, picture_table
from dashlight.catalog.exports.formats import Group, Plan, Planned
from dashlight.catalog.exports.geoparquet import GeoParquetFile
from dashlight.model import DAY_MS, moment_of
from dashlight.store import exporting
from dashlight.store.database import Database
from dashlight.store.exporting import Pictures
from dashlight.store.exports import Coverage, ExportFile
from dashlight.store.publish import captured_text
from dashlight.store.schema import Precision

_READ_PICTURES = 250_000  # At once, of the days of one cell one after the other.
_MOST_DAYS = 64
_GAP_DAYS = 31  # Days between are read too.
_WORDS = {Precision.INSTANT: "day", Precision.WEEK: "week", Precision.MONTH: "month"}
CellDay = tuple[int, int]


class Partitions:
    """All pictures by cell and time."""

    name = "partitions"

    def plan(self, database: Database, *, done: Sequence[ExportFile], before: Sequence[ExportFile]) -> Plan:
        """Return the cells and days of which there are more pictures, or fewer, than in files."""
        with database.read() as connection:
            counted = {(cell, day): pictures for cell, day, pictures in exporting.cells_and_days(connection)}
        already = _held(done)
        wanted = {key: count for key, count in counted.items() if already.get(key) != count}
        held = _held(before)
        fresh = {key for key, count in wanted.items() if held.get(key) == count}
        kept = frozenset(file.path for file in before if _key(file) in fresh)
        changed = {key: count for key, count in wanted.items() if key not in fresh}
        return Plan(_groups(changed), kept)

    def write(
        self, database: Database, group: Group, paths: Sequence[Path], *, check: Callable[[], None]
    ) -> list[int | None]:
        """Write the files of one cell and some days."""
        check()
        days = [planned.coverage.day_first for planned in group]
        cell = group[0].coverage.cell
        if cell is None:
            return [None for _ in group]
        with database.read() as connection:
            found = exporting.pictures_of_cell(connection, cell, (min(days), max(days)), extras=PICTURE_EXTRAS)
            terms = exporting.all_terms(connection)
        day_of_each = found.marks["captured_ms"] // DAY_MS
        counts: list[int | None] = []
        for planned, path in zip(group, paths, strict=True):
            is_here = (day_of_each == planned.coverage.day_first) & (
                found.marks["precision"] == precision_of(planned.path)
            )
            counts.append(_written(found.chosen(is_here), terms, path))
        return counts


def _written(pictures: Pictures, terms: Mapping[int, exporting.Terms], path: Path) -> int | None:
    if not len(pictures):
        return None
    with GeoParquetFile(path, SCHEMA) as file:
        file.write(picture_table(pictures, terms), pictures.marks)
    return len(pictures)


def _key(file: ExportFile) -> CellDay:
    return file.coverage.cell or 0, file.coverage.day_first


def _held(files: Sequence[ExportFile]) -> dict[CellDay, int]:
    """Return how many pictures the files of each cell and day hold; of one with a withdrawn file nothing is known."""
    counts: defaultdict[CellDay, int] = defaultdict(int)
    for file in files:
        counts[_key(file)] += -(1 << 40) if file.is_withdrawn else file.pictures
    return dict(counts)


def path_of(cell: int, day: int, precision: Precision) -> str:
    """Return where the pictures of a cell and a day are whose times are told so finely."""
    label = captured_text(day * DAY_MS, precision)[:10]
    return f"{_WORDS[precision]}={label}/h3_r4={cell:x}/pictures.parquet"


def precision_of(path: str) -> Precision:
    """Return how finely the times of the pictures in a file are told."""
    word = path.partition("=")[0]
    return next(precision for precision, known in _WORDS.items() if known == word)


def _groups(changed: Mapping[CellDay, int]) -> Iterator[Group]:
    for cell, of_cell in groupby(sorted(changed), key=lambda key: key[0]):
        days: list[int] = []
        pictures = 0
        for _, day in of_cell:
            is_far = bool(days) and (day - days[-1] > _GAP_DAYS or len(days) == _MOST_DAYS)
            if days and (is_far or pictures + changed[cell, day] > _READ_PICTURES):
                yield _group(cell, days)
                days, pictures = [], 0
            days.append(day)
            pictures += changed[cell, day]
        yield _group(cell, days)


def _group(cell: int, days: Sequence[int]) -> Group:
    return tuple(
        Planned(path_of(cell, day, precision), Coverage(cell=cell, day_first=day, day_last=day))
        for day in days
        for precision in _possible(day)
    )


def _possible(day: int) -> Iterator[Precision]:
    """Yield how finely times that begin on a day can be told: weeks begin on Mondays, months on their first days."""
    yield Precision.INSTANT
    if (day + 3) % 7 == 0:  # 1970-01-01 was a Thursday.
        yield Precision.WEEK
    if moment_of(day * DAY_MS).day == 1:
        yield Precision.MONTH
