"""Whatever way a search takes, it finds what looking at every picture finds, in that order, page after page."""

import random
import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import shapely
import sqlalchemy as sa
from stores import backends

from dashlight.model import BBox, LonLat, Month, PictureClaim, Policy, Week
from dashlight.store import search, withdraw
from dashlight.store.areas import Area, days_of, tiles_of
from dashlight.store.collections import CellMonth, parsed_collection
from dashlight.store.conditions import Combination, Comparison, IsNull, Not
from dashlight.store.found import fetch
from dashlight.store.pictures import PageEnd
from dashlight.store.publish import NewPicture, add_object, publish
from dashlight.store.schema import mark
from dashlight.store.search import Query, find_pictures
from dashlight.store.times import end_ms

__all__ = ["backends"]
START = datetime(2026, 9, 20, tzinfo=UTC)
SEQUENCES = (UUID(int=11), UUID(int=12))


def ms(*parts):
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000)


def new_picture(rng, position, captured, **told):
    return NewPicture(
        id=secrets.token_bytes(16),
        claim=PictureClaim(position, captured, rng.randrange(3600) / 10, rng.choice([None, 2.5, 8.0])),
        license_id=told.get("license_id", "CC-BY-SA-4.0"),
        attribution=told.get("attribution", ""),
        width=1280,
        height=720,
        offset=0,
        size_bytes=10,
        thumbnail_offset=10,
        thumbnail_size_bytes=5,
        redactions=(),
        deletion_commitment=bytes(32),
    )


