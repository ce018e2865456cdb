"""Numbers of `personal` pictures: drawn, free, in partitions, and given by a migration to those that came before."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from derived_rows import check, picture, rows
from hypothesis import given
from hypothesis import strategies as st
from stores import backends

from dashlight.config import ServerSettings
from dashlight.errors import Conflict
from dashlight.model import DAY_MS, Policy
from dashlight.store import bulk, numbers, pictures, schema, search, withdraw
from dashlight.store.publish import add_object, publish
from dashlight.store.search import Query, find_pictures
from dashlight.store.upkeep import open_store

__all__ = ["backends"]
WEEK_MS = 7 * DAY_MS
drawn_bits = st.integers(0, (1 << numbers.RANDOM_BITS) - 1)


@pytest.fixture(params=["sqlite-folder", "postgresql-folder"])
def settings(request, backends):
    return backends.settings(request.param)


@pytest.fixture
def opened(settings, tmp_path):
    """Return what opens the store, which is closed in the end."""
    stores = []

    def open_again():
        if stores:
            stores.pop().database.close()
        stores.append(open_store(tmp_path, replace(ServerSettings(), **settings)))
        return stores[0].database

    yield open_again
    for store in stores:
        store.database.close()


def batch(database, new, *, policy=Policy.PERSONAL):
    def job(transaction):
        number = add_object(transaction, secrets.token_hex(8), size_bytes=2_000, head_bytes=0)
        publish(transaction, new, policy=policy, object_number=number, sequence=None)

    database.write(job)


def numbers_in(database):
    with database.read() as connection:
        return set(connection.execute(sa.select(schema.picture.c.number)).scalars())


@given(st.integers(-(10**15), 10**15), drawn_bits)
def test_a_number_is_negative_and_in_a_partition_that_holds_it(captured_ms, drawn):
    number = numbers.personal_number(captured_ms, drawn)

    name, first, end = bulk.partition_of("picture", number)
    assert numbers.BEFORE_ALL < numbers.LEAST <= number < 0
    assert first <= number < end <= 0
    assert name in {f"picture_personal_{n}" for n in range(128)}


@given(st.integers(0, 60_000), st.integers(0, 400), drawn_bits, drawn_bits)
def test_a_number_tells_of_the_time_no_more_than_64_days(day, later, drawn, other):
    """What is told of a time lies near each other, and of one time everything is left to chance."""
    one = numbers.personal_number(day * DAY_MS, drawn)
    another = numbers.personal_number((day + later) * DAY_MS, other)

    assert one % (1 << numbers.RANDOM_BITS) == drawn
    assert (one < another) == ((day >> 6, drawn) < ((day + later) >> 6, other))


def test_partitions_of_numbers_that_rise_are_as_they_were():
    assert bulk.partition_of("picture", 1) == ("picture_0", 0, 1 << 26)
    assert bulk.partition_of("picture", 1 << 26) == ("picture_1", 1 << 26, 2 << 26)
    assert bulk.partition_of("mark", 3 << 36) == ("mark_3", 3 << 36, 4 << 36)


def test_a_number_that_is_taken_is_drawn_again(opened):
    database = opened()
    batch(database, [picture(7.0, 50.0, 0, 0.0)])
    (taken,) = numbers_in(database)
    bits = iter([taken - numbers.personal_number(0, 0) & (1 << numbers.RANDOM_BITS) - 1, 5, 5, 6, 5, 7])
    captured_ms = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1000)

    drawn = database.write(
        lambda t: numbers.draw_numbers(t.connection, [captured_ms] * 3, draw=lambda _count: next(bits))
    )

    mask = (1 << numbers.RANDOM_BITS) - 1
    assert sorted(number & mask for number in drawn) == [5, 6, 7]
    assert len({taken, *drawn}) == 4


def test_chance_that_repeats_itself_ends_in_an_error_and_changes_nothing(opened):
    database = opened()

    with pytest.raises(Conflict, match="no free numbers for 1 of 2 pictures after 20 draws"):
        database.write(lambda t: numbers.draw_numbers(t.connection, [0, 0], draw=lambda _count: 5))

    assert numbers_in(database) == set()


def test_drawn_numbers_leave_those_that_rise_alone(opened):
    database = opened()
    here = [picture(7.0, 50.0, 0, 0.0) for _ in range(3)]
    batch(database, here)
    batch(database, [picture(7.0, 50.0, 0, 0.0) for _ in range(2)], policy=Policy.FLEET)
    batch(database, [picture(7.0, 50.0, 0, 0.0) for _ in range(3)])
    with database.read() as connection:
        assert bulk.counters(connection)["picture"] == 2
    database.write(lambda t: withdraw.erase(t, [1, 2]))
    database = opened()
    batch(database, [picture(7.0, 50.0, 0, 0.0)], policy=Policy.OPEN)

    assert {number for number in numbers_in(database) if number > 0} == {3}
    assert len({number for number in numbers_in(database) if number < 0}) == 6


def test_nothing_is_drawn_for_a_look_where_all_pictures_are_personal(opened):
    database = opened()
    batch(database, [picture(7.0, 50.0, 0, 0.0)])

    with database.read() as connection:
        assert pictures.draw_picture(connection, policies=(Policy.FLEET,), random=secrets.SystemRandom()) is None


@pytest.mark.parametrize("is_oldest_first", [False, True])
@pytest.mark.parametrize("limit", [7, 700])
def test_pages_that_end_at_the_edge_of_a_day_hold_every_picture_once(opened, monkeypatch, is_oldest_first, limit):
    """A walk that gives up ends before the first or behind the last picture of a moment, whatever its number."""
    monkeypatch.setattr(search, "MOST_WALKED", 1)
    database = opened()
    made = [picture(7.0, 50.0, 60 * 24 * 7 * week, 0.0) for week in range(3) for _ in range(510)]
    for first in range(0, len(made), 300):
        batch(database, made[first : first + 300])
    batch(database, made_fleet := [picture(7.0, 50.0, 60 * 24 * 7, 0.0) for _ in range(9)], policy=Policy.FLEET)
    found, after = [], None

    with database.read() as connection:
        for _ in range(len(made)):
            page = find_pictures(connection, Query(is_oldest_first=is_oldest_first), limit=limit, after=after)
            found += [(one.picture.captured_ms, one.picture.id.bytes) for one in page.pictures]
            after = page.end
            if after is None:
                break
        else:
            pytest.fail("pages without an end")

    times = [captured_ms for captured_ms, _ in found]
    assert times == sorted(times, reverse=not is_oldest_first)
    assert sorted(name for _, name in found) == sorted(each.id for each in made + made_fleet)


def grown_old(connection):
    """Make of a database one of schema 8: rising numbers, the last to come on top, and whatever refers to them."""
    is_postgresql = bulk.is_postgresql(connection)
    order = connection.exec_driver_sql("SELECT number FROM picture ORDER BY object, number").scalars().all()
    if is_postgresql:
        bulk._add_partitions(connection, "picture", [{"number": 1}])
    rising = {number: position for position, number in enumerate(order, 1)}
    for table, column in (("picture", "number"), ("mark", "number"), ("live", "number"), *REFERRING):
        for number, position in rising.items():
            connection.exec_driver_sql(f"UPDATE {table} SET {column} = {position} WHERE {column} = {number}")
    bulk.set_counters(connection, {"picture": len(order)})
    if is_postgresql:
        connection.exec_driver_sql("DELETE FROM migration WHERE number > 8")
        for name in connection.exec_driver_sql(
            "SELECT tablename FROM pg_tables WHERE tablename LIKE 'picture\\_personal%%'"
        ).scalars():
            connection.exec_driver_sql(f"DROP TABLE {name}")
    else:
        connection.exec_driver_sql("PRAGMA user_version = 8")


REFERRING = (("report", "picture"), ("decision", "picture"), ("cleared", "picture"), ("kept", "picture"))


def referred(connection):
    """Return what refers to pictures, by their ids."""
    found = {}
    for table, column in (("mark", "number"), ("live", "number"), *REFERRING):
        found[table] = sorted(
            bytes(each)
            for each in connection.exec_driver_sql(
                f"SELECT p.id FROM {table} r JOIN picture p ON p.number = r.{column}"
            ).scalars()
        )
    return found


def test_a_migration_draws_numbers_for_what_came_before(opened):
    database = opened()
    fleet = [picture(7.0, 50.0, 0, 90.0), picture(7.01, 50.0, 5, 0.0)]
    batch(database, fleet, policy=Policy.FLEET)
    places = [(7.0 + n / 1_000, heading) for n in range(20) for heading in (0.0, 90.0)]
    batches = [[picture(lon, 50.0, 0, heading) for lon, heading in places] for _ in range(3)]
    batches.append([picture(7.5, 50.0, 60 * 24 * 900, 10.0) for _ in range(3)])
    for new in batches:
        batch(database, new)
    with database.read() as connection:
        some = sorted(n for n in numbers_in(database) if n < 0)[10:14]
    database.write(lambda t: withdraw.hide(t, some[0]))

    def refer(transaction):
        run = transaction.connection.exec_driver_sql
        run(f"INSERT INTO report (picture, issue, comment, day) VALUES ({some[0]}, 'face', '', 1)")
        run(f"INSERT INTO decision (picture, verdict) VALUES ({some[1]}, 'dismiss')")
        run(f"INSERT INTO cleared (picture) VALUES ({some[2]})")
        run(f"INSERT INTO kept (picture, erased_day) VALUES ({some[3]}, 1)")

    database.write(refer)
    with database.read() as connection:
        before = referred(connection)
    database.write(lambda t: grown_old(t.connection))
    old = numbers_in(database)
    assert old == set(range(1, 126))

    database = opened()

    with database.read() as connection:
        is_personal = {
            row.number: row.policy == "personal"
            for row in connection.exec_driver_sql(
                "SELECT p.number, t.policy FROM picture p JOIN terms t ON t.number = p.terms"
            )
        }
        after = referred(connection)
        by_coming = connection.exec_driver_sql("SELECT number FROM picture ORDER BY object, id").scalars().all()
        spans = {n - numbers.LEAST >> numbers.RANDOM_BITS for n in is_personal if n < 0}
    check(database)
    assert {n for n in is_personal if n > 0} == {1, 2}
    assert all(known == (n < 0) for n, known in is_personal.items())
    assert {name: after[name] for name in before if name != "live"} == {
        name: before[name] for name in before if name != "live"
    }
    assert len(after["live"]) == len(before["live"])
    assert by_coming[2:122] != sorted(by_coming[2:122])
    days = [datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=900)]
    assert spans == {int(day.timestamp()) // 86_400 >> 6 for day in days}
    batch(database, [picture(7.0, 50.0, 0, 0.0)])
    batch(database, [picture(7.0, 50.0, 0, 0.0)], policy=Policy.FLEET)
    check(database)
    assert sum(n > 0 for n in numbers_in(database)) == 3


def test_an_old_database_without_personal_pictures_stays_as_it_is(opened):
    database = opened()
    batch(database, [picture(7.0, 50.0, n, 90.0) for n in range(5)], policy=Policy.FLEET)
    with database.read() as connection:
        before = [rows(connection, f"SELECT * FROM {name} ORDER BY 1, 2") for name in ("picture", "mark", "live")]
    database.write(lambda t: grown_old(t.connection))

    database = opened()

    with database.read() as connection:
        after = [rows(connection, f"SELECT * FROM {name} ORDER BY 1, 2") for name in ("picture", "mark", "live")]
    assert after == before
