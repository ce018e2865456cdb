import subprocess
import sys

import pytest

from dashlight.store.crashes import Crash


def words_of(content):
    crash = Crash()
    crash.feed(content)
    return crash.words


def said_by(script):
    return subprocess.run([sys.executable, "-X", "faulthandler", "-c", script], capture_output=True, check=False).stderr


def test_a_chain_of_errors_is_told_in_the_order_of_the_raising():
    script = """
try:
    float("ada")
except ValueError as exc:
    raise KeyError("51.50735, lovelace\\nada: here") from exc
"""

    assert words_of(said_by(script)) == "<string>:3 <module> > ValueError > <string>:5 <module> > KeyError"


def test_a_crash_below_python_is_told():
    words = words_of(said_by("import faulthandler\nfaulthandler._sigsegv()"))

    assert words.startswith("Segmentation fault > <string>:2 <module>")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"ada-lovelace: 51.50735\n",
        b'  File "/srv/ada/module.py", line 3, in ada\n',
        b"Fatal Python error: /home/ada\n",
        b'Traceback (most recent call last):\n  File "/pictures/ada.jpg", line 1, in read\n51.50735: at home\n',
        b"\xff\x00" * 2_000,
    ],
)
def test_what_is_neither_a_kind_nor_a_place_is_not_told(content):
    assert words_of(content) == ""


def test_pieces_do_not_matter():
    said = said_by("def f(): raise OSError('ada')\nf()")
    crash = Crash()
    for at in range(len(said)):
        crash.feed(said[at : at + 1])

    assert crash.words == words_of(said) == "<string>:2 <module> > <string>:1 f > OSError"


def test_memory_and_words_are_bounded_however_much_is_said():
    crash = Crash()
    crash.feed(b"x" * 5_000_000)
    assert len(crash._line) <= 1_000
    crash.feed(b"\nTraceback (most recent call last):\n" + b'  File "/a/b.py", line 1, in f\n' * 100_000 + b"OSError\n")

    assert len(crash.words) < 1_000
    assert crash.words.endswith("b.py:1 f > OSError")
