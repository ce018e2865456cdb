"""What is counted is what is there: after any mixture of publishing, hiding and erasing."""

from uuid import UUID

import numpy as np
import pytest
import road_network
from derived_rows import apply, check, picture, rows, steps
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashlight.model import Policy
from dashlight.store import chart, outbox, withdraw
from dashlight.store.publish import add_object, publish
from dashlight.store.sqlite import SqliteDatabase


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=1, max_size=8))
def test_counts_marks_and_freshest_agree_with_the_pictures(tmp_path_factory, found):
    database = SqliteDatabase(tmp_path_factory.mktemp("db") / "x.sqlite")
    try:
        for what, detail, sequence in found:
            apply(database, what, detail, sequence)
            check(database)
    finally:
        database.close()


def test_the_benchmarks_country_has_the_rows_that_publishing_makes(tmp_path):
    count = 400
    road_network.build(tmp_path / "made.sqlite", count)

    database = SqliteDatabase(tmp_path / "made.sqlite")

    try:
        check(database)
        with database.read() as connection:
            assert len(rows(connection, "SELECT * FROM picture")) == count
    finally:
        database.close()


def test_what_is_erased_is_told_and_what_was_told_of_it_is_forgotten(tmp_path):
    database = SqliteDatabase(tmp_path / "x.sqlite")
    new = [picture(7.0, 50.0, n, 0.0) for n in range(3)]

    def job(transaction):
        number = add_object(transaction, "a", size_bytes=2_000, head_bytes=500)
        publish(transaction, new, policy=Policy.FLEET, object_number=number, sequence=None)

    database.write(job)
    database.write(lambda t: withdraw.erase(t, [2]))

    with database.read() as connection:
        events = outbox.events_after(connection, 0, limit=100)
        again = outbox.events_after(connection, 4, limit=100)
        unknown = outbox.events_after(connection, 5, limit=100)
        notes = rows(connection, "SELECT offset_bytes, length_bytes FROM erasure ORDER BY offset_bytes")
    database.close()
    assert [(e.cursor, e.kind) for e in events] == [(1, "picture"), (3, "picture"), (4, "gone")]
    assert (again, unknown) == ([], None)
    assert [tuple(n) for n in notes] == [(0, 500), (1000, 100), (1100, 50)]


def test_a_dense_tile_shows_the_newest_of_each_place_and_heading_first(tmp_path):
    database = SqliteDatabase(tmp_path / "x.sqlite")
    here = [picture(7.0, 50.0, n, 0.0) for n in range(20)]
    there = [picture(7.01 + n / 1000, 50.0, 0, 0.0) for n in range(5)]

    def job(transaction):
        number = add_object(transaction, "a", size_bytes=2_000, head_bytes=0)
        publish(transaction, here + there, policy=Policy.FLEET, object_number=number, sequence=None)

    database.write(job)
    with database.read() as connection:
        everything = (0, 1 << 48)
        all_marks = chart.marks_in(connection, everything, days=None, most=25)
        few = chart.marks_in(connection, everything, days=None, most=10)
        fewer = chart.marks_in(connection, everything, days=None, most=3)
        filtered = chart.marks_in(connection, everything, days=(0, 99_999), most=6)
    database.close()

    assert [len(m) for m in (all_marks, few, fewer, filtered)] == [25, 10, 3, 6]
    shown = {m.tobytes() for m in few["id"]}
    assert {p.id for p in there} | {here[-1].id} <= shown
    assert here[-1].id in {m.tobytes() for m in fewer["id"]}
    assert {m.tobytes() for m in filtered["id"]} == {p.id for p in there} | {here[-1].id}
    assert len(np.unique(few["id"], axis=0)) == 10


def test_nothing_on_a_tile_tells_in_which_order_pictures_came(tmp_path):
    database = SqliteDatabase(tmp_path / "x.sqlite")

    def batch(transaction):
        new = [picture(7.0 + n / 1000, 50.0, 0, 90.0 * n) for n in range(4)]
        key = f"{len(rows(transaction.connection, 'SELECT * FROM object'))}"
        number = add_object(transaction, key, size_bytes=2_000, head_bytes=0)
        publish(transaction, new, policy=Policy.PERSONAL, object_number=number, sequence=None)

    for _ in range(6):
        database.write(batch)
    with database.read() as connection:
        for days in (None, (0, 99_999)):
            marks = chart.marks_in(connection, (0, 1 << 48), days=days, most=24)
            for place in np.unique(marks["lon_e6"]):
                (here,) = (marks["lon_e6"] == place).nonzero()
                ids = [marks["id"][row].tobytes() for row in here]
                assert len(ids) == 6
                assert ids == sorted(ids)
                assert here.tolist() == list(range(here[0], here[0] + 6))
    database.close()


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_too_many_missed_events_are_a_refresh(tmp_path, limit):
    database = SqliteDatabase(tmp_path / "x.sqlite")
    database.write(lambda t: outbox.tell(t, [outbox.NewEvent("refresh", "{}")] * 3))

    with database.read() as connection:
        found = outbox.events_after(connection, 0, limit=limit)

    database.close()
    assert (found is None) == (limit < 3)


def test_what_was_told_of_a_hidden_picture_is_forgotten(tmp_path):
    database = SqliteDatabase(tmp_path / "dashlight.sqlite")
    made = [picture(7.0, 50.0, n, 0.0) for n in range(2)]

    def add(transaction):
        number = add_object(transaction, "bundles/aa", size_bytes=2_000, head_bytes=500)
        publish(transaction, made, policy=Policy.FLEET, object_number=number, sequence=None)

    database.write(add)
    with database.read() as connection:
        numbers = [r.number for r in rows(connection, "SELECT number FROM picture ORDER BY captured_ms")]

    database.write(lambda t: withdraw.hide(t, numbers[1]))

    with database.read() as connection:
        told = outbox.events_after(connection, 0, limit=100)
    assert [event.kind for event in told] == ["picture", "gone"]
    assert str(UUID(bytes=made[0].id)) in told[0].data
    assert str(UUID(bytes=made[1].id)) in told[1].data
    database.close()
