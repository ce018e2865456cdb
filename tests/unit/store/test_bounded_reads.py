"""A reader whose time is bounded ends by itself, and is in the way of nobody who forgets or writes."""

import threading
from uuid import UUID

import pytest
import sqlalchemy as sa
from stores import backends

from dashlight.errors import Unavailable
from dashlight.store import schema
from dashlight.store.collections import parsed_collection
from dashlight.store.conditions import Combination, Comparison
from dashlight.store.search import Query, find_pictures
from dashlight.store.sqlite import SqliteDatabase

__all__ = ["backends"]
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
def database(tmp_path):
    opened = SqliteDatabase(tmp_path / "dashlight.sqlite")
    yield opened
    opened.close()


def note(transaction, name="a"):
    transaction.connection.execute(sa.insert(schema.setting).values(name=name, value="b"))


def test_a_statement_that_takes_too_long_is_ended(database):
    with pytest.raises(Unavailable) as caught, database.read(most_s=0.05) as connection:
        connection.exec_driver_sql(ENDLESS)

    assert caught.value.code == "too-long"
    assert "0.05 s" in caught.value.message


def test_no_statement_begins_after_the_time(database):
    with pytest.raises(Unavailable) as caught, database.read(most_s=0.0) as connection:
        connection.exec_driver_sql("SELECT 1")

    assert caught.value.code == "too-long"


def test_the_connection_is_as_before_afterwards(database):
    for _ in range(3):
        with pytest.raises(Unavailable), database.read(most_s=0.0) as connection:
            connection.exec_driver_sql("SELECT 1")

    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1


def test_who_forgets_ends_a_reader_that_has_long_to_go(database, tmp_path):
    begun, ended = threading.Event(), []

    def read():
        try:
            with database.read(most_s=600.0) as connection:
                connection.exec_driver_sql("SELECT count(*) FROM setting")
                begun.set()
                connection.exec_driver_sql(ENDLESS)
        except Unavailable as exc:
            ended.append(exc.code)

    reader = threading.Thread(target=read)
    reader.start()
    assert begun.wait(10)
    database.write(note)

    is_forgotten = database.forget_journal()

    reader.join(10)
    assert is_forgotten
    assert ended == ["too-long"]
    assert (tmp_path / "dashlight.sqlite-wal").stat().st_size == 0


def test_writes_go_on_while_who_forgets_waits_for_a_reader(database):
    database.write(note)
    forgotten = []
    with database.read() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM setting")
        database.write(lambda t: note(t, "c"))
        waiting = threading.Thread(target=lambda: forgotten.append(database.forget_journal()))
        waiting.start()
        while not database._forgetting.is_waiting:
            pass

        for n in range(20):
            database.submit(lambda t, n=n: note(t, f"n{n}")).result(1.0)

        assert forgotten == []
    waiting.join(10)
    assert forgotten == [True]


def test_searches_of_many_shapes_leave_no_statements_behind(database):
    cells = [parsed_collection(f"personal-86283082{n}ffffff-2026-{m:02}") for n in "07" for m in range(1, 13)]
    cells = [each for each in cells if each is not None]
    kept = []

    for n in range(50):
        parts = tuple(Comparison("dashlight:rank", "=" if n >> j & 1 else "<>", 1.0) for j in range(6))
        with database.read() as connection:
            find_pictures(connection, Query(condition=Combination("and", parts)), limit=1)
        some = tuple(cells[: n % len(cells)])
        with database.read() as connection:
            find_pictures(connection, Query(ids=(UUID(int=n),), collections=some), limit=1)
        with database.read() as connection:
            find_pictures(connection, Query(collections=some), limit=1)
        kept.append(len(database._engine._compiled_cache))

    assert kept[-1] == kept[1]


@pytest.mark.parametrize("most_s", [0.05, 0.0])
def test_postgresql_ends_a_reader_too(backends, tmp_path, most_s):
    store = backends.store(tmp_path, "postgresql-folder")
    try:
        with pytest.raises(Unavailable) as caught, store.database.read(most_s=most_s) as connection:
            connection.exec_driver_sql(ENDLESS)
        with store.database.read() as connection:
            timeout = connection.exec_driver_sql("SHOW statement_timeout").scalar()
    finally:
        store.database.close()

    assert caught.value.code == "too-long"
    assert timeout == "0"
