"""The child of `exports.worker`: makes exports and ends, so that the server stays small.

Asked: one JSON object on stdin, `{"folder", "settings", "formats", "base_url", "today"}`. Answered on stdout, one
object a line: `{"format", "pictures", "pictures_done"}` now and then, `{"made": format, "files", "size_bytes"}` for
each, and `{"failed": code}` last when it failed; where and of what, stderr tells. It stops when stdin ends, so it never
outlives the server; what it has finished by then stays.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, get_args, get_type_hints

from dashlight.config import ServerSettings
from dashlight.errors import DashlightError, Unavailable
from dashlight.store.postgresql import EXPORT_READERS
from dashlight.store.upkeep import open_store

_NICENESS = 10  # Readers and contributors go first.


def main() -> int:
    """Make what is asked for; return 0, or 1 when it failed."""
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    asked = json.loads(sys.stdin.readline())
    is_over = threading.Event()
    threading.Thread(target=_watch, args=(is_over,), daemon=True).start()
    try:
        _make(asked, is_over)
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0] == "dashlight":
            raise
        traceback.print_exc()
        _tell({"failed": "not-installed"})
        return 1
    except DashlightError as exc:
        traceback.print_exc()
        _tell({"failed": exc.code})
        return 1
    return 0


def _make(asked: dict[str, Any], is_over: threading.Event) -> None:
    # The writers are of a package that may be absent; then the reply says so.
    from dashlight.catalog.exports.making import make_exports  # noqa: PLC0415

    def check() -> None:
        if is_over.is_set():
            raise Unavailable("the server stops; the export goes on with its next start", code="export-stopped")

    folder = Path(asked["folder"])
    store = open_store(folder, settings_from(asked["settings"]), readers=EXPORT_READERS)
    try:
        made = make_exports(
            store,
            folder,
            asked["formats"],
            base_url=asked["base_url"],
            today=asked["today"],
            tell=lambda p: _tell({"format": p.format, "pictures": p.pictures, "pictures_done": p.pictures_done}),
            check=check,
        )
    finally:
        store.database.close()
    for each in made:
        _tell({"made": each.format, "files": each.files, "size_bytes": each.size_bytes})


def settings_from(values: dict[str, Any]) -> ServerSettings:
    """Return settings of what `asdict` and JSON made of them."""
    hints = get_type_hints(ServerSettings)
    paths = {name: Path(value) for name, value in values.items() if value is not None and Path in get_args(hints[name])}
    lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    return ServerSettings(**{**values, **lists, **paths})


def _watch(is_over: threading.Event) -> None:
    while sys.stdin.readline():
        continue
    is_over.set()


def _tell(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
