import sqlite3
import threading
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa

from dashlight.errors import Conflict, HostError, InputError, Unavailable
from dashlight.store import migrating, schema, sqlite, writer
from dashlight.store.database import Change
from dashlight.store.migrating import migrations
from dashlight.store.sqlite import SqliteDatabase, migrate

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture
def database(tmp_path):
    opened = SqliteDatabase(tmp_path / "dashlight.sqlite")
    yield opened
    opened.close()


def insert(name, value="1"):
    return lambda t: t.connection.execute(sa.insert(schema.setting).values(name=name, value=value)).rowcount


def names(database):
    with database.read() as connection:
        return set(connection.execute(sa.select(schema.setting.c.name)).scalars())


def test_the_migrations_make_the_tables_that_the_code_knows(database):
    with database.read() as connection:
        inspector = sa.inspect(connection)
        found = {t: [c["name"] for c in inspector.get_columns(t)] for t in inspector.get_table_names()}

    assert {t: [c.name for c in table.columns] for t, table in schema.METADATA.tables.items()} == {
        t: columns for t, columns in found.items() if not t.startswith("sqlite_")
    }


def test_migrations_are_numbered_without_a_gap():
    assert [number for number, _ in migrations("sqlite")] == list(range(1, len(migrations("sqlite")) + 1))


@pytest.mark.parametrize("version", [number for number, _ in migrations("sqlite")])
def test_every_older_schema_is_brought_forward_with_its_rows(tmp_path, version):
    path = tmp_path / "old.sqlite"
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert migrate(connection, until=version) == version
        connection.exec_driver_sql("INSERT INTO setting VALUES ('old', '1')")
        connection.commit()
    engine.dispose()

    opened = SqliteDatabase(path)

    assert names(opened) == {"old"}
    opened.close()


def test_a_database_of_a_newer_program_is_left_alone(tmp_path):
    path = tmp_path / "new.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 9999")
    connection.close()

    with pytest.raises(HostError, match="schema 9999"):
        SqliteDatabase(path)


def test_a_file_that_is_no_database_is_told(tmp_path):
    path = tmp_path / "other.sqlite"
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)

    with pytest.raises(HostError):
        SqliteDatabase(path)


def test_a_job_that_fails_undoes_itself_alone(database):
    def failing(transaction):
        insert("failed")(transaction)
        raise InputError("no")

    futures = [database.submit(job) for job in (insert("a"), failing, insert("b"))]

    assert futures[0].result() == 1
    with pytest.raises(InputError):
        futures[1].result()
    assert futures[2].result() == 1
    assert names(database) == {"a", "b"}


def test_a_row_that_exists_is_a_conflict(database):
    database.write(insert("a"))

    with pytest.raises(Conflict):
        database.write(insert("a"))


def test_a_row_that_lacks_something_is_a_defect_and_no_conflict(database):
    with pytest.raises(sa.exc.IntegrityError):
        database.write(insert("a", None))


def test_a_conflict_tells_nothing_of_the_tables(database):
    database.write(insert("a"))

    with pytest.raises(Conflict) as caught:
        database.write(insert("a"))

    assert caught.value.message == "the row exists already"


def test_a_statement_that_is_wrong_is_no_full_disk(database):
    with pytest.raises(sa.exc.OperationalError):
        database.write(lambda t: t.connection.exec_driver_sql("SELECT * FROM nowhere"))
    with pytest.raises(sa.exc.OperationalError), database.read() as connection:
        connection.exec_driver_sql("SELECT * FROM nowhere")


def test_a_reader_for_whom_no_connection_is_free_is_told_to_come_again(database):
    with pytest.raises(Unavailable) as caught, database.read():
        raise sa.exc.TimeoutError

    assert caught.value.code == "busy"


def test_waiting_jobs_share_one_commit_and_listeners_run_before_the_answer(database):
    entered, leave = threading.Event(), threading.Event()
    heard = []
    database.listen(lambda change: heard.append(list(change.qks)))

    def slow(_transaction):
        entered.set()
        leave.wait(10)

    def touching(qk):
        def job(transaction):
            transaction.change.qks.append(qk)

        return job

    first = database.submit(slow)
    entered.wait(10)
    others = [database.submit(touching(n)) for n in range(10)]
    leave.set()
    first.result()
    for future in others:
        future.result()

    assert heard == [[n] for n in range(10)]


def test_a_write_that_nobody_waits_for_any_more_is_left_out_and_the_next_is_made(database):
    entered, leave = threading.Event(), threading.Event()

    def slow(_transaction):
        entered.set()
        leave.wait(10)

    first = database.submit(slow)
    entered.wait(10)
    given_up, next_one = database.submit(insert("given up")), database.submit(insert("next"))
    assert given_up.cancel()
    leave.set()
    first.result(10)

    assert next_one.result(10) == 1
    assert database.submit(insert("later")).result(10) == 1
    assert names(database) == {"next", "later"}


def test_a_write_that_is_made_cannot_be_cancelled_any_more(database):
    entered, leave = threading.Event(), threading.Event()

    def slow(_transaction):
        entered.set()
        leave.wait(10)
        return "done"

    first = database.submit(slow)
    entered.wait(10)

    assert not first.cancel()
    leave.set()
    assert first.result(10) == "done"


