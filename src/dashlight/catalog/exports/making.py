"""Making exports in this process: the commands do it, and the child process of the server.

Importing this module imports the writers, which take a hundred megabytes; the server itself does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dashlight.catalog.exports.bundles import Bundles
from dashlight.catalog.exports.formats import Format
from dashlight.catalog.exports.job import Check, Made, StoreExport, Tell
from dashlight.catalog.exports.partitions import Partitions
from dashlight.catalog.exports.snapshot import Snapshot
from dashlight.catalog.exports.tileset import Tileset
from dashlight.catalog.exports.turn import turn
from dashlight.errors import UsageError
from dashlight.store import exports
from dashlight.store.upkeep import Store


def format_of(name: str, *, base_url: str) -> Format:
    """Return a format.

    Args:
        name: Of it.
        base_url: What addresses in files begin with; empty for relative ones.

    Raises:
        UsageError: When there is none of that name.
    """
    match name:
        case "geoparquet":
            return Snapshot()
        case "partitions":
            return Partitions()
        case "pmtiles":
            return Tileset()
        case "bundles":
            return Bundles(base_url=base_url)
        case _:
            raise UsageError(f"there is no export {name!r}")


def make_exports(
    store: Store,
    folder: Path,
    names: Sequence[str],
    *,
    base_url: str,
    today: int,
    tell: Tell = lambda _: None,
    check: Check = lambda: None,
) -> list[Made]:
    """Make exports and show them, and write anew what is withdrawn of all that are shown.

    Args:
        store: Of the instance.
        folder: Of its data.
        names: Formats to be made; of the others only what was interrupted or withdrawn.
        base_url: What addresses in files begin with; empty for relative ones.
        today: Days since 1970-01-01.
        tell: Called now and then with how far it is.
        check: Called now and then; raises when the job has to stop.

    Raises:
        Busy: When another job runs.
        Unavailable: When pictures were taken back again and again; the job goes on later.
        HostError: When the disk refuses.
    """
    made = []
    with turn(store.database, folder):
        job = StoreExport(store.database, store.objects, today=today, tell=tell, check=check)
        job.forget_unfinished()
        with store.database.read() as connection:
            known = exports.all_exports(connection)
        for name in dict.fromkeys(export.format for export in known if export.is_shown):
            job.renew(format_of(name, base_url=base_url))
        interrupted = [export.format for export in known if not export.is_shown]
        made += [job.make(format_of(name, base_url=base_url)) for name in dict.fromkeys([*interrupted, *names])]
        store.database.forget_journal()
    return made
