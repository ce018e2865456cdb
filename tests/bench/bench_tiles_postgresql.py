"""Tiles as in `bench_tiles`, of the same country in PostgreSQL on the same machine, with 64 MB of shared buffers."""

import bench_tiles
import country
import postgres
from servers import ServerProcess

NAMES = ("tiles.postgresql.p50_ms", "tiles.postgresql.p95_ms")


def run():
    """Yield the two figures."""
    if why := postgres.why_not():
        raise SystemExit(why)
    folder = country.data()
    path = folder / "dashlight.sqlite"
    tiles = {zoom: bench_tiles.held_tiles(path, zoom) for zoom in bench_tiles.ZOOMS}
    with country.in_postgresql() as url:
        shared = {"DATABASE_URL": url, "KEY_FILE": str(folder / "postgresql.key")}
        env = {**bench_tiles.UNCACHED, **{f"DASHLIGHT_SERVER_{name}": value for name, value in shared.items()}}
        for row in bench_tiles.measured(lambda own: ServerProcess(own, "--recheck-share", "0", env=env), tiles):
            yield {**row, "name": row["name"].replace("tiles.", "tiles.postgresql.")}
