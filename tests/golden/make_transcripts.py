"""Write what the command line answers into `transcripts/` again; `tools/make_golden.py` calls it. Review the diff."""

import contextlib
import io
import re
import shlex
import tempfile
from pathlib import Path

from dashlight.cli import main

TRANSCRIPTS = Path(__file__).with_name("transcripts")
HOME = "--home FOLDER/home"

# Of each transcript: the lines that are typed. FOLDER is an empty folder but for what `prepare` puts there.
CASES = {
    "hide": [
        f"edge hide 13.3777 52.5163 {HOME}",
        f"edge hide -70.6000,-33.4500 --radius-m 2000 {HOME}",
        f"edge hide 1 2 --radius-m 100 {HOME}",
        f"edge hide --list {HOME}",
        f"edge hide --remove 1 {HOME}",
        f"edge hide --remove 1 {HOME}",
        f"edge hide --list --json {HOME}",
        f"edge hide {HOME}",
        f"edge hide 95 ninety {HOME}",
        f"edge hide 13.4 152.5 {HOME}",
    ],
    "empty-edge": [
        f"edge status {HOME}",
        f"forget --everything --yes {HOME}",
        f"edge run --once {HOME}",
        f"edge run FOLDER/card/letter.mp4 {HOME}",
        f"edge run FOLDER/nowhere --once {HOME}",
        f"edge import FOLDER/card --server https://roads.example {HOME}",
    ],
    "redact": [
        "redact FOLDER/photos --output FOLDER/photos",
        "redact FOLDER/photos --output FOLDER/redacted --workers 0",
        "redact FOLDER/empty --output FOLDER/redacted",
        "redact FOLDER/photos --output FOLDER/redacted",
    ],
    "import": [
        f"edge import FOLDER/empty {HOME}",
        f"edge import FOLDER/card FOLDER/nowhere {HOME}",
    ],
    "invite": ["invite create --policy personal --data FOLDER/typo"],
}


def prepare(folder):
    """Put broken recordings and photos into a folder."""
    for name in ("card", "photos", "empty"):
        (folder / name).mkdir()
    for number in range(8):
        (folder / "card" / f"20260601_11{number:02}00.mp4").write_bytes(b"")
    (folder / "card" / "letter.mp4").write_bytes(b"dear camera" * 500)
    (folder / "photos" / "letter.jpg").write_bytes(b"dear camera")


def transcript(lines, folder):
    """Return what each line answers, and how it ends, with folder and seconds replaced."""
    told = []
    for line in lines:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                code = main(shlex.split(line.replace("FOLDER", str(folder))))
            except SystemExit as exc:
                code = exc.code
        answer = re.sub(r" in \d+\.\d s\b", " in N s", said.getvalue().replace(str(folder), "FOLDER"))
        told.append(f"$ dashlight {line}\n{answer}[{code}]\n")
    return "\n".join(told)


def made(name, folder):
    """Return a transcript as the program answers now."""
    prepare(folder)
    return transcript(CASES[name], folder)


def write():
    """Write every transcript."""
    TRANSCRIPTS.mkdir(exist_ok=True)
    for case in CASES:
        with tempfile.TemporaryDirectory() as made_in:
            (TRANSCRIPTS / f"{case}.txt").write_text(made(case, Path(made_in)), encoding="utf-8")
