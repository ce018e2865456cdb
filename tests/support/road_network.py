"""A country of pictures for benchmarks: towns with streets, and roads between them, put straight into the tables.

The rows are those that `store.publish` would write; a test compares the two on a small country.
"""

import json
import sqlite3
from itertools import repeat
from pathlib import Path
from uuid import UUID

import h3.api.basic_int as h3
import numpy as np

from dashlight.model import DAY_MS, qk_of_many
from dashlight.store import places
from dashlight.store.places import LIVE_SHIFT, MARK, STREET_RESOLUTION
from dashlight.store.sqlite import SqliteDatabase

WEST, SOUTH, EAST, NORTH = 5.0, 46.0, 12.0, 50.0
STEP_M, STREET_M, TOWN_M = 5.0, 150.0, 3_000.0
M_PER_DEG = 111_195.0
FIRST_DAY = 20_400
SEQUENCE_PICTURES = 200
ROWS_AT_ONCE = 500_000
CACHE_KIB = 1_500_000  # The index of random identifiers should fit.


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
    cells = np.fromiter(map(h3.latlng_to_cell, lat.tolist(), lon.tolist(), repeat(15)), np.int64, count)
    drive = np.arange(count) // SEQUENCE_PICTURES
    day = FIRST_DAY + rng.integers(0, 700, drive[-1] + 1)[drive]
    marks = np.zeros(count, MARK)
    marks["lon_e6"], marks["lat_e6"] = np.rint(lon * 1e6), np.rint(lat * 1e6)
    marks["captured_ms"] = day * DAY_MS + 36_000_000 + (np.arange(count) % SEQUENCE_PICTURES) * 330
    marks["heading_ddeg"] = np.rint(heading * 10).astype(int) % 3600
    marks["id"] = rng.integers(0, 256, (count, 16), np.uint8)
    marks["sequence"] = rng.integers(0, 256, (drive[-1] + 1, 16), np.uint8)[drive]
    del lon, lat, heading, day
    with sqlite3.connect(path, isolation_level=None) as connection:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "threads=2", f"cache_size=-{CACHE_KIB}"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        _fill_pictures(connection, marks, qk, cells, drive)
        _fill_marks(connection, marks, qk)
        _fill_counts(connection, marks, cells)
        _fill_collections(connection)
        connection.execute("COMMIT")
        connection.execute("ANALYZE")
    connection.close()
    SqliteDatabase(path).close()  # Back to the journal of a server.


def _blobs(array):
    """Return the elements of an array, or its rows, as bytes."""
    array = np.ascontiguousarray(array)
    size = array.dtype.itemsize * (array.shape[1] if array.ndim == 2 else 1)
    return array.view(f"V{size}").ravel().tolist()


def _runs(count):
    return (slice(first, min(count, first + ROWS_AT_ONCE)) for first in range(0, count, ROWS_AT_ONCE))


def _insert(connection, table, columns):
    connection.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(columns))})", zip(*columns, strict=False))


def _fill_pictures(connection, marks, qk, cells, drive):
    count = len(marks)
    connection.execute("INSERT INTO terms VALUES (1, 'fleet', 'CC-BY-SA-4.0', '', ?)", (count,))
    connection.execute("INSERT INTO object VALUES (1, 'bundles/00/none', 1, 0)")
    firsts = np.unique(drive, return_index=True)[1]
    _insert(
        connection,
        "sequence",
        (range(1, len(firsts) + 1), _blobs(marks["sequence"][firsts]), repeat(SEQUENCE_PICTURES)),
    )
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'picture' AND sql IS NOT NULL"
    ).fetchall()
    for name, _ in indexes:  # One sort at the end is quicker than a search for each row.
        connection.execute(f"DROP INDEX {name}")
    redactions = json.dumps([["plate", 10, 20, 30, 40]])
    told = (1280, 720, 1, 0, 128_000, 128_000, 20_000, redactions, b"\0" * 32)
    for run in _runs(count):
        some = marks[run]
        placed = (qk[run], cells[run], some["lon_e6"], some["lat_e6"], some["captured_ms"])
        columns = (
            range(run.start + 1, run.stop + 1),
            _blobs(some["id"]),
            repeat(0),
            *(each.tolist() for each in placed),
            repeat(0),
            some["heading_ddeg"].tolist(),
            repeat(30),
            repeat(1),
            (drive[run] + 1).tolist(),
            (np.arange(run.start, run.stop) % SEQUENCE_PICTURES).tolist(),
            *map(repeat, told),
        )
        _insert(connection, "picture", columns)
    for _, sql in indexes:
        connection.execute(sql)


