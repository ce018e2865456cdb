"""Described tables and sampled lines give the same on every database, and what a plain walk over all rows gives."""

from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from derived_rows import START, picture

from dashlight.catalog.ogc.geometry import touches
from dashlight.catalog.panoramax.tiles import draw_for
from dashlight.model import BBox, LonLat, Policy, tile_xy
from dashlight.store import samples, tables
from dashlight.store.feature_tables import PICTURES, SEQUENCES
from dashlight.store.publish import add_object, publish
from dashlight.store.tables import FeatureQuery, FeatureTable, Kind, Points, Property, Times

DATABASES = ("sqlite-folder", "postgresql-folder")
FIRST, SECOND = UUID(int=1), UUID(int=2)
WORLD = (0, 1 << 48)


@pytest.fixture(scope="module", params=DATABASES)
def store(request, tmp_path_factory, backends):
    """A store with two sequences, of which one crosses the antimeridian, and pictures without one."""
    opened = backends.store(tmp_path_factory.mktemp("store"), request.param)

    def job(transaction):
        for key, sequence, policy, made in (
            ("a", FIRST, Policy.FLEET, [picture(7.0 + n * 1e-4, 50.0, n, 90.0) for n in range(600)]),
            ("b", SECOND, Policy.OPEN, [picture(wrapped(179.99 + n * 1e-4), -10.0, n, 90.0) for n in range(200)]),
            ("c", None, Policy.PERSONAL, [picture(7.0 + n * 0.02, 50.3, n, 0.0) for n in range(9)]),
        ):
            number = add_object(transaction, key, size_bytes=2_000, head_bytes=500)
            publish(transaction, made, policy=policy, object_number=number, sequence=sequence)

    opened.database.write(job)
    yield opened
    opened.database.close()


def wrapped(lon):
    return round((lon + 180.0) % 360.0 - 180.0, 6)


def found(connection, table, query, *, limit=1_000, after=None):
    return tables.page_of_features(connection, table, query, limit=limit, after=after, touches=touches)


def everything(connection, table, query=None, *, limit):
    keys, after = [], None
    for _ in range(2_000):
        page = found(connection, table, query or FeatureQuery(), limit=limit, after=after)
        keys += [bytes(one.key) if isinstance(one.key, (bytes, memoryview)) else one.key for one in page.features]
        if page.end is None:
            return keys
        after = page.end
    raise AssertionError


def milliseconds(minutes):
    return int((START + timedelta(minutes=minutes)).timestamp() * 1000)


@pytest.mark.parametrize("limit", [1, 100, 404, 809, 1_000])
def test_pages_hold_every_picture_once(store, limit):
    with store.database.read() as connection:
        keys = everything(connection, PICTURES, limit=limit)

    assert len(keys) == len(set(keys)) == 809
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (FeatureQuery(bbox=BBox(7.0, 49.9, 7.00905, 50.1)), 91),
        (FeatureQuery(bbox=BBox(179.0, -11.0, -179.0, -9.0)), 200),
        (FeatureQuery(bbox=BBox(-180.0, -11.0, -179.0, -9.0)), 100),
        (FeatureQuery(bbox=BBox(-180.0, -90.0, 180.0, 90.0), equal={"policy": "personal"}), 9),
        (FeatureQuery(within_ms=(milliseconds(10), milliseconds(19.5))), 10 + 10),
        (FeatureQuery(within_ms=(milliseconds(10), milliseconds(19.5)), equal={"sequence": FIRST.bytes}), 10),
        (FeatureQuery(equal={"rank": 0}), 2),
        (FeatureQuery(equal={"accuracy_m": 1.0}), 0),
    ],
)
def test_questions_of_pictures_are_answered_exactly_on_pages_of_any_size(store, query, count):
    with store.database.read() as connection:
        for limit in (3, 1_000):
            keys = everything(connection, PICTURES, query, limit=limit)
            assert len(keys) == len(set(keys)) == count


def test_many_pictures_in_a_box_are_walked_instead(store, monkeypatch):
    box = BBox(7.0, 49.9, 7.00905, 50.1)
    with store.database.read() as connection:
        near = everything(connection, PICTURES, FeatureQuery(bbox=box), limit=10)
        monkeypatch.setattr("dashlight.store.feature_tables.MOST_CANDIDATES", 5)
        walked = everything(connection, PICTURES, FeatureQuery(bbox=box), limit=10)

    assert near == walked


def test_a_page_that_walked_far_in_vain_ends_and_the_next_goes_on(store, monkeypatch):
    monkeypatch.setattr(tables, "MOST_WALKED", 300)
    monkeypatch.setattr(tables, "_FIRST_WINDOW", 100)
    query = FeatureQuery(equal={"policy": "open", "rank": 7})

    with store.database.read() as connection:
        first = found(connection, PICTURES, query)
        keys = everything(connection, PICTURES, query, limit=5)

    assert first.end is not None
    assert len(keys) == 1


