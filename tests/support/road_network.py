"""A country of pictures for benchmarks: towns with streets, and roads between them, put straight into the tables.

The rows are those that `store.publish` would write; a test compares the two on a small country.
"""

import json
import sqlite3
from pathlib import Path
from uuid import UUID

import h3.api.basic_int as h3
import numpy as np

from dashlight.model import qk_of_many
from dashlight.store import places
from dashlight.store.places import DAY_MS, LIVE_SHIFT, MARK, STREET_RESOLUTION
from dashlight.store.sqlite import SqliteDatabase

WEST, SOUTH, EAST, NORTH = 5.0, 46.0, 12.0, 50.0
STEP_M, STREET_M, TOWN_M = 5.0, 150.0, 3_000.0
M_PER_DEG = 111_195.0
FIRST_DAY = 20_400
SEQUENCE_PICTURES = 200


def _line(start, end):
    """Return positions each 5 m from one (x, y) in metres to another, and the heading."""
    length = float(np.hypot(*(end - start)))
    steps = np.arange(0, length, STEP_M)[:, None]
    way = (end - start) / length
    heading = np.degrees(np.arctan2(way[0], way[1])) % 360
    return start + steps * way, np.full(len(steps), heading)


def _town(centre):
    for offset in np.arange(-TOWN_M, TOWN_M, STREET_M):
        half = np.sqrt(max(0.0, TOWN_M**2 - offset**2))
        if half > STREET_M:
            yield _line(centre + np.array([offset, -half]), centre + np.array([offset, half]))
            yield _line(centre + np.array([half, offset]), centre + np.array([-half, offset]))


def positions(count, *, seed=1):
    """Return lon, lat and heading of `count` pictures, drive after drive."""
    rng = np.random.default_rng(seed)
    lat0 = (SOUTH + NORTH) / 2
    scale = np.array([M_PER_DEG * np.cos(np.radians(lat0)), M_PER_DEG])
    size = (np.array([EAST, NORTH]) - (WEST, SOUTH)) * scale
    parts, total = [], 0
    towns = rng.random((max(2, round(count / 105_000)), 2)) * size
    for centre in towns:
        for part in _town(centre):
            parts.append(part)
            total += len(part[0])
        if total >= 0.75 * count:
            break
    while total < count:
        start, end = towns[rng.integers(len(towns), size=2)]
        if np.hypot(*(end - start)) < 1_000:
            start, end = rng.random((2, 2)) * size
        bend = (start + end) / 2 + rng.normal(0, 5_000, 2)
        for part in (_line(start, bend), _line(bend, end)):
            parts.append(part)
            total += len(part[0])
    xy = np.concatenate([p for p, _ in parts])[:count]
    heading = np.concatenate([h for _, h in parts])[:count]
    lonlat = xy / scale + (WEST, SOUTH)
    return np.round(lonlat[:, 0], 6), np.round(lonlat[:, 1], 6), np.round(heading, 1) % 360


def build(path, count, *, seed=1):
    """Make the database of `count` pictures at `path`."""
    path = Path(path)
    SqliteDatabase(path).close()
    rng = np.random.default_rng(seed)
    lon, lat, heading = positions(count, seed=seed)
    qk = qk_of_many(lon, lat)
    cells = np.fromiter((h3.latlng_to_cell(la, lo, 15) for la, lo in zip(lat, lon, strict=True)), np.int64, count)
    drive = np.arange(count) // SEQUENCE_PICTURES
    day = FIRST_DAY + rng.integers(0, 700, drive[-1] + 1)[drive]
    captured = day * DAY_MS + 36_000_000 + (np.arange(count) % SEQUENCE_PICTURES) * 330
    marks = np.zeros(count, MARK)
    marks["lon_e6"], marks["lat_e6"] = np.rint(lon * 1e6), np.rint(lat * 1e6)
    marks["captured_ms"], marks["heading_ddeg"] = captured, np.rint(heading * 10).astype(int) % 3600
    marks["id"] = rng.integers(0, 256, (count, 16), np.uint8)
    marks["sequence"] = rng.integers(0, 256, (drive[-1] + 1, 16), np.uint8)[drive]
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("BEGIN")
        _fill_pictures(connection, marks, qk, cells, drive)
        _fill_marks(connection, marks, qk)
        _fill_counts(connection, marks, cells)
        _fill_collections(connection)
        connection.execute("COMMIT")
        connection.execute("ANALYZE")
    connection.close()
    SqliteDatabase(path).close()  # Back to the journal of a server.


