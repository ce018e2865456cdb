"""Bars for a terminal, and which progress fits: of all files, and of the pictures of the recording at hand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from dashlight.cli.edge_report import JsonLines, Lines
from dashlight.cli.printable import shown
from dashlight.edge.importing import Imported
from dashlight.edge.recordings import Located, Recording
from dashlight.edge.spool import Uploaded
from dashlight.edge.station import Station
from dashlight.model import RedactedPicture

# Fixed widths, so that nothing jumps: a column of rich grows and shrinks with what is in it. 76 columns in all: a
# terminal writes `^C` behind the last line, which must not make two lines of it at a width of 80.
_NAME, _BAR, _COUNT, _RATE, _LEFT = 25, 14, 13, 9, 11
_SURE_AFTER_S = 3.0  # The clock starts with the first picture, for which everything warms up.
_SURE_AFTER = 5  # pictures


@contextmanager
def progress_of(args: argparse.Namespace) -> Iterator[Lines]:
    """Hold the progress that fits the options and the terminal."""
    if args.json:
        yield JsonLines()
    else:
        with lines_of(args) as lines:
            yield lines


@contextmanager
def lines_of(args: argparse.Namespace) -> Iterator[Lines]:
    """Hold the progress for people: bars on a terminal, else lines."""
    if args.quiet or not sys.stderr.isatty():
        yield Lines(is_quiet=args.quiet)
    else:
        with BarLines() as bars:
            yield bars


def time_left(done: float, total: float | None, elapsed_s: float | None) -> str:
    """Return how long the rest takes at the speed so far, `1:05 left`; nothing before that can be told.

    Args:
        done: Pictures so far.
        total: Pictures in all, as far as known.
        elapsed_s: Seconds since the first picture.
    """
    if total is None or elapsed_s is None or done < _SURE_AFTER or elapsed_s < _SURE_AFTER_S or done >= total:
        return ""
    left_s = round((total - done) * elapsed_s / (done - 1))
    minutes, seconds = divmod(left_s, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02} left" if hours else f"{minutes}:{seconds:02} left"


def speed(done: float, elapsed_s: float | None) -> str:
    """Return pictures a second since the first one, `3.2/s`; nothing before that can be told."""
    return f"{(done - 1) / elapsed_s:.1f}/s" if done >= 2 and elapsed_s else ""


class _Count(ProgressColumn):
    def render(self, task: Task) -> Text:
        total = "?" if task.total is None else f"{task.total:.0f}"
        return Text(f"{task.completed:.0f}/{total}")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(speed(task.completed, task.elapsed) if task.fields["is_timed"] else "")


class _Left(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(time_left(task.completed, task.total, task.elapsed) if task.fields["is_timed"] else "")


def _column(width: int, *, is_number: bool = False) -> Column:
    return Column(
        width=width,
        min_width=width,
        max_width=width,
        no_wrap=True,
        overflow="ellipsis",
        justify="right" if is_number else "left",
    )


def bars_on(console: Console, *, is_transient: bool = False) -> Progress:
    """Return bars with columns that keep their widths; a task says whether it `is_timed`."""
    return Progress(
        TextColumn("{task.description}", markup=False, table_column=_column(_NAME)),
        BarColumn(bar_width=_BAR, table_column=_column(_BAR)),
        _Count(table_column=_column(_COUNT, is_number=True)),
        _Rate(table_column=_column(_RATE, is_number=True)),
        _Left(table_column=_column(_LEFT, is_number=True)),
        console=console,
        transient=is_transient,
    )


class BarLines(Lines):
    """Bars with rates and time left, on a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__()
        self._bars = bars_on(console or Console(stderr=True))
        self._files: TaskID | None = None
        self._task: TaskID | None = None
        self._numbers: dict[Path, int] = {}  # Of the files, by their place in the import.

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def _say(self, text: str) -> None:
        self._bars.console.print(shown(text), markup=False, highlight=False)

    def found(self, paths: Sequence[Path]) -> None:
        """Show a bar for the files, when there are several."""
        self._numbers = {path: number for number, path in enumerate(paths, start=1)}
        if self._files is not None:
            self._bars.remove_task(self._files)
        self._files = self._bars.add_task("", total=len(paths), is_timed=False) if len(paths) > 1 else None
        self._at_file(1, done=0)

    def _at_file(self, number: int, *, done: int) -> None:
        if self._files is not None:
            said = f"file {number:,} of {len(self._numbers):,}"
            self._bars.update(self._files, description=said, completed=done)

    def begun(self, recording: Recording, located: Located, wanted: int) -> None:
        """Show a bar for the recording."""
        super().begun(recording, located, wanted)
        self._drop_bar()
        number = self._numbers.get(recording.path)
        if number is not None:
            self._at_file(number, done=number - 1)
        self._task = self._bars.add_task(shown(recording.path.name), total=wanted or None, is_timed=True)

    def picture(self, picture: RedactedPicture) -> None:
        """Move the bar; there may be more pictures than was thought."""
        del picture
        task = next((task for task in self._bars.tasks if task.id == self._task), None)
        if task is not None and not task.completed:
            self._bars.reset(task.id, completed=1)
        elif task is not None:
            total = task.total if task.total is None else max(task.total, task.completed + 1)
            self._bars.update(task.id, advance=1, total=total)

    def ended(self, recording: Recording, pictures: int) -> None:
        """Take the bar away."""
        self._drop_bar()
        super().ended(recording, pictures)

    def summary(
        self,
        station: Station,
        imported: Imported,
        uploaded: Uploaded | None,
        *,
        seconds: float,
        is_broken_off: bool = False,
    ) -> None:
        """Take everything away, then say what came of it."""
        self._drop_bar()
        if self._files is not None:
            self._bars.remove_task(self._files)
            self._files = None
        self._bars.stop()
        super().summary(station, imported, uploaded, seconds=seconds, is_broken_off=is_broken_off)

    def _drop_bar(self) -> None:
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None
