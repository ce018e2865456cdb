"""No name of a file and no word of a server can act on a terminal, or stop the command that prints it."""

import json
import os
import sys

import pytest

from dashlight.cli import error_text
from dashlight.cli.edge_report import JsonLines, Lines
from dashlight.cli.edge_summary import rejected_lines
from dashlight.cli.json_lines import print_json
from dashlight.cli.printable import shown
from dashlight.cli.redact import Report
from dashlight.edge.home.ledger import Ledger, RecordingRow, RecordingState
from dashlight.errors import InputError, Rejected

EVIL = os.fsdecode(b"a\nERROR\x1b[31m\xff") + "\u202e\u009b.mp4"
WRITTEN = "a\\nERROR\\x1b[31m\\xff\\u202e\\x9b.mp4"


def test_what_does_not_print_is_written_with_backslashes():
    assert shown(EVIL) == WRITTEN
    assert shown("Straße 東京 é") == "Straße 東京 é"


@pytest.mark.parametrize(
    "tell",
    [
        lambda: Lines().away(EVIL),
        lambda: sys.stdout.write("".join(map(shown, rejected_lines([Rejected(EVIL, "x")])))),
        lambda: Report(is_json=False).reject(Rejected(EVIL, "x")),
        lambda: Report(is_json=True).reject(Rejected(EVIL, "x")),
        lambda: sys.stderr.write(error_text(InputError(f"{EVIL} is odd", hint=EVIL))),
    ],
    ids=["edge", "summary", "redact", "redact-json", "error"],
)
def test_a_name_cannot_act_on_the_terminal(tell, capsys):
    tell()

    told = "".join(capsys.readouterr())
    told.encode()
    assert "a\\nERROR" in told
    assert all(c.isprintable() or c == "\n" for c in told)


def test_json_lines_stay_utf8_json_on_one_line(capsys):
    print_json({"path": EVIL, EVIL: [{"deep": EVIL}], "n": 1, "smile": "\U0001f600\U000e0001"})
    JsonLines().away(EVIL)

    lines = capsys.readouterr().out.encode().decode().splitlines()
    assert all(line.isprintable() for line in lines)
    first, second = map(json.loads, lines)
    readable = "a\nERROR\x1b[31m\\xff\u202e\u009b.mp4"
    assert first == {"path": readable, readable: [{"deep": readable}], "n": 1, "smile": "\U0001f600\U000e0001"}
    assert second == {"event": "away", "path": readable}


def test_the_ledger_keeps_a_path_that_is_not_utf8(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    try:
        ledger.save_recording(RecordingRow("f", EVIL, RecordingState.DONE), now=0.0)
        assert [row.path for row in ledger.recordings()] == [EVIL]
    finally:
        ledger.close()
