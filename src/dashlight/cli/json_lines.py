"""JSON on stdout, one object a line, for every command that has `--json`."""

from __future__ import annotations

import json
import sys
from typing import Any

from dashlight.cli.printable import encodable


def print_json(row: dict[str, Any]) -> None:
    """Print one object a line, in UTF-8 without what a terminal would act on."""
    line = json.dumps(encodable(row), ensure_ascii=False)
    sys.stdout.write("".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line) + "\n")
    sys.stdout.flush()