def fill(database):
    """Publish a dense town, a thin world, both ends of the antimeridian and a pole, of all policies; hide some."""
    rng = random.Random(7)

    def town():
        return LonLat(round(rng.uniform(7.0, 7.02), 6), round(rng.uniform(50.0, 50.012), 6))

    def world():
        edge = rng.random()
        if edge < 0.2:
            return LonLat(round((rng.uniform(359.98, 360.02) % 360) - 180, 6), 10.0)
        if edge < 0.3:
            return LonLat(round(rng.uniform(-180, 179), 6), rng.choice([89.5, -89.9, 85.2]))
        return LonLat(round(rng.uniform(-180, 179.9), 6), round(rng.uniform(-80, 80), 6))

    def moment():
        return START + timedelta(milliseconds=rng.randrange(60 * 86_400_000))

    def put(policy, pictures, sequence=None):
        def job(transaction):
            number = add_object(transaction, secrets.token_hex(8), size_bytes=100, head_bytes=0)
            publish(transaction, pictures, policy=policy, object_number=number, sequence=sequence)

        database.write(job)

    put(Policy.FLEET, [new_picture(rng, town(), moment()) for _ in range(2_400)], SEQUENCES[0])
    named = {"license_id": "CC0-1.0", "attribution": "A mapper"}
    put(
        Policy.OPEN,
        [new_picture(rng, town(), START + timedelta(hours=n // 3), **named) for n in range(150)],
        SEQUENCES[1],
    )
    put(Policy.OPEN, [new_picture(rng, world(), moment()) for _ in range(200)])
    for captured in (Week(2026, 39), Week(2026, 40), Month(2026, 10)):
        put(Policy.PERSONAL, [new_picture(rng, rng.choice([town, world])(), captured) for _ in range(60)])
    with database.read() as connection:
        numbers = sorted(connection.execute(sa.select(mark.c.number)).scalars())
    for number in rng.sample(numbers, 40):
        database.write(lambda t, number=number: withdraw.hide(t, number))


@pytest.fixture(scope="module", params=["sqlite-folder", "postgresql-folder"])
def database(request, backends, tmp_path_factory):
    store = backends.store(tmp_path_factory.mktemp("search"), request.param)
    fill(store.database)
    yield store.database
    store.database.close()


@pytest.fixture(scope="module")
def shown(database):
    """Every published picture, found by its number alone."""
    with database.read() as connection:
        marked = sorted(connection.execute(sa.select(mark.c.number)).scalars())
        return fetch(connection, marked)


def inside(query, one):
    picture = one.picture
    if query.area is not None:
        if not query.area.bbox.contains(picture.position):
            return False
        here = shapely.Point(picture.position.lon, picture.position.lat)
        if query.area.shape is not None and not query.area.shape.intersects(here):
            return False
    if query.captured_ms is not None:
        first, last = query.captured_ms
        if picture.captured_ms > last or end_ms(picture.captured_ms, picture.precision) < first:
            return False
    if query.ids is not None and picture.id not in query.ids:
        return False
    return query.collections is None or one.collection in [
        key.name if isinstance(key, CellMonth) else str(key) for key in query.collections
    ]


def shape(*corners):
    polygon = shapely.Polygon(corners)
    return Area(BBox(*polygon.bounds), polygon)


TOWN = BBox(6.9, 49.9, 7.1, 50.1)
AREAS = {
    "everywhere": None,
    "the world": Area(BBox(-180, -90, 180, 90)),
    "a dense town": Area(TOWN),
    "a part of it": Area(BBox(7.002, 50.001, 7.015, 50.011)),
    "a street": Area(BBox(7.002, 50.001, 7.003, 50.011)),
    "a triangle": shape((6.9, 49.9), (7.1, 49.9), (7.0, 50.1)),
    "a large triangle": shape((-170, -80), (170, -80), (0, 88)),
    "across the antimeridian": Area(BBox(179, 9, -179, 11)),
    "half the world across it": Area(BBox(90, -90, -90, 90)),
    "a pole": Area(BBox(-180, 85.06, 180, 90)),
    "nothing": Area(BBox(-30, 30, -29.99, 30.01)),
    "a point": Area(BBox(7.01, 50.005, 7.01, 50.005)),
}
TIMES = {
    "always": None,
    "a moment of a week": (ms(2026, 9, 23, 12), ms(2026, 9, 23, 12)),
    "a day": (ms(2026, 10, 31), ms(2026, 11, 1) - 1),
    "the end of the month on": (ms(2026, 10, 31, 23), 253_402_300_799_999),
    "before": (-62_135_596_800_000, ms(2026, 9, 27, 23)),
}


@pytest.mark.parametrize("is_oldest_first", [False, True])
@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("area", AREAS)
def test_areas_and_times_find_what_looking_at_every_picture_finds(database, shown, area, time, is_oldest_first):
    query = Query(area=AREAS[area], captured_ms=TIMES[time], is_oldest_first=is_oldest_first)

    agree(database, query, [one for one in shown if inside(query, one)], limits=(7, 500))


@pytest.mark.parametrize("is_oldest_first", [False, True])
@pytest.mark.parametrize("area", ["everywhere", "a part of it", "a triangle"])
def test_names_and_collections_do_too(database, shown, area, is_oldest_first):
    cells = [one.collection for one in shown if one.picture.sequence is None]
    personal = [one for one in shown if one.picture.policy is Policy.PERSONAL]
    keys = [parsed_collection(name) for name in (personal[0].collection, max(sorted(set(cells)), key=cells.count))]
    keys.append(SEQUENCES[1])
    for narrowed in (
        {"ids": tuple(one.picture.id for one in shown[::9])},
        {"ids": tuple(one.picture.id for one in shown[::9]), "collections": (SEQUENCES[1],)},
        {"ids": ()},
        {"collections": (SEQUENCES[0],)},
        {"collections": tuple(keys)},
        {"collections": (keys[0], keys[0])},
        {"collections": ()},
        {"collections": (UUID(int=99),)},
    ):
        query = Query(area=AREAS[area], is_oldest_first=is_oldest_first, **narrowed)
        agree(database, query, [one for one in shown if inside(query, one)], limits=(7, 500))


def newest_first(rows, query):
    turn = 1 if query.is_oldest_first else -1
    return sorted(rows, key=lambda one: (turn * one.picture.captured_ms, turn * one.picture.number))


def agree(database, query, wanted, *, limits):
    wanted = [one.picture.id for one in newest_first(wanted, query)]
    for limit in limits:
        found, after, pages = [], None, 0
        with database.read() as connection:
            while pages < 4:
                page = find_pictures(connection, query, limit=limit, after=after)
                found += [one.picture.id for one in page.pictures]
                assert page.matched in (None, len(wanted))
                assert page.pictures or page.end is None
                after, pages = page.end, pages + 1
                if after is None:
                    break
        assert found == wanted[: len(found)]
        assert len(found) == min(len(wanted), 4 * limit)


CONDITIONS = {
    "a licence": (Comparison("license", "=", "CC0-1.0"), lambda p: p.license_id == "CC0-1.0"),
    "no name": (IsNull("dashlight:attribution"), lambda p: not p.attribution),
    "a heading": (Comparison("view:azimuth", "<", 45.3), lambda p: p.heading_deg < 45.3),
    "not accurate": (Comparison("dashlight:accuracy_m", ">", 3.0), lambda p: (p.accuracy_m or 0) > 3.0),
    "an unknown is not unequal": (
        Comparison("dashlight:accuracy_m", "<>", 8.0),
        lambda p: p.accuracy_m is not None and p.accuracy_m != 8.0,
    ),
    "a week": (Comparison("dashlight:captured_precision", "=", "week"), lambda p: p.precision == "week"),
    "not of a sequence": (
        Not(Comparison("collection", "=", SEQUENCES[0].bytes)),
        lambda p: p.sequence != SEQUENCES[0],
    ),
    "of none": (Comparison("collection", "=", None), lambda _: False),
    "not of none": (Comparison("collection", "<>", None), lambda _: True),
    "either": (
        Combination("or", (Comparison("dashlight:rank", "<", 5.0), Comparison("dashlight:policy", "=", "personal"))),
        lambda p: (p.rank is not None and p.rank < 5) or p.policy is Policy.PERSONAL,
    ),
    "a time": (
        Combination(
            "and", (Comparison("datetime", ">=", ms(2026, 10, 1)), Comparison("datetime", "<", ms(2026, 10, 5)))
        ),
        lambda p: ms(2026, 10, 1) <= p.captured_ms < ms(2026, 10, 5),
    ),
    "nothing at all": (Combination("or", ()), lambda _: False),
    "anything": (Combination("and", ()), lambda _: True),
}


@pytest.mark.parametrize("area", ["everywhere", "a dense town", "a street", "a large triangle"])
@pytest.mark.parametrize("name", CONDITIONS)
def test_conditions_hold_of_what_is_found(database, shown, name, area):
    condition, holds = CONDITIONS[name]
    for narrowed in ({}, {"collections": (SEQUENCES[1],)}):
        query = Query(area=AREAS[area], condition=condition, **narrowed)
        agree(database, query, [one for one in shown if inside(query, one) and holds(one.picture)], limits=(7, 500))


def test_a_small_area_is_counted_and_so_is_everything(database, shown):
    with database.read() as connection:
        few = find_pictures(connection, Query(area=AREAS["a street"]), limit=1)
        all_of_them = find_pictures(connection, Query(), limit=1)
        sequence = find_pictures(connection, Query(collections=(SEQUENCES[1],)), limit=1)

    assert few.matched == len([one for one in shown if AREAS["a street"].bbox.contains(one.picture.position)])
    assert all_of_them.matched == len(shown)
    assert sequence.matched == len([one for one in shown if one.picture.sequence == SEQUENCES[1]])


def test_every_way_is_taken_by_these_tests(database):
    with database.read() as connection:

        def most(name):
            return search.marks_in(connection, search.ranges_of(AREAS[name]), most=search.MOST_MARKS)

        assert most("a street") is not None
        assert most("a dense town") is None
        assert most("the world") is None
    assert tiles_of(AREAS["a dense town"]) is not None
    assert tiles_of(AREAS["the world"]) is None


def test_an_areas_days_are_all_there(database, shown):
    with database.read() as connection:
        for name, area in AREAS.items():
            days = days_of(connection, area)
            here = [one for one in shown if area is None or area.bbox.contains(one.picture.position)]
            assert {one.picture.captured_ms // 86_400_000 for one in here} <= set(days), name


def test_neighbours_are_those_before_and_after_in_the_sequence(shown):
    drive = sorted(
        (one for one in shown if one.picture.sequence == SEQUENCES[1]),
        key=lambda one: (one.picture.captured_ms, one.picture.number),
    )

    assert [one.after and one.after.id for one in drive] == [one.picture.id for one in drive[1:]] + [None]
    assert [one.before and one.before.id for one in drive] == [None] + [one.picture.id for one in drive[:-1]]
    assert all(one.before is one.after is None for one in shown if one.picture.sequence is None)
    assert [one.after.position for one in drive[:-1]] == [one.picture.position for one in drive[1:]]


def test_a_page_ends_where_the_next_one_begins(database):
    with database.read() as connection:
        page = find_pictures(connection, Query(), limit=3)
        last = page.pictures[-1].picture

    assert page.end == PageEnd(last.captured_ms, last.number)
