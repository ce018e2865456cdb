"""Check the types of the public API with a second type checker, as those who import dashlight see them.

    python tools/check_api.py

Pyright (in node_modules, a tool of development only) reads `tests/typing`, and then says of each public package
whether every type that it shows is known. mypy reads `tests/typing` as well; `make check` runs both.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PYRIGHT = ROOT / "node_modules" / ".bin" / "pyright"
PUBLIC = ("dashlight.errors", "dashlight.model", "dashlight.publication", "dashlight.vision", "dashlight.wire")


def said(arguments: Sequence[str]) -> dict[str, Any]:
    """Return pyright's report as JSON.

    Raises:
        SystemExit: When pyright did not write one.
    """
    # Pyright asks this Python where packages lie; an isolated one would not have src on its path in a plain checkout.
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}  # noqa: TID251 -- handed on, not read
    command = [str(PYRIGHT), "--outputjson", "--pythonpath", sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"pyright said no JSON: {done.stderr.strip() or done.stdout[:500]}") from None
    return report


def problems_of_use(report: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong in `tests/typing`; a report about no file at all is wrong as well."""
    if report["summary"]["filesAnalyzed"] == 0:
        yield "pyright found no file in tests/typing"
    yield from map(_line, report["generalDiagnostics"])


def problems_of_package(module: str, report: dict[str, Any]) -> Iterator[str]:
    """Yield each public name of a package whose type is not known in full."""
    if not report["typeCompleteness"]["symbols"]:
        yield f"{module}: pyright found no public name"
    for symbol in report["typeCompleteness"]["symbols"]:
        if symbol["isExported"] and not (symbol["isTypeKnown"] and not symbol["isTypeAmbiguous"]):
            yield from (_line(each, symbol["name"]) for each in symbol["diagnostics"])
    yield from map(_line, report["generalDiagnostics"])


def _line(diagnostic: dict[str, Any], name: str = "") -> str:
    path = Path(diagnostic.get("file", ""))
    place = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    start = diagnostic.get("range", {}).get("start", {}).get("line", -1) + 1
    return f"{place}:{start}: {name + ': ' if name else ''}{diagnostic['message']}"


def main() -> int:
    """Print every problem."""
    if not PYRIGHT.exists():
        print(f"{PYRIGHT.relative_to(ROOT)} is not there; run `npm ci`", file=sys.stderr)
        return 1
    asked = [[], *(["--verifytypes", module, "--ignoreexternal"] for module in PUBLIC)]
    with ThreadPoolExecutor(max_workers=2) as pool:  # Each takes a few hundred megabytes.
        of_use, *of_packages = pool.map(said, asked)
    found = list(problems_of_use(of_use))
    for module, report in zip(PUBLIC, of_packages, strict=True):
        found += problems_of_package(module, report)
    for problem in found:
        print(problem, file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
