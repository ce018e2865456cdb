"""What the command line answers is what was reviewed; `python tools/make_golden.py` writes it anew."""

import importlib.util
from pathlib import Path

import pytest
from edge_commands import skip_without_weights

_SPEC = importlib.util.spec_from_file_location("make_transcripts", Path(__file__).with_name("make_transcripts.py"))
make_transcripts = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(make_transcripts)


@pytest.mark.parametrize("name", make_transcripts.CASES)
def test_the_answers_are_those_that_were_reviewed(name, tmp_path):
    if name == "import":
        skip_without_weights()

    now = make_transcripts.made(name, tmp_path)

    assert now == (make_transcripts.TRANSCRIPTS / f"{name}.txt").read_text(encoding="utf-8")


def test_every_stored_transcript_has_its_commands():
    stored = {path.stem for path in make_transcripts.TRANSCRIPTS.glob("*.txt")}

    assert stored == set(make_transcripts.CASES)
