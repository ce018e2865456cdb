"""Where only one half of dashlight is installed, a command of the other half says how to get it."""

import subprocess
import sys

import pytest

WITHOUT = """
import sys
from dashlight.cli import main

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    ("package", "words", "half"),
    [
        ("uvicorn", ["serve", "--port", "0", "--data"], "dashlight[server]"),
        ("httpx", ["doctor", "--home"], "dashlight[edge]"),
        ("dashlight.edge", ["doctor", "--home"], None),
    ],
)
def test_a_command_of_the_half_that_is_missing_says_how_to_get_it(tmp_path, package, words, half):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, package, *words, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == (7 if half else 1)
    assert (half or "this is a bug") in done.stderr
    assert ("Traceback" in done.stderr) == (half is None)