def _fill_pictures(connection, marks, qk, cells, drive):
    connection.execute("INSERT INTO terms VALUES (1, 'fleet', 'CC-BY-SA-4.0', '', ?)", (len(marks),))
    connection.execute("INSERT INTO object VALUES (1, 'bundles/00/none', 1, 0)")
    firsts = np.unique(drive, return_index=True)[1]
    connection.executemany(
        "INSERT INTO sequence VALUES (?, ?, ?)",
        ((n + 1, marks["sequence"][i].tobytes(), SEQUENCE_PICTURES) for n, i in enumerate(firsts)),
    )
    redactions = json.dumps([["plate", 10, 20, 30, 40]])
    columns = [
        c.tolist()
        for c in (qk, cells, marks["lon_e6"], marks["lat_e6"], marks["captured_ms"], marks["heading_ddeg"], drive)
    ]
    rows = (
        (
            *(n + 1, marks["id"][n].tobytes(), 0, *r[:5], 0, r[5], 30, 1, r[6] + 1, n % SEQUENCE_PICTURES),
            *(1280, 720, 1, 0, 128_000, 128_000, 20_000, redactions, b"\0" * 32),
        )
        for n, r in enumerate(zip(*columns, strict=True))
    )
    connection.executemany(f"INSERT INTO picture VALUES ({','.join('?' * 23)})", rows)


def _fill_marks(connection, marks, qk):
    order = np.argsort(qk, kind="stable")
    connection.executemany(
        "INSERT INTO mark VALUES (?, ?, ?)",
        ((k, n + 1, marks[n].tobytes()) for k, n in zip(qk[order].tolist(), order.tolist(), strict=True)),
    )
    cell, octant = qk >> LIVE_SHIFT, places.octants_of(marks["heading_ddeg"])
    by_age = np.lexsort((np.arange(len(marks)), marks["captured_ms"], octant, cell))
    last = np.r_[(np.diff(cell[by_age]) != 0) | (np.diff(octant[by_age]) != 0), True]
    connection.executemany(
        "INSERT INTO live VALUES (?, ?, ?, ?, ?)",
        (
            (int(cell[n]), int(octant[n]), int(marks["captured_ms"][n]), int(n) + 1, marks[n].tobytes())
            for n in by_age[last]
        ),
    )


def _fill_collections(connection):
    rows = connection.execute(
        "SELECT s.id, p.terms, p.sequence, COUNT(*), MIN(lon_e6), MIN(lat_e6), MAX(lon_e6), MAX(lat_e6), "
        "MIN(captured_ms), MAX(captured_ms) FROM picture p JOIN sequence s ON s.number = p.sequence GROUP BY p.sequence"
    ).fetchall()
    connection.executemany(
        "INSERT INTO collection VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        sorted((str(UUID(bytes=name)), *told) for name, *told in rows),
    )


def _fill_counts(connection, marks, cells):
    day = marks["captured_ms"] // DAY_MS
    connection.executemany(
        "INSERT INTO daily VALUES (?, ?)", zip(*(v.tolist() for v in np.unique(day, return_counts=True)), strict=True)
    )
    for resolution in (*places.COVER_RESOLUTIONS, STREET_RESOLUTION):
        unused = (1 << 3 * (15 - resolution)) - 1
        parents = cells & ~np.int64(0xF << 52) | np.int64(resolution << 52) | np.int64(unused)
        order = np.lexsort((np.arange(len(cells)), marks["captured_ms"], parents))
        ends = np.r_[np.diff(parents[order]) != 0, True].nonzero()[0]
        counts = np.diff(np.r_[-1, ends])
        shown = [places.cell_of.__wrapped__(int(parents[order[e]])) for e in ends]
        by_qk = sorted(
            (
                resolution,
                c.qk,
                c.cell,
                int(n),
                int(marks["captured_ms"][order[e]]),
                int(marks["heading_ddeg"][order[e]]),
                c.outline,
            )
            for c, n, e in zip(shown, counts, ends, strict=True)
        )
        connection.executemany("INSERT INTO cover VALUES (?, ?, ?, ?, ?, ?, ?)", by_qk)
        centre = dict(zip(parents[order[ends]].tolist(), (c.qk for c in shown), strict=True))
        pairs, each = np.unique(np.stack([parents, day]), axis=1, return_counts=True)
        connection.executemany(
            "INSERT INTO cover_day VALUES (?, ?, ?, ?)",
            sorted(
                (resolution, centre[p], d, n)
                for p, d, n in zip(pairs[0].tolist(), pairs[1].tolist(), each.tolist(), strict=True)
            ),
        )
