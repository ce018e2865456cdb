"""Check what no linter knows: the project's tree names no registry and no machine, and its change notes have a form.

python tools/check_tree.py
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_FILE_BYTES = 2 * 1024 * 1024
KINDS = ("added", "changed", "fixed", "removed", "security")

# Written so that this file does not match itself.
_HOSTS = re.compile(
    r"pypi[.]org|files[.]python"
    r"hosted[.]org|registry[.]npm"
    r"js[.]org|registry[.]yarn"
    r"pkg[.]com|(?:deb|ftp)[.]deb"
    r"ian[.]org"
)
_PATHS = re.compile(r"(?<![\w.~$}-])/(?:work|root|home/[a-z]+)/(?!<)[\w.]")
_FRAGMENT = re.compile(r"[a-z0-9-]+\.(?:" + "|".join(KINDS) + r")\.md\Z")


def tracked(root: Path) -> list[Path]:
    """Return the files in git, and new ones that are not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return [root / name for name in listed.split("\0") if name and (root / name).is_file()]


def problems_of(path: Path, root: Path) -> Iterator[str]:
    """Yield what is wrong with one file."""
    name = path.relative_to(root).as_posix()
    if path.stat().st_size > MAX_FILE_BYTES:
        yield f"{name}: {path.stat().st_size} bytes are over {MAX_FILE_BYTES}; large things come by the vendor step"
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if found := _HOSTS.search(line):
            yield f"{name}:{number}: the address of a registry, {found.group()!r}"
        if found := _PATHS.search(line):
            yield f"{name}:{number}: a path of one machine, {found.group()!r}"


def fragments(root: Path) -> Iterator[str]:
    """Yield what is wrong with the change notes."""
    for path in sorted((root / "changelog.d").glob("*")):
        if path.name == "README.md":
            continue
        if not _FRAGMENT.match(path.name):
            yield f"changelog.d/{path.name}: the name is not <subject>.<{'|'.join(KINDS)}>.md"
        text = path.read_text(encoding="utf-8").strip()
        if not text.endswith(".") or text.startswith(("-", "#", "*")) or not text[:1].isupper():
            yield f"changelog.d/{path.name}: not plain sentences that say what a user will notice"


def main() -> int:
    """Print every problem."""
    found = [p for path in tracked(ROOT) for p in problems_of(path, ROOT)] + list(fragments(ROOT))
    for problem in found:
        print(problem, file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
