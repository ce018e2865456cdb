"""Check that no package's branch coverage by its own tests has fallen below its floor.

    python tools/check_coverage.py [REPORT]

`make test` runs the tests of `tests/unit`, `tests/property` and `tests/golden` traced, and this afterwards. The floors
stand in pyproject.toml; they only go up. What runs behind HTTP or in a process of its own is not traced, so
that packages made of that have no floor.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / ".cache" / "coverage.json"


@dataclass(frozen=True, slots=True)
class Reached:
    """How much of a package was run.

    Attributes:
        done: Statements and branches that were.
        count: Statements and branches that there are.
        missed: `file:line` of the first ones that were not, for a person.
    """

    done: int
    count: int
    missed: tuple[str, ...]

    @property
    def percent(self) -> float:
        """Rounded down to a tenth, so that 100 is all."""
        return 1_000 * self.done // self.count / 10 if self.count else 100.0


def floors(pyproject: Path) -> dict[str, float]:
    """Return the least percentage of each package that has one."""
    table = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    return {name: float(floor) for name, floor in table["tool"]["dashlight"]["coverage-floors"].items()}


def reached(report: Mapping[str, Any], package: str) -> Reached:
    """Return how much of a package a report of `coverage json` says was run."""
    inside = f"src/dashlight/{package}"
    files = {
        name: file for name, file in report["files"].items() if name.startswith(f"{inside}/") or name == f"{inside}.py"
    }
    done = sum(f["summary"]["covered_lines"] + f["summary"]["covered_branches"] for f in files.values())
    count = sum(f["summary"]["num_statements"] + f["summary"]["num_branches"] for f in files.values())
    missed = tuple(
        f"{name}:{line}"
        for name, file in sorted(files.items())
        for line in sorted({*file["missing_lines"], *(start for start, _ in file["missing_branches"])})
    )
    return Reached(done, count, missed)


def problems_of(report: Mapping[str, Any], least: Mapping[str, float]) -> Iterator[str]:
    """Yield each package below its floor, and each floor of a package that was not run at all.

    Raises:
        SystemExit: When the report has no branches, and so would pass whatever was run.
    """
    if not report["meta"]["branch_coverage"]:
        raise SystemExit("the report counts no branches: run pytest with --cov-branch")
    for package, floor in least.items():
        found = reached(report, package)
        if not found.count:
            yield f"{package}: the report has nothing of it"
        elif found.percent < floor:
            places = ", ".join(found.missed[:10]) + (", ..." if len(found.missed) > 10 else "")
            yield f"{package}: {found.percent:.1f} % of lines and branches are tested; at least {floor:g}: {places}"


def main() -> int:
    """Print every package below its floor."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else REPORT
    report = json.loads(path.read_text(encoding="utf-8"))
    least = floors(ROOT / "pyproject.toml")
    found = list(problems_of(report, least))
    for problem in found:
        print(problem, file=sys.stderr)
    print("coverage: " + ", ".join(f"{p} {reached(report, p).percent:.1f}" for p in least))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
