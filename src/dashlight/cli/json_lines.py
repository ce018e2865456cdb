"""JSON on stdout, one object a line, for every command that has `--json`."""

from __future__ import annotations

import json
import sys
from typing import Any


def print_json(row: dict[str, Any]) -> None:
    """Print one object a line."""
    sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
    sys.stdout.flush()
