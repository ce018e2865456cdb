"""Write the hashed locks, or check without network that they fit pyproject.toml.

    python tools/lock.py [--check] [--upgrade]

Each `requirements*.lock` names every package of one way to install, with version and hashes and without any index
address. The first line says of which requirements in pyproject.toml it was made, so that a forgotten `make lock` is
found on a machine without network. The first lock holds the versions; the others take theirs from it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON_VERSION = "3.11"  # The oldest that is supported; markers cover the newer ones.


@dataclass(frozen=True, slots=True)
class Lock:
    """One way to install.

    Attributes:
        file: The name in the project's root.
        extras: Of the project.
        groups: Of pyproject's dependency groups.
        is_apart: For an environment of its own, without the project and with versions of its own.
    """

    file: str
    extras: tuple[str, ...]
    groups: tuple[str, ...]
    is_apart: bool = False


LOCKS = (
    Lock("requirements-dev.lock", ("edge", "server"), ("build", "dev", "vendor")),
    Lock("requirements-vendor.lock", ("edge", "server"), ("build", "vendor")),
    Lock("requirements.lock", ("edge", "server"), ("build",)),
    Lock("requirements-edge.lock", ("edge",), ()),
    Lock("requirements-server.lock", ("server",), ()),
    Lock("requirements-clients.lock", (), ("clients",), is_apart=True),
)


def digest_of(lock: Lock, pyproject: Path) -> str:
    """Return the SHA-256 of what pyproject.toml asks of one lock."""
    table = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    project = table["project"]
    asked = {
        "python": project["requires-python"],
        "dependencies": sorted(project["dependencies"]),
        "extras": {e: sorted(project["optional-dependencies"][e]) for e in lock.extras},
        "groups": {g: sorted(table["dependency-groups"][g]) for g in lock.groups},
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _header(lock: Lock, pyproject: Path) -> str:
    return f"# Made by `make lock` of pyproject.toml {digest_of(lock, pyproject)}\n"


def write(lock: Lock, versions: Path | None, *, upgrade: bool) -> None:
    """Resolve one lock with uv; `versions` is the lock that says which version of each package."""
    target = ROOT / lock.file
    command = ["uv", "pip", "compile", "--universal", "--generate-hashes", "--no-header", "--no-annotate", "--quiet"]
    command += ["--python-version", PYTHON_VERSION, "--no-emit-index-url", "--no-emit-find-links"]
    for extra in lock.extras:
        command += ["--extra", extra]
    for group in lock.groups:
        command += ["--group", f"pyproject.toml:{group}"]
    if upgrade:
        command.append("--upgrade")
    if versions is not None and not lock.is_apart:
        command += ["--constraints", str(versions)]
    sources = [] if lock.is_apart else ["pyproject.toml"]
    subprocess.run([*command, *sources, "--output-file", str(target)], cwd=ROOT, check=True)
    resolved = "".join(
        line for line in target.read_text(encoding="utf-8").splitlines(keepends=True) if not line.startswith("#")
    )
    target.write_text(_header(lock, ROOT / "pyproject.toml") + resolved, encoding="utf-8")


def stale() -> list[str]:
    """Return the locks that are missing or were made of other requirements."""
    return [
        lock.file
        for lock in LOCKS
        if not (ROOT / lock.file).is_file()
        or not (ROOT / lock.file).read_text(encoding="utf-8").startswith(_header(lock, ROOT / "pyproject.toml"))
    ]


def main() -> int:
    """Write or check the locks."""
    parser = argparse.ArgumentParser(description="Write the hashed locks, or check that they fit pyproject.toml.")
    parser.add_argument("--check", action="store_true", help="only check; needs no network")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    arguments = parser.parse_args()
    if arguments.check:
        if found := stale():
            print(f"not made of this pyproject.toml: {', '.join(found)}; run `make lock`", file=sys.stderr)
        return int(bool(found))
    first = ROOT / LOCKS[0].file
    for lock in LOCKS:
        write(lock, None if lock is LOCKS[0] else first, upgrade=arguments.upgrade)
    return 0


if __name__ == "__main__":
    sys.exit(main())
