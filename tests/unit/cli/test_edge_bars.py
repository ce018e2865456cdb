"""Bars keep their widths and promise no time before they know."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from dashlight.cli.edge_bars import BarLines, bars_on, speed, time_left


@pytest.mark.parametrize(
    ("done", "total", "elapsed_s"),
    [
        (0, 100, 60.0),
        (1, 100, 60.0),
        (4, 100, 60.0),
        (50, 100, 1.0),
        (50, None, 60.0),
        (50, 100, None),
        (100, 100, 9.0),
    ],
)
def test_no_time_is_promised_before_it_is_known(done, total, elapsed_s):
    assert time_left(done, total, elapsed_s) == ""


@pytest.mark.parametrize(
    ("done", "total", "elapsed_s", "words"),
    [(11, 111, 10.0, "1:40 left"), (6, 8, 20.0, "0:08 left"), (11, 10_011, 10.0, "2:46:40 left")],
)
def test_the_time_left_is_that_of_the_speed_since_the_first_picture(done, total, elapsed_s, words):
    assert time_left(done, total, elapsed_s) == words


def test_a_speed_needs_two_pictures():
    assert (speed(1, 2.0), speed(2, 0.0), speed(5, 2.0)) == ("", "", "2.0/s")


@pytest.mark.parametrize("width", [80, 120])
def test_no_column_moves_while_numbers_grow(width):
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    bars = bars_on(console)
    task = bars.add_task("20260601_110000_a_very_long_name_of_a_file.mp4", total=9, is_timed=True)
    shown = []
    for done, total in ((0, 9), (5, 9), (99, 10_000), (12_345, 123_456)):
        bars.update(task, completed=done, total=total)
        with console.capture() as capture:
            console.print(bars.get_renderable())
        shown.append(capture.get().splitlines()[0])

    assert all(len(line.rstrip()) <= 76 for line in shown)
    assert len({re.search(r"\d/\d+", line).end() for line in shown}) == 1
    assert "12345/123456" in shown[-1]


def test_files_are_counted_when_there_are_several():
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    lines = BarLines(console)

    lines.found([Path("a.mp4"), Path("b.mp4"), Path("c.mp4")])

    with console.capture() as capture:
        console.print(lines._bars.get_renderable())
    assert "file 1 of 3" in capture.get()


def test_one_file_needs_no_bar_of_files():
    lines = BarLines(Console(file=io.StringIO(), width=80))

    lines.found([Path("a.mp4")])

    assert lines._bars.tasks == []
