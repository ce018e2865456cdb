"""What came of a demo: counted where readers of the map count, and told."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashlight.cli.counted import counted
from dashlight.cli.printable import shown

if TYPE_CHECKING:
    from dashlight.edge.importing import Imported
    from dashlight.edge.server import Server
    from dashlight.edge.spool import Uploaded
    from dashlight.edge.station import Station
    from dashlight.errors import Rejected
    from dashlight.model import LonLat

MAP_ZOOM = 16.2


@dataclass(slots=True)
class Outcome:
    """What came of a demo.

    `pictures` and `redactions` count what readers of the map see of these recordings, new or not.
    """

    recordings: int = 0
    new_recordings: int = 0
    pictures: int = 0
    new_pictures: int = 0
    redactions: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    seconds: float = 0.0
    urls: dict[str, str] = field(default_factory=dict)
    exit_code: int = 0


def outcome_of(
    station: Station,
    server: Server,
    paths: Sequence[Path],
    imported: Imported,
    uploaded: Uploaded,
    place: LonLat | None,
) -> Outcome:
    """Return what came of an import whose uploads have ended.

    Args:
        station: The edge.
        server: Where everything went.
        paths: What was imported.
        imported: By this run.
        uploaded: By this run.
        place: Where the map is to open, when a recording told it.
    """
    from dashlight.model import LonLat

    ids = _published_ids(station, paths)
    seen = list(_on_the_map(server, ids))
    if place is None and seen:
        lon, lat = seen[len(seen) // 2]["geometry"]["coordinates"][:2]
        place = LonLat(lon, lat)
    outcome = Outcome(
        recordings=imported.recordings + imported.known,
        new_recordings=imported.recordings,
        pictures=len(seen),
        new_pictures=uploaded.pictures,
        redactions=sum(len(feature["properties"]["redactions"]) for feature in seen),
        rejected=list(imported.rejected),
        urls={"map": map_url(server.url, place), "about": f"{server.url}/about", "api": f"{server.url}/v1/instance"},
    )
    outcome.exit_code = _exit_code(outcome, uploaded)
    return outcome


def _published_ids(station: Station, paths: Sequence[Path]) -> dict[str, tuple[float, float]]:
    """Return identifier and place of each picture of these recordings that has a receipt."""
    from dashlight.edge.home import fingerprint
    from dashlight.edge.recordings import find_recordings
    from dashlight.errors import Rejected

    ids: dict[str, tuple[float, float]] = {}
    for found in find_recordings(paths):
        if isinstance(found, Rejected):
            continue
        pictures = station.ledger.kept_pictures(recording=fingerprint(found.path))
        ids.update({p.picture_id: (p.lon, p.lat) for p in pictures if p.picture_id is not None})
    return ids


def _on_the_map(server: Server, ids: dict[str, tuple[float, float]]) -> Iterator[dict[str, Any]]:
    """Yield what any reader sees of these pictures."""
    if not ids:
        return
    from dashlight.model import BBox

    lons, lats = [lon for lon, _ in ids.values()], [lat for _, lat in ids.values()]
    for feature in server.pictures_in(BBox(min(lons), min(lats), max(lons), max(lats))):
        if feature.get("id") in ids:
            yield feature


def _exit_code(outcome: Outcome, uploaded: Uploaded) -> int:
    """Return 0 when something is on the map or there already; else why not."""
    if uploaded.stopped_by is not None:
        return uploaded.stopped_by.exit_code
    if uploaded.refusals:
        return uploaded.refusals[0].exit_code
    return 0 if outcome.recordings else 3


def map_url(server_url: str, place: LonLat | None) -> str:
    """Return the map's address, at a place."""
    return f"{server_url}/" if place is None else f"{server_url}/#at={MAP_ZOOM}/{place.lat:.5f}/{place.lon:.5f}"


def report(args: argparse.Namespace, outcome: Outcome) -> None:
    """Print what came of it, on stdout."""
    if args.json:
        from dashlight.cli.json_lines import print_json

        print_json(
            {
                "recordings": outcome.recordings,
                "pictures": outcome.pictures,
                "redactions": outcome.redactions,
                "rejected": [
                    {"path": str(r.path), "reason": r.reason, "code": r.code, "hint": r.hint} for r in outcome.rejected
                ],
                "seconds": round(outcome.seconds, 3),
                "urls": outcome.urls,
                "new_recordings": outcome.new_recordings,
                "new_pictures": outcome.new_pictures,
            }
        )
        return
    from dashlight.cli.edge_summary import rejected_lines

    known = outcome.recordings - outcome.new_recordings
    sys.stdout.write(
        f"{counted(outcome.recordings, 'recording')} ({outcome.new_recordings} new, {known} there already), "
        f"{counted(outcome.pictures, 'picture')} on the map ({outcome.new_pictures} new), "
        f"{counted(outcome.redactions, 'redaction')} in {outcome.seconds:.1f} s\n"
    )
    for line in rejected_lines(outcome.rejected):
        sys.stdout.write(shown(line) + "\n")
    for name, url in outcome.urls.items():
        sys.stdout.write(f"  {name:8}  {url}\n")
    sys.stdout.flush()
