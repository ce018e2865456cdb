"""Run the long loops (200 kills at random moments, load, fuzzing) and write the result into docs/reference/soak.md.

    python tools/soak.py [--kills 200] [--live-s 300] [--fuzz-s 1200] [--only PART]

The loops are the tests marked `soak` under tests/fault and tests/conformance; tests/support/kills.py says how the kills
are shared out. `--only` runs some of them; the page keeps what it says of the others, each with the commit of its run.
`make test` runs them with 20 kills; here `DASHLIGHT_SOAK_KILLS` tells them how many in all. Whatever breaks a promise
fails the test, and the page says so.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "soak.md"
_ROW = re.compile(r"\| `(?P<name>[^`]+)` \| (?P<rest>[^|]+\|[^|]+\|[^|]+) \| (?P<run>[^|]+) \|")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one loop."""

    name: str
    outcome: str
    seconds: float
    told: str


def outcomes_of(report: Path) -> list[Outcome]:
    """Return what a JUnit report says; a loop tells its counts as properties."""
    found = []
    for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314  # pytest wrote it a moment ago
        bad = [c.tag for c in case if c.tag in ("failure", "error", "skipped")]
        told = ", ".join(f"{p.get('name')} {p.get('value')}" for p in case.iter("property"))
        found.append(Outcome(case.get("name", "?"), bad[0] if bad else "held", float(case.get("time", "0")), told))
    return found


def rows_of(text: str) -> dict[str, str]:
    """Return the rows of a page by the names of their loops."""
    return {found["name"]: found.group() for found in _ROW.finditer(text)}


def page(outcomes: list[Outcome], before: str, *, commit: str, at: datetime) -> str:
    """Return the page of the docs.

    Args:
        outcomes: Of the loops that ran.
        before: The page as it was; what it says of other loops is kept.
        commit: That was run.
        at: When.
    """
    run = f"{at:%Y-%m-%d}, `{commit}`"
    new = {o.name: f"| `{o.name}` | {o.outcome} | {o.seconds:.0f} | {o.told or '-'} | {run} |" for o in outcomes}
    rows = "\n".join(row for _, row in sorted((rows_of(before) | new).items()))
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"""# The last soak

`kill -9` at random moments of import, upload and ingest; after each, everything starts again from what is
on disk. A loop holds when nothing acknowledged was lost, nothing was published twice, and no raw pixel was on disk
outside the recordings. The loop of the live feed holds when 10,000 listeners over 1,000 regions were told of every
picture while 1,000 came a second, 95 % of them within 3 s; that of the OpenAPI when nothing that it allows, and nothing
made wrong on purpose, gave a 500 or a reply against it. Repeat it with `make soak`; `make test` runs the same loops
with fewer kills, listeners and minutes.

The last run on {machine}.

| loop | result | seconds | counted | run at |
|---|---|---|---|---|
{rows}
"""


def main() -> int:
    """Run the loops and write the page."""
    parser = argparse.ArgumentParser(description="Run the long fault loops and write docs/reference/soak.md.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--live-s", type=int, default=300, help="of pictures for ten thousand live listeners")
    parser.add_argument("--fuzz-s", type=int, default=1_200, help="of requests made of the OpenAPI")
    parser.add_argument("--only", default="", metavar="PART", help="loops whose name has it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", "tests/fault", "tests/conformance", "-m", "soak", "-q", "-s"]
        command += ["-k", arguments.only] if arguments.only else []
        command += ["-o", "junit_family=xunit1", f"--junitxml={report}"]  # Its successor has no properties of a test.
        settings = {**os.environ, "DASHLIGHT_SOAK_KILLS": str(arguments.kills)}  # noqa: TID251  # for the loops
        settings |= {"DASHLIGHT_SOAK_LIVE_S": str(arguments.live_s), "DASHLIGHT_SOAK_FUZZ_S": str(arguments.fuzz_s)}
        code = subprocess.run(command, cwd=ROOT, env=settings, check=False).returncode
        outcomes = outcomes_of(report) if report.is_file() else []
    if not outcomes:
        print("no loop ran", file=sys.stderr)
        return code or 1
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    before = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    PAGE.write_text(page(outcomes, before, commit=commit, at=datetime.now(tz=UTC)), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return code


if __name__ == "__main__":
    sys.exit(main())
