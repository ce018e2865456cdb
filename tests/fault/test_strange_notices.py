"""What others say on our channel of PostgreSQL's notices: nothing of it makes a server deaf."""

import json
import threading

import postgres
import psycopg
import pytest
import sqlalchemy as sa

from dashlight.store import schema
from dashlight.store.database import Change
from dashlight.store.postgresql import PostgresqlDatabase

STRANGE = ["hello", "", "{}", "[1]", "null", '{"of": 1}', '{"of": "x"}', "[" * 7_000, '{"of": "x", "tiles": "all"}']
STRANGE += [json.dumps({"of": "x", "tiles": tiles}) for tiles in ([None], [-1], [1 << 30], [True], [0.5], {"1": 2})]


@pytest.fixture(scope="module")
def cluster():
    if why := postgres.why_not():
        pytest.skip(why)
    with postgres.running() as server:
        yield server


@pytest.fixture
def url(cluster):
    return cluster.url()


@pytest.fixture
def database(url):
    opened = PostgresqlDatabase(url)
    yield opened
    closing = threading.Thread(target=opened.close, daemon=True)
    closing.start()
    closing.join(20)
    assert not closing.is_alive(), "closing hangs"


class Heard:
    """What a listener was told, and a wait for it; `raises` is called with each."""

    def __init__(self, database, raises=lambda _change: None):
        self.changes = []
        self._news = threading.Condition()
        self._raises = raises
        database.listen(self._hear)

    def _hear(self, change):
        with self._news:
            self.changes.append(change)
            self._news.notify_all()
        self._raises(change)

    def wait_for(self, is_come):
        with self._news:
            return self._news.wait_for(lambda: is_come(self.changes), timeout=20)


def notify(url, payload):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_notify('dashlight', %s)", (payload,))


def touch(database, qk):
    database.write(lambda t: t.change.qks.append(qk))


@pytest.mark.parametrize("payload", STRANGE, ids=range(len(STRANGE)))
def test_a_notice_that_is_not_ours_empties_what_is_kept_and_the_next_is_heard(url, database, payload):
    heard = Heard(database)
    other = PostgresqlDatabase(url)

    notify(url, payload)
    touch(other, 5 << 18)

    assert heard.wait_for(lambda changes: any(c.is_everywhere for c in changes))
    assert heard.wait_for(lambda changes: any(c.qks == [5 << 18] for c in changes)), "deaf"
    other.close()


def test_a_listener_that_raises_makes_neither_the_others_nor_the_next_change_unheard(url, database, caplog):
    def raises(_change):
        raise ZeroDivisionError

    failing, heard = Heard(database, raises), Heard(database)
    other = PostgresqlDatabase(url)

    touch(other, 5 << 18)
    touch(other, 6 << 18)

    for each in (failing, heard):
        assert each.wait_for(lambda changes: {5 << 18, 6 << 18} <= {qk for c in changes for qk in c.qks})
    assert Change(is_everywhere=True) in failing.changes
    assert Change(is_everywhere=True) not in heard.changes
    assert any(each.exc_info for each in caplog.records if each.message == "store.unheard")
    other.close()


def test_what_raises_while_listening_is_told_with_its_traceback_and_the_next_is_heard(
    url, database, caplog, monkeypatch
):
    heard = Heard(database)
    other = PostgresqlDatabase(url)
    real = database._tell_events
    calls = []

    def fails_once(connection):
        calls.append(connection)
        if len(calls) == 1:
            raise ZeroDivisionError
        real(connection)

    monkeypatch.setattr(database, "_tell_events", fails_once)

    touch(other, 5 << 18)
    assert heard.wait_for(lambda changes: any(c.is_everywhere for c in changes))
    assert heard.wait_for(lambda _changes: len(calls) >= 2)
    touch(other, 6 << 18)

    assert heard.wait_for(lambda changes: any(c.qks == [6 << 18] for c in changes)), "deaf"
    assert any(each.exc_info for each in caplog.records if each.message == "store.deaf")
    other.close()
    with database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.event)).scalar() == 0