def _fill_marks(connection, marks, qk):
    order = np.argsort(qk, kind="stable")
    for run in _runs(len(marks)):
        some = order[run]
        _insert(connection, "mark", (qk[some].tolist(), (some + 1).tolist(), _blobs(marks[some])))
    cell, octant = qk >> LIVE_SHIFT, places.octants_of(marks["heading_ddeg"])
    place = cell << 3 | octant
    by_age = np.lexsort((marks["captured_ms"], place))
    newest = by_age[np.r_[np.diff(place[by_age]) != 0, True]]
    for run in _runs(len(newest)):
        some = newest[run]
        told = (cell[some], octant[some], marks["captured_ms"][some], some + 1)
        _insert(connection, "live", (*(each.tolist() for each in told), _blobs(marks[some])))


def _fill_collections(connection):
    rows = connection.execute(
        "SELECT s.id, p.terms, p.sequence, COUNT(*), MIN(lon_e6), MIN(lat_e6), MAX(lon_e6), MAX(lat_e6), "
        "MIN(captured_ms), MAX(captured_ms) FROM picture p JOIN sequence s ON s.number = p.sequence GROUP BY p.sequence"
    ).fetchall()
    connection.executemany(
        "INSERT INTO collection VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        sorted((str(UUID(bytes=name)), *told) for name, *told in rows),
    )


def _shown(cells, resolution):
    """Return keys of the centres of H3 cells, and their outlines."""
    if resolution != STREET_RESOLUTION:
        shown = [places.cell_of.__wrapped__(cell) for cell in cells.tolist()]
        return np.array([each.qk for each in shown], np.int64), [each.outline for each in shown]
    centres = np.array(list(map(h3.cell_to_latlng, cells.tolist())))
    return qk_of_many(centres[:, 1], centres[:, 0]), [b""] * len(cells)


def _fill_counts(connection, marks, cells):
    captured = marks["captured_ms"].astype(np.int64)
    day = captured // DAY_MS
    _insert(connection, "daily", tuple(each.tolist() for each in np.unique(day, return_counts=True)))
    for resolution in (*places.COVER_RESOLUTIONS, STREET_RESOLUTION):
        unused = (1 << 3 * (15 - resolution)) - 1
        parents = cells & ~np.int64(0xF << 52) | np.int64(resolution << 52) | np.int64(unused)
        order = np.lexsort((marks["heading_ddeg"], captured, parents))  # Of equal times the greatest heading is shown.
        parents, newest = parents[order], captured[order]
        ends = np.r_[np.diff(parents) != 0, True].nonzero()[0]
        counts = np.diff(np.r_[-1, ends])
        centres, outlines = _shown(parents[ends], resolution)
        by_qk = np.argsort(centres)
        columns = (centres, parents[ends], counts, newest[ends], marks["heading_ddeg"][order[ends]])
        told = (repeat(resolution), *(each[by_qk].tolist() for each in columns), [outlines[n] for n in by_qk.tolist()])
        _insert(connection, "cover", told)
        days = day[order]
        ends_of_days = np.r_[(np.diff(parents) != 0) | (np.diff(days) != 0), True].nonzero()[0]
        per_day = np.diff(np.r_[-1, ends_of_days])
        centre = np.repeat(centres, np.diff(np.r_[-1, np.searchsorted(ends_of_days, ends)]))
        days = days[ends_of_days]
        by_qk = np.lexsort((days, centre))
        told = (repeat(resolution), *(each[by_qk].tolist() for each in (centre, days, per_day)))
        _insert(connection, "cover_day", told)
