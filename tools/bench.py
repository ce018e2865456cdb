"""Measure: one JSON object a line, `{"name", "value", "unit", "input", "runs", "spread"}`.

    python tools/bench.py [--only PREFIX] [--list]

A benchmark is a module `tests/bench/bench_*.py` with `NAMES`, a tuple of the names that it measures, and `run()`,
which yields one dictionary for each. Values are medians of `runs` runs, `spread` is the distance between the
quartiles. With `--only ingest` only modules that have such a name run, and only such names are printed. Figures are
reported, never asserted; docs/reference/benchmarks.md says what each one is.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "bench"
MEMBERS = ("name", "value", "unit", "input", "runs", "spread")


def modules(folder: Path = FOLDER) -> Iterator[ModuleType]:
    """Yield every benchmark module, imported, in the order of their names."""
    for path in sorted(folder.glob("bench_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} cannot be imported")
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        yield module


def checked(row: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return a row in the order of its members.

    Raises:
        ValueError: When a member is missing, or the module did not announce the name.
    """
    missing = [m for m in MEMBERS if m not in row]
    if missing or row["name"] not in names:
        raise ValueError(f"{row!r} has no {missing or 'name of ' + repr(names)}")
    return {m: row[m] for m in MEMBERS} | {m: v for m, v in row.items() if m not in MEMBERS}


def main() -> int:
    """Run the benchmarks and print what they measured."""
    parser = argparse.ArgumentParser(description="Measure; one JSON object a line.")
    parser.add_argument("--only", default="", metavar="PREFIX", help="names that start so")
    parser.add_argument("--list", action="store_true", help="print the names and measure nothing")
    arguments = parser.parse_args()
    sys.path[:0] = [str(ROOT / "tests" / "support"), str(FOLDER)]
    os.chdir(ROOT)
    print(f"on {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", file=sys.stderr)
    measured = 0
    for module in modules():
        wanted = [n for n in module.NAMES if n.startswith(arguments.only)]
        if arguments.list:
            print("\n".join(wanted)) if wanted else None
            continue
        for row in module.run() if wanted else ():
            complete = checked(row, module.NAMES)
            if complete["name"] in wanted:
                measured += 1
                print(json.dumps(complete), flush=True)
    if not measured and not arguments.list:
        print(f"no benchmark's name starts with {arguments.only!r}; see --list", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
