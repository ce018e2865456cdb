"""Measure: one JSON object a line, `{"name", "value", "unit", "input", "runs", "spread"}`.

    python tools/bench.py [--only PREFIX] [--list] [--pictures N] [--small N] [--grown N]

A benchmark is a module `tests/bench/bench_*.py` with `NAMES`, a tuple of the names that it measures, and `run()`,
which yields one dictionary for each. Values are medians of `runs` runs, `spread` is the distance between the
quartiles. With `--only ingest` only modules that have such a name run, and only such names are printed. The three
numbers are the sizes of the country in `tests/bench/country.py`. Figures are reported, never asserted;
docs/reference/benchmarks.md says what each one is.
"""

from __future__ import annotations

import argparse
import ast
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


def names_in(path: Path) -> tuple[str, ...]:
    """Return the names that a module announces, without importing it.

    Raises:
        ValueError: When it announces none.
    """
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "NAMES":
            return tuple(ast.literal_eval(node.value))
    raise ValueError(f"{path} has no tuple NAMES of names")


def imported(path: Path) -> ModuleType:
    """Return a benchmark module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def rows_of(folder: Path, prefix: str) -> Iterator[dict[str, Any]]:
    """Yield what the modules of a folder measure under names that start with `prefix`."""
    for path in sorted(folder.glob("bench_*.py")):
        names = names_in(path)
        if any(name.startswith(prefix) for name in names):
            for row in imported(path).run():
                if row.get("name", "").startswith(prefix):
                    yield checked(row, names)


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
    for size, what in (
        ("pictures", "of the country"),
        ("small", "of growth.*, to compare with"),
        ("grown", "of growth.*"),
    ):
        parser.add_argument(f"--{size}", type=int, metavar="N", help=f"pictures {what}")
    arguments = parser.parse_args()
    known = [name for path in sorted(FOLDER.glob("bench_*.py")) for name in names_in(path)]
    wanted = [name for name in known if name.startswith(arguments.only)]
    if arguments.list or not wanted:
        print("\n".join(wanted or known), file=sys.stdout if wanted else sys.stderr)
        return 0 if wanted else 2
    sys.path[:0] = [str(ROOT / "tests" / "support"), str(FOLDER)]
    os.chdir(ROOT)
    chosen = {size: n for size in ("pictures", "small", "grown") if (n := getattr(arguments, size)) is not None}
    if chosen:
        country = imported(FOLDER / "country.py")
        for size, pictures in chosen.items():
            setattr(country, size.upper(), pictures)
    print(f"on {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", file=sys.stderr)
    missing = set(wanted)
    for row in rows_of(FOLDER, arguments.only):
        missing.discard(row["name"])
        print(json.dumps(row), flush=True)
    if missing:
        print(f"not measured here: {', '.join(sorted(missing))}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
