"""Making one export: plan, write, complete, and show it when it is whole.

The store's export can be interrupted anywhere: what is whole stays, and the next job goes on from there. Nothing of it
is listed before `publish_export`. An export into a folder of the operator's own is made beside it and gets its name at
the end.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dashlight.catalog.exports.formats import Format, Group, Planned
from dashlight.catalog.exports.turn import alone_in
from dashlight.errors import HostError, InputError, Unavailable
from dashlight.store import exporting, exports
from dashlight.store.database import Database, Transaction
from dashlight.store.durable import fsync_folder, make_folder
from dashlight.store.exports import ExportFile
from dashlight.store.objects import Objects
from dashlight.store.withdraw import finish_erasures

_TRIES = 20  # Of one group, each of which was spoilt by a picture that was taken back meanwhile.


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is.

    Attributes:
        format: Of the export.
        pictures: How many there are about.
        pictures_done: How many of them are in files.
    """

    format: str
    pictures: int
    pictures_done: int


@dataclass(frozen=True, slots=True)
class Made:
    """What a job has made.

    Attributes:
        format: Of the export.
        pictures: In its files.
        files: How many.
        size_bytes: Of all.
    """

    format: str
    pictures: int
    files: int
    size_bytes: int


Tell = Callable[[Progress], None]
Check = Callable[[], None]


class StoreExport:
    """Makes exports as objects of the store, which the server shows to everybody; only inside `exports.turn`.

    Args:
        database: The rows.
        objects: The bytes.
        today: Days since 1970-01-01.
        tell: Called after each group of files.
        check: Called now and then; raises when the job has to stop.
    """

    def __init__(
        self,
        database: Database,
        objects: Objects,
        *,
        today: int,
        tell: Tell = lambda _: None,
        check: Check = lambda: None,
    ) -> None:
        """Do nothing yet."""
        self._database = database
        self._objects = objects
        self._today = today
        self._tell = tell
        self._check = check

    def forget_unfinished(self) -> None:
        """Forget the files that a dead job had begun, and remove what is there of them."""
        self._database.write(exports.forget_unfinished)
        self._remove()

    def make(self, form: Format) -> Made:
        """Make the export of a format, from where an interrupted job had come, and show it."""
        with self._database.read() as connection:
            pictures = exporting.count_shown(connection)
            shown = exports.shown(connection, form.name)
            before = exports.files_of(connection, shown.number) if shown else []
        export = self._database.write(lambda t: exports.begin(t, form.name, day=self._today, pictures=pictures))
        with self._database.read() as connection:
            done = exports.files_of(connection, export.number)
        before = [file for file in before if not file.is_withdrawn]
        plan = form.plan(self._database, done=done, before=before)
        for group in plan.groups:
            self._write(form, export.number, group)
        for _ in range(_TRIES):
            if self._database.write(lambda t: exports.publish_export(t, export.number, kept=plan.kept)):
                self._remove()
                return self._made(form.name, export.number)
            self._renew(form, export.number)
        raise _spoilt(form.name)

    def renew(self, form: Format) -> int:
        """Write what is withdrawn of the shown export of a format anew; return how many files."""
        with self._database.read() as connection:
            shown = exports.shown(connection, form.name)
        return 0 if shown is None else self._renew(form, shown.number)

    def _renew(self, form: Format, export: int) -> int:
        with self._database.read() as connection:
            withdrawn = [file for file in exports.files_of(connection, export) if file.is_withdrawn]
        for group in _together(withdrawn):
            self._write(form, export, group)
        return len(withdrawn)

    def _write(self, form: Format, export: int, group: Group) -> None:
        for _ in range(_TRIES):
            self._check()
            if self._try_to_write(form, export, group):
                self._remove()
                self._tell(self._progress(form.name, export))
                return
        raise _spoilt(form.name)

    def _try_to_write(self, form: Format, export: int, group: Group) -> bool:
        keys = self._database.write(lambda t: _register(t, export, group))
        staged = [self._objects.staging_file() for _ in group]
        try:
            with _as_host_error(group):
                counts = form.write(self._database, group, staged, check=self._check)
            whole = []
            for planned, key, path, count in zip(group, keys, staged, counts, strict=True):
                if count is None:
                    whole.append(_Written(planned, key, None, 0, b""))
                    continue
                whole.append(_Written(planned, key, count, path.stat().st_size, _sha256(path)))
                self._objects.adopt(path, key)
        finally:
            for path in staged:
                path.unlink(missing_ok=True)
        return self._database.write(lambda t: _complete(t, export, whole))

    def _remove(self) -> None:
        finish_erasures(self._database, self._objects)

    def _progress(self, name: str, export: int) -> Progress:
        with self._database.read() as connection:
            found = next(each for each in exports.all_exports(connection) if each.number == export)
        return Progress(name, max(found.pictures, found.pictures_done), found.pictures_done)

    def _made(self, name: str, export: int) -> Made:
        with self._database.read() as connection:
            found = next(each for each in exports.all_exports(connection) if each.number == export)
            totals = exports.totals_of(connection, export)
        return Made(name, found.pictures_done, totals.files, totals.size_bytes)