def test_a_write_that_another_process_keeps_out_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 50)
    database = SqliteDatabase(tmp_path / "dashlight.sqlite")
    other = sqlite3.connect(tmp_path / "dashlight.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(Unavailable) as caught:
        database.submit(insert("a")).result(10)

    other.close()
    assert caught.value.code == "busy"
    assert database.submit(insert("b")).result(10) == 1
    database.close()


def test_too_many_waiting_writes_are_refused(database):
    entered, leave = threading.Event(), threading.Event()

    def slow(_transaction):
        entered.set()
        leave.wait(10)

    first = database.submit(slow)
    entered.wait(10)
    for n in range(writer.MAX_WAITING):
        database.submit(insert(str(n)))
    with pytest.raises(Unavailable):
        database.submit(insert("one too many"))
    leave.set()
    first.result()


def test_a_listener_that_raises_keeps_nobody_from_writing_or_hearing(database, caplog):
    told, heard = [], []

    def failing(change):
        told.append(change)
        raise ZeroDivisionError

    database.listen(failing)
    database.listen(heard.append)

    for qk in (1, 2):
        assert database.submit(lambda t, qk=qk: t.change.qks.append(qk)).result(10) is None

    assert [change.qks for change in heard] == [[1], [2]]
    assert [(change.qks, change.is_everywhere) for change in told] == [
        ([1], False),
        ([], True),
        ([2], False),
        ([], True),
    ]
    assert any(each.exc_info for each in caplog.records if each.message == "store.unheard")


def test_a_writer_outlives_what_is_to_be_told_after_a_commit(database, caplog):
    def failing(_changes):
        raise ZeroDivisionError

    lasting = writer.Writer(database._writing.begin, as_ours=lambda exc: exc, after_commit=failing)

    assert lasting.submit(insert("a")).result(10) == 1
    assert lasting.submit(insert("b")).result(10) == 1

    lasting.close()
    assert names(database) == {"a", "b"}
    assert any(each.exc_info for each in caplog.records if each.message == "store.untold")


def test_a_writer_outlives_an_error_that_it_cannot_tell(database):
    def failing(_exc):
        raise ZeroDivisionError

    lasting = writer.Writer(database._writing.begin, as_ours=failing, after_commit=lambda _changes: None)

    with pytest.raises(ZeroDivisionError):
        lasting.submit(lambda _transaction: {}["missing"]).result(10)
    assert lasting.submit(insert("b")).result(10) == 1

    lasting.close()


def test_a_write_to_a_closed_database_is_refused_and_those_before_are_made(tmp_path):
    database = SqliteDatabase(tmp_path / "dashlight.sqlite")
    entered, leave = threading.Event(), threading.Event()

    def slow(_transaction):
        entered.set()
        leave.wait(10)

    database.submit(slow)
    entered.wait(10)
    waiting = database.submit(insert("a"))
    closing = threading.Thread(target=database.close)
    closing.start()
    leave.set()
    closing.join(10)

    assert waiting.result(10) == 1
    with pytest.raises(Unavailable) as caught:
        database.submit(insert("b"))
    assert caught.value.code == "stopping"


def test_a_reader_cannot_write(database):
    with pytest.raises(Unavailable), database.read() as connection:
        connection.execute(sa.insert(schema.setting).values(name="x", value="y"))


def test_a_change_begins_empty():
    change = Change()

    assert (change.qks, change.events, change.is_erasing) == ([], [], False)


def test_commits_are_durable_and_deleted_rows_are_overwritten(database):
    with database._writing.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "secure_delete")
        }

    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}


def test_every_commit_makes_the_journal_due_and_emptying_it_does_not(database, tmp_path):
    journal = tmp_path / "dashlight.sqlite-wal"
    database.forget_journal()
    assert not database.is_journal_due

    database.write(insert("one"))

    assert database.is_journal_due
    assert journal.stat().st_size > 0
    assert database.forget_journal()
    assert (database.is_journal_due, journal.stat().st_size) == (False, 0)


def test_a_journal_that_a_reader_holds_stays_due(database):
    database.write(insert("one"))
    with database.read() as connection:
        connection.exec_driver_sql("SELECT * FROM setting").all()
        with database._writing.connect() as writing:
            writing.exec_driver_sql("PRAGMA busy_timeout=50")
        assert not database.forget_journal()

    assert database.is_journal_due


def test_a_migration_that_is_cut_off_is_undone_and_made_again(tmp_path, monkeypatch):
    path = tmp_path / "half.sqlite"
    real = migrations("sqlite")
    half = [*real[:1], (2, real[1][1] + "; INSERT INTO setting VALUES ('half', '1'); SELECT missing FROM nowhere;")]
    monkeypatch.setattr(sqlite, "migrations", lambda _dialect: half)
    with pytest.raises(HostError, match="nowhere"):
        SqliteDatabase(path)
    with sqlite3.connect(path) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM setting").fetchone() == (0,)
        assert "refused" not in tables
    connection.close()

    monkeypatch.undo()
    SqliteDatabase(path).close()

    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (real[-1][0],)
    connection.close()


def test_both_databases_have_the_same_migrations():
    assert [number for number, _ in migrations("postgresql")] == [number for number, _ in migrations("sqlite")]


def test_no_migration_that_stores_may_have_seen_is_changed():
    folder = Path(migrating.__file__).parent / "migrations"
    seen = dict(line.split()[::-1] for line in (GOLDEN / "migrations.sha256").read_text("utf-8").splitlines())

    now = {str(f.relative_to(folder)): sha256(f.read_bytes()).hexdigest() for f in folder.rglob("*.sql")}

    assert now == seen, "write a new migration, and add its line with sha256sum"
