"""An import ends with words that say what came of it, and why something did not."""

import json
import os
import signal
import threading
from pathlib import Path

import pytest
from edge_stations import sealed, station_in

from dashlight.cli.counted import counted
from dashlight.cli.edge_report import JsonLines, Lines
from dashlight.cli.edge_summary import MAX_NAMED, left_out_lines, rejected_lines, summary_lines
from dashlight.cli.forget import forgotten_lines
from dashlight.cli.stopping import stopping
from dashlight.edge.importing import Imported, Outcome
from dashlight.edge.select import NotTaken
from dashlight.edge.spool import Uploaded
from dashlight.errors import Rejected
from dashlight.publication import HiddenBy


@pytest.fixture
def station(tmp_path):
    with station_in(tmp_path / "home") as station:
        yield station


def said(station, imported, uploaded=None, **options):
    return "\n".join(summary_lines(station, imported, uploaded, seconds=2.0, **options))


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 pictures"), (1, "1 picture"), (2, "2 pictures"), (1200, "1,200 pictures")]
)
def test_numbers_and_nouns_agree(count, words):
    assert counted(count, "picture") == words


def test_what_was_left_out_is_told_by_reason_the_most_frequent_first(station):
    imported = Imported(recordings=2)
    imported.outcomes.append(Outcome(Path("a.mp4"), 30, 0, {"stop": 3, "hidden-place": 27}))
    imported.outcomes.append(Outcome(Path("b.mp4"), 10, 0, {"hidden-place": 1, "standing": 9}))

    lines = said(station, imported).splitlines()

    assert lines[0] == "2 recordings, 0 pictures, 0 redactions in 2.0 s"
    assert lines[1] == "Left out: 40 places along the way, of which no picture was made"
    assert [line.split()[0] for line in lines[2:5]] == ["28", "9", "3"]
    assert "hidden places" in lines[2]


def test_every_reason_has_words():
    reasons = [*HiddenBy, *NotTaken, "policy-position"]

    lines = list(left_out_lines(dict.fromkeys(map(str, reasons), 1)))

    assert len(lines) == len(reasons) + 1
    assert all(line.rstrip().endswith(".") for line in lines[1:])


def test_nothing_left_out_needs_no_words():
    assert list(left_out_lines({})) == []


def test_json_has_the_reasons_of_each_recording_and_of_all(station, capsys):
    imported = Imported(recordings=1)
    imported.outcomes.append(Outcome(Path("a.mp4"), 3, 1, {"hidden-place": 2}))

    JsonLines().summary(station, imported, None, seconds=1.0)

    outcome, summary = map(json.loads, capsys.readouterr().out.splitlines())
    assert outcome == {
        "event": "outcome",
        "path": "a.mp4",
        "candidates": 3,
        "pictures": 1,
        "left_out": {"hidden-place": 2},
    }
    assert (summary["candidates"], summary["left_out"]) == (3, {"hidden-place": 2})


def test_many_files_of_one_reason_are_counted_not_listed():
    many = [Rejected(Path(f"{n}.mp4"), "the file is empty", "empty", "Look at the card.") for n in range(40)]
    one = Rejected(Path("letter.mp4"), "this is no video")

    lines = list(rejected_lines([one, *many]))

    assert lines[0] == "Rejected: 41 files and folders"
    assert lines[1].split() == ["40", *["the", "file", "is", "empty.", "Look", "at", "the", "card."]]
    assert len([line for line in lines if ".mp4" in line]) == MAX_NAMED + 1
    assert f"and {40 - MAX_NAMED} more" in lines[2 + MAX_NAMED]
    assert lines[-1].strip() == "letter.mp4"


def test_a_rejected_file_is_told_once_by_an_import(station, capsys):
    lines = Lines()
    rejected = Rejected(Path("letter.mp4"), "this is no video")

    lines.rejected(rejected)
    lines.summary(station, Imported(rejected=[rejected]), None, seconds=1.0)

    assert "".join(capsys.readouterr()).count("letter.mp4") == 1


def test_who_watches_is_told_at_once(tmp_path, capsys):
    lines = Lines()
    lines.watching([tmp_path])

    lines.rejected(Rejected(Path("letter.mp4"), "this is no video"))

    assert "letter.mp4: this is no video" in capsys.readouterr().err


def test_no_speed_is_told_where_no_picture_was_made(station):
    assert "times as fast" not in said(station, Imported(recordings=1, driven_s=600.0))
    assert "300.0 times as fast as driven" in said(station, Imported(recordings=1, pictures=1, driven_s=600.0))


def test_nothing_to_upload_is_told_so(station):
    assert said(station, Imported(), Uploaded()) == "Nothing to upload."
    assert said(station, Imported(known=1), Uploaded()).splitlines() == [
        "0 recordings, 0 pictures, 0 redactions in 2.0 s",
        "1 recording was imported before",
        "Nothing to upload.",
    ]


def test_what_has_a_receipt_and_what_waits_is_told(station):
    sealed(station, 1)

    told = said(station, Imported(), Uploaded(bundles=1, pictures=1))

    assert "1 bundle with 1 picture has a verified receipt; 1 bundle waits" in told


def test_a_forgotten_recording_is_told_apart_from_a_known_one(station):
    told = said(station, Imported(known=3, forgotten=1))

    assert "2 recordings were imported before" in told
    assert "1 recording was forgotten; not imported again" in told


def test_a_stop_says_what_is_kept_and_how_to_go_on(station):
    sealed(station, 3)

    told = said(station, Imported(), Uploaded(), is_broken_off=True)

    assert "Interrupted: 1 bundle with 3 pictures kept in the spool" in told
    assert "give the same command again" in told
    assert "dashlight edge run --once" in told


def test_the_first_ctrl_c_is_answered(capsys):
    with stopping(said="Stopping.") as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(10)
        for thread in threading.enumerate():
            if thread.name == "stop":
                thread.join()

    assert capsys.readouterr().err == "Stopping.\n"


def test_a_folder_that_was_never_there_is_not_said_to_be_gone(tmp_path, capsys):
    never, there = tmp_path / "never", tmp_path
    lines = Lines()

    lines.watching([never, there])
    lines.away(never)
    lines.back(never)
    lines.away(never)

    told = capsys.readouterr().err.splitlines()
    assert told == [
        f"watching {there}",
        f"there is no folder {never} yet; waiting for it (is the name right?)",
        f"{never} is there",
        f"{never} is gone; waiting for it to return",
    ]


@pytest.mark.parametrize(
    ("numbers", "lines"),
    [
        ((0, 1, 23, 0), ["1 bundle (23 pictures) erased at the server"]),
        ((0, 0, 1, 0), ["1 picture erased at the server"]),
        ((5, 0, 0, 0), ["5 pictures taken out of the spool; never published"]),
        (
            (0, 0, 0, 2),
            ["2 pictures to be erased at the server later, by `dashlight edge run`"],
        ),
        ((0, 0, 0, 0), ["Nothing was published of it, so there is nothing to erase."]),
    ],
)
def test_forget_says_what_was_erased(numbers, lines):
    unsent, bundles, pictures, left = numbers

    told = list(forgotten_lines(unsent=unsent, bundles=bundles, pictures=pictures, pictures_left=left))

    assert told == lines
