"""Prove that an edge installs on 64-bit Arm without a compiler: every dependency has a wheel there.

    python tools/check_wheels.py [--platform aarch64|x86_64] [--lock FILE]

pip's own resolver is asked to install the edge's hashed lock for a Raspberry Pi (glibc 2.28 and newer, as Raspberry
Pi OS has since 2019), from wheels only, and to change nothing. It needs the network, or an index on disk.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OLDEST_GLIBC, NEWEST_GLIBC = 17, 28  # 2.17 is manylinux2014


def pip_command(lock: Path, machine: str, target: str) -> list[str]:
    """Return the pip call; `target` is an empty folder that stays empty."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--quiet"]
    command += ["--report", "-", "--require-hashes", "--only-binary=:all:", "--target", target]
    command += ["--implementation", "cp", "--python-version", "3.11"]
    for minor in range(OLDEST_GLIBC, NEWEST_GLIBC + 1):
        command += ["--platform", f"manylinux_2_{minor}_{machine}"]
    return [*command, "--platform", f"manylinux2014_{machine}", "-r", str(lock)]


def wheels_of(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return name, version and file of every wheel that pip would install."""
    return sorted(
        (i["metadata"]["name"].lower(), i["metadata"]["version"], i["download_info"]["url"].rsplit("/", 1)[-1])
        for i in report["install"]
    )


def main() -> int:
    """Ask pip and print what it would install."""
    parser = argparse.ArgumentParser(description="Prove that every dependency of the edge has a wheel.")
    parser.add_argument("--platform", choices=("aarch64", "x86_64"), default="aarch64")
    parser.add_argument("--lock", type=Path, default=ROOT / "requirements-edge.lock")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as empty:
        command = pip_command(arguments.lock, arguments.platform, str(Path(empty, "target")))
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stderr.strip(), file=sys.stderr)
        print(f"FAIL  not every dependency in {arguments.lock.name} has a wheel for {arguments.platform}")
        return 1
    wheels = wheels_of(json.loads(done.stdout))
    width = max(len(f"{name} {version}") for name, version, _ in wheels)
    for name, version, file in wheels:
        print(f"ok    {f'{name} {version}':{width}}  {file}")
    native = sum(not file.endswith("-any.whl") for *_, file in wheels)
    print(f"ok    {len(wheels)} wheels for {arguments.platform}, {native} of them native; none is built from source")
    return 0


if __name__ == "__main__":
    sys.exit(main())