def test_lines_go_through_all_pictures_in_order(store):
    with store.database.read() as connection:
        lines = {one.key: one for one in found(connection, SEQUENCES, FeatureQuery()).features}

    assert set(lines) == {str(FIRST), str(SECOND)}
    lons = [lon for lon, _ in lines[str(FIRST)].points]
    assert lons == sorted(lons)
    assert len(lons) == lines[str(FIRST)].values["pictures"] == 600
    assert len(lines[str(SECOND)].points) == 200


@pytest.mark.parametrize(
    ("bbox", "names"),
    [
        (BBox(7.01, 49.99, 7.02, 50.01), {FIRST}),
        (BBox(7.01, 50.001, 7.02, 50.01), set()),
        (BBox(179.995, -10.1, -179.995, -9.9), {SECOND}),
        (BBox(0.0, -10.1, 10.0, -9.9), set()),
        (BBox(-180.0, -90.0, 180.0, 90.0), {FIRST, SECOND}),
    ],
)
def test_a_box_finds_the_lines_that_touch_it(store, bbox, names):
    with store.database.read() as connection:
        lines = found(connection, SEQUENCES, FeatureQuery(bbox=bbox)).features

    assert {one.key for one in lines} == set(map(str, names))


def test_a_further_collection_is_a_further_description(store):
    metadata = sa.MetaData()
    columns = {"id": sa.Text, "lon": sa.BigInteger, "lat": sa.BigInteger, "seen": sa.BigInteger, "kind": sa.Text}
    signs = sa.Table("sign", metadata, *(sa.Column(name, kind) for name, kind in columns.items()))
    described = FeatureTable(
        name="signs",
        title="Signs",
        description="What stands beside the road.",
        source=signs,
        key=signs.c.id,
        key_kind=Kind.TEXT,
        geometry=Points(signs.c.lon, signs.c.lat),
        times=Times(signs.c.seen),
        properties=(Property("kind", signs.c.kind, Kind.TEXT, "What it tells"),),
    )

    def job(transaction):
        metadata.create_all(transaction.connection)
        rows = [
            {"id": f"s{n:03}", "lon": n * 10_000, "lat": 0, "seen": n, "kind": "stop" if n % 3 else "yield"}
            for n in range(500)
        ]
        transaction.connection.execute(sa.insert(signs), rows)

    store.database.write(job)
    query = FeatureQuery(bbox=BBox(0.0, -1.0, 0.995, 1.0), within_ms=(50, 1_000), equal={"kind": "yield"})
    with store.database.read() as connection:
        keys = everything(connection, described, query, limit=4)

    assert keys == [f"s{n:03}" for n in range(50, 100) if n % 3 == 0]


def test_samples_are_every_so_many_pictures_in_order(store):
    with store.database.read() as connection:
        fine = samples.samples_in(connection, [WORLD], step=16, most=10_000)
        coarse = samples.samples_in(connection, [WORLD], step=128, most=10_000)

    for sampled, step in ((fine, 16), (coarse, 128)):
        assert {bytes(one) for one in sampled.ids} == {FIRST.bytes, SECOND.bytes}
        for index, name in enumerate(sampled.ids):
            count = 600 if bytes(name) == FIRST.bytes else 200
            assert sampled.rank[sampled.sequence == index].tolist() == list(range(0, count, step))


def test_too_many_samples_are_some_of_everywhere(store):
    with store.database.read() as connection:
        sampled = samples.samples_in(connection, [WORLD], step=16, most=8)

    assert {bytes(one) for one in sampled.ids} == {FIRST.bytes, SECOND.bytes}
    assert len(sampled.rank) <= 8


@pytest.mark.parametrize("zoom", [0, 3, 6, 8, 10, 12, 14, 15])
def test_tiles_are_drawn_on_every_database(store, zoom):
    draw = draw_for("an-account")
    drawn = []
    for position in (LonLat(7.03, 50.0), LonLat(179.995, -10.0), LonLat(-179.995, -10.0)):
        with store.database.read() as connection:
            drawn.append(draw(connection, zoom, *tile_xy(position, zoom), None))

    assert all(drawn)


def test_indexes_hold_the_samples(store):
    if store.database.__class__.__name__ != "SqliteDatabase":
        pytest.skip("PostgreSQL chooses by statistics, which a small table does not have")
    with store.database.read() as connection:
        for sql in (samples._rows_sql(128), samples._further_sql(128)):
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", (1, 2, 3)).all()

            assert any("COVERING INDEX picture_sample_128" in row[-1] for row in plan)
