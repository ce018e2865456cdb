"""Nothing that dashlight loads reports on its user (promise 2 begins on the contributor's machine)."""

import os
import subprocess
import sys


def test_loading_the_detectors_runtime_leaves_no_identifier_behind(tmp_path):
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ORT_", "XDG_", "CI"))}  # noqa: TID251
    env = {**kept, "HOME": str(home), "TMPDIR": str(temporary)}

    subprocess.run([sys.executable, "-c", "import dashlight.vision.sessions"], check=True, env=env, cwd=temporary)

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
