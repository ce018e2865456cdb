"""Write every stored output under tests/golden again: `python tools/make_golden.py`; then review the diff.

Beside the stored files lie their recipes, `make_*.py`, each with a function `write`.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run every recipe."""
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    for recipe in sorted((ROOT / "tests" / "golden").glob("make_*.py")):
        runpy.run_path(str(recipe))["write"]()
        print(f"wrote what {recipe.name} makes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