@dataclass(frozen=True, slots=True)
class _Written:
    planned: Planned
    key: str
    pictures: int | None
    size_bytes: int
    sha256: bytes


def _register(transaction: Transaction, export: int, group: Group) -> list[str]:
    return [
        exports.register(transaction, export, each.path, each.coverage, suffix=Path(each.path).suffix) for each in group
    ]


def _complete(transaction: Transaction, export: int, written: Sequence[_Written]) -> bool:
    is_whole = True
    for each in written:
        if each.pictures is None:
            exports.abandon(transaction, each.key)
            exports.drop_path(transaction, export, each.planned.path)
        else:
            is_whole &= exports.complete(
                transaction, each.key, pictures=each.pictures, size_bytes=each.size_bytes, sha256=each.sha256
            )
    return is_whole


@contextmanager
def _as_host_error(group: Group) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise HostError(
            f"cannot write {group[0].path}: {exc.strerror or exc}", hint="make room on the disk", code="disk"
        ) from exc


def _together(withdrawn: Sequence[ExportFile]) -> list[Group]:
    """Return the groups in which withdrawn files are written anew: those of the same pictures together."""
    groups: dict[exports.Coverage, list[Planned]] = {}
    for file in withdrawn:
        groups.setdefault(file.coverage, []).append(Planned(file.path, file.coverage))
    return [tuple(group) for group in groups.values()]


def _spoilt(name: str) -> Unavailable:
    return Unavailable(
        f"pictures were taken back each of {_TRIES} times while the export {name!r} was written",
        hint="it goes on later",
        code="export-spoilt",
    )


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def write_to_folder(
    form: Format, database: Database, output: Path, *, tell: Tell = lambda _: None, check: Check = lambda: None
) -> Made:
    """Write an export into a new folder of the operator's own; nothing withdraws what is in it later.

    It is whole when it has its name; what a job that was killed has left is removed by the next one.

    Raises:
        InputError: When `output` has something in it.
        Busy: When another job writes to the same folder.
        HostError: When the disk refuses.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise InputError(
            f"{output} is not an empty folder", hint="name a new one; nothing is ever written over", code="not-empty"
        )
    make_folder(output.absolute().parent, mode=0o755)
    unfinished = output.absolute().parent / f".{output.name}.unfinished"
    with alone_in(unfinished):
        with database.read() as connection:
            pictures = exporting.count_shown(connection)
        made = Made(form.name, 0, 0, 0)
        for group in form.plan(database, done=(), before=()).groups:
            check()
            made = _plus(made, _write_group(form, database, group, unfinished, check))
            tell(Progress(form.name, max(pictures, made.pictures), made.pictures))
        try:
            for folder in (unfinished, *(path for path in unfinished.rglob("*") if path.is_dir())):
                fsync_folder(folder)
            unfinished.replace(output.absolute())
        except OSError as exc:
            raise HostError(f"cannot write {output}: {exc.strerror}", code="disk") from exc
        fsync_folder(output.absolute().parent)
    return made


def _write_group(form: Format, database: Database, group: Group, folder: Path, check: Check) -> Made:
    made = Made(form.name, 0, 0, 0)
    with _as_host_error(group):
        paths = [folder / planned.path for planned in group]
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
        counts = form.write(database, group, paths, check=check)
        for path, count in zip(paths, counts, strict=True):
            if count is None:
                path.unlink(missing_ok=True)
                _remove_empty(path.parent, below=folder)
                continue
            with path.open("rb") as file:
                os.fsync(file.fileno())
            made = _plus(made, Made(form.name, count, 1, path.stat().st_size))
    return made


def _remove_empty(folder: Path, *, below: Path) -> None:
    """Remove a folder and those above it that are empty then, up to `below`."""
    while folder != below and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _plus(one: Made, other: Made) -> Made:
    return Made(one.format, one.pictures + other.pictures, one.files + other.files, one.size_bytes + other.size_bytes)
