"""The snapshot: all pictures as GeoParquet, in parts of about a million, each a range of the map's keys.

Parts are written anew one by one when a picture of theirs is taken back, so they are not larger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from dashlight.catalog.exports.columns import PICTURE_EXTRAS, SCHEMA, picture_table
from dashlight.catalog.exports.formats import Group, Plan, Planned
from dashlight.catalog.exports.geoparquet import GeoParquetFile
from dashlight.store import exporting
from dashlight.store.database import Database
from dashlight.store.exporting import Extra, Pictures, Terms
from dashlight.store.exports import QK_END, Coverage, ExportFile

PART_PICTURES = 1_000_000
CHUNK_PICTURES = 131_072  # Read at once: some tenths of a second, and two row groups.


class Snapshot:
    """All pictures as GeoParquet."""

    name = "geoparquet"

    def __init__(self, *, part_pictures: int = PART_PICTURES) -> None:
        """Cut it into parts of about so many pictures."""
        self._part_pictures = part_pictures

    def plan(self, database: Database, *, done: Sequence[ExportFile], before: Sequence[ExportFile]) -> Plan:
        """Return parts from where the last one ended."""
        del before
        return Plan(parts(database, done, pictures=self._part_pictures, form="part-{:05}.parquet"))

    def write(
        self, database: Database, group: Group, paths: Sequence[Path], *, check: Callable[[], None]
    ) -> list[int | None]:
        """Write one part."""
        (planned,), (path,) = group, paths
        with GeoParquetFile(path, SCHEMA) as file:
            for pictures, terms in chunks(database, planned.coverage, PICTURE_EXTRAS):
                check()
                file.write(picture_table(pictures, terms), pictures.marks)
        return [file.rows]


def parts(database: Database, done: Sequence[ExportFile], *, pictures: int, form: str) -> Iterator[Group]:
    """Yield parts that together cover every key, from where those that are done end."""
    first, number = 0, 0
    for file in done:
        first, number = max(first, file.coverage.qk_end), number + 1
    while first < QK_END:
        with database.read() as connection:
            end = exporting.key_after(connection, first, QK_END, pictures=pictures)
        yield (Planned(form.format(number), Coverage(qk_first=first, qk_end=end)),)
        first, number = end, number + 1


def chunks(
    database: Database, coverage: Coverage, extras: Sequence[Extra]
) -> Iterator[tuple[Pictures, Mapping[int, Terms]]]:
    """Yield the pictures of a range of keys in pieces; the next is read while the caller writes one."""

    def read(first: int) -> tuple[Pictures, Mapping[int, Terms], int]:
        with database.read() as connection:
            end = exporting.key_after(connection, first, coverage.qk_end, pictures=CHUNK_PICTURES)
            found = exporting.pictures_between(connection, first, end, extras=extras)
            return found, exporting.all_terms(connection), end

    with ThreadPoolExecutor(1) as reader:
        ahead: Future[tuple[Pictures, Mapping[int, Terms], int]] | None = reader.submit(read, coverage.qk_first)
        while ahead is not None:
            pictures, terms, end = ahead.result()
            ahead = reader.submit(read, end) if end < coverage.qk_end else None
            if len(pictures):
                yield pictures, terms
