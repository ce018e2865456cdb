"""The database or the bucket is gone for a while: 503 and not ready, then well again, and nothing is lost."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import made_bundles
import postgres
import psycopg
import pytest
import s3
import sqlalchemy as sa
from derived_rows import check
from servers import Served, ServerProcess, served

from dashlight.errors import Unavailable
from dashlight.store import bundles, migrating, postgresql, schema
from dashlight.store.postgresql import PostgresqlDatabase
from dashlight.store.upkeep import Readiness, sweep
from dashlight.wire import deletion_secret, to_base64url

PATIENCE_S = 90.0


@pytest.fixture(scope="module")
def cluster():
    if why := postgres.why_not():
        pytest.skip(why)
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="module")
def bucket():
    if why := s3.why_not():
        pytest.skip(why)
    with s3.running() as server:
        yield server


@pytest.fixture
def server(tmp_path, cluster, bucket, monkeypatch):
    monkeypatch.setattr(Readiness, "KEEP_S", 0.0)  # Each look is a trial.
    chosen = {"database_url": cluster.url(), "objects_url": bucket.url()}
    with served(tmp_path, **chosen, objects_key_id=s3.KEY_ID, objects_secret=s3.SECRET) as running:
        yield running


def assert_waits(reply):
    assert reply.status_code == 503, reply.text
    assert int(reply.headers["Retry-After"]) >= 1
    assert "127.0.0.1" not in reply.text, "what stands behind is nobody's business"


def until(server, url, status):
    """Return a reply of that status; each look is a request."""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        reply = server.client.get(url)
        if reply.status_code == status:
            return reply
    raise AssertionError(reply.text)


def test_a_database_that_is_gone_for_a_while(server, cluster):
    token, other = server.token(), server.token()
    archive, later = made_bundles.archive(3), made_bundles.archive(2, bundle_number=2)
    receipt = server.publish(archive, token)
    picture = f"/v1/pictures/{receipt.picture_ids[0]}"

    cluster.stop()
    try:
        assert_waits(server.client.get(picture))
        assert_waits(server.client.get("/v1/tiles/3/3/3.mvt"))
        assert_waits(server.client.get("/v1/pictures?bbox=-10,30,10,60"))
        assert_waits(server.client.get("/readyz"))
        assert_waits(server.put(later, other))
        assert_waits(server.client.post("/v1/tokens", json={"count": 1}, headers={"Authorization": f"Bearer {token}"}))
        assert server.client.get("/healthz").status_code == 200
    finally:
        cluster.start()

    until(server, "/readyz", 200)
    assert server.client.get(picture).status_code == 200
    assert server.put(later, other).status_code == 201
    assert server.put(archive, token).status_code == 200
    assert server.client.get("/v1/instance").json()["pictures"] == 5
    check(server.store.database)


def test_a_database_that_goes_while_bundles_come(server, cluster):
    archives = [made_bundles.archive(4, bundle_number=10 + n) for n in range(8)]
    tokens = [server.token() for _ in archives]
    is_first_in, is_back = threading.Event(), threading.Event()

    def send(n):
        for _ in range(100):
            reply = server.put(archives[n], tokens[n])
            is_first_in.set()
            if reply.status_code != 503:
                return reply.status_code
            is_back.wait(PATIENCE_S)
        return 503

    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(send, n) for n in range(len(archives))]
        is_first_in.wait(20)
        cluster.stop()
        cluster.start()
        is_back.set()
        statuses = [each.result() for each in sent]

    assert set(statuses) <= {200, 201}
    until(server, "/readyz", 200)
    assert server.client.get("/v1/instance").json()["pictures"] == 32
    check(server.store.database)
    sweep(server.store.database, server.store.objects)
    with server.store.database.read() as connection:
        assert bundles.object_keys(connection) <= set(server.store.objects.keys())


def test_a_bucket_that_is_gone_for_a_while(server, bucket):
    archive, later = made_bundles.archive(3, bundle_number=30), made_bundles.archive(2, bundle_number=31)
    receipt, other = server.publish(archive), server.token()
    picture = f"/v1/pictures/{receipt.picture_ids[0]}"
    secret = {"Dashlight-Deletion-Secret": to_base64url(deletion_secret(made_bundles.SEED, 30, 0))}

    bucket.kill()
    try:
        assert_waits(server.client.get(f"{picture}/picture.jpg"))
        assert_waits(server.client.get("/readyz"))
        assert_waits(server.put(later, other))
        assert server.client.get(picture).status_code == 200
        assert_waits(server.client.delete(picture, headers=secret))
        assert server.client.get(picture).status_code == 410, "the rows are gone; the bytes follow"
    finally:
        bucket.start()

    until(server, "/readyz", 200)
    assert server.put(later, other).status_code == 201
    assert server.client.delete(picture, headers=secret).status_code == 410, "it is done"
    second = f"/v1/pictures/{receipt.picture_ids[1]}/picture.jpg"
    assert server.client.get(second).content == made_bundles.redacted(1).jpeg
    content = b"".join(
        server.store.objects.read(key, 0, len(archive)) for key, size in sizes(server) if size == len(archive)
    )
    assert made_bundles.redacted(0).jpeg not in content
    assert made_bundles.redacted(2).jpeg in content


def sizes(server):
    with server.store.database.read() as connection:
        return connection.execute(sa.select(schema.object_.c.key, schema.object_.c.size_bytes)).all()


def test_events_of_the_time_in_which_a_listener_was_deaf_are_told(server, cluster):
    told = []
    news = threading.Condition()

    def hear(change):
        with news:
            told.extend(event.cursor for event in change.events)
            news.notify_all()

    server.store.database.listen(hear)
    server.publish(made_bundles.archive(2, bundle_number=40))
    cluster.stop()
    cluster.start()
    token = until_token(server)
    assert server.put(made_bundles.archive(2, bundle_number=41), token).status_code in (200, 201)

    with news:
        assert news.wait_for(lambda: len(told) >= 4, timeout=30), told
    assert told == [1, 2, 3, 4]


def until_token(server):
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        try:
            return server.token()
        except (AssertionError, Unavailable):
            continue
    raise AssertionError("no token")


def test_a_server_that_is_killed_loses_nothing_that_it_acknowledged(tmp_path, cluster, bucket):
    env = {
        "DASHLIGHT_SERVER_DATABASE_URL": cluster.url(),
        "DASHLIGHT_SERVER_OBJECTS_URL": bucket.url(),
        "DASHLIGHT_SERVER_OBJECTS_KEY_ID": s3.KEY_ID,
        "DASHLIGHT_SERVER_OBJECTS_SECRET": s3.SECRET,
    }
    process = ServerProcess(tmp_path, "--recheck-share", "0", env=env).start()
    database = PostgresqlDatabase(env["DASHLIGHT_SERVER_DATABASE_URL"])
    try:
        client = Served(RowsBeside(database), process.url, process.folder)
        archive, token = made_bundles.archive(3, bundle_number=50), client.token()
        receipt = client.publish(archive, token)
        process.kill()
        process.start()

        assert client.put(archive, token).status_code == 200
        jpeg = client.client.get(f"/v1/pictures/{receipt.picture_ids[2]}/picture.jpg")
        assert jpeg.content == made_bundles.redacted(2).jpeg
        client.client.close()
    finally:
        database.close()
        process.stop()


class RowsBeside:
    """The database of a server that runs in another process."""

    def __init__(self, database):
        self.store = self
        self.database = database


def test_a_migration_that_is_cut_off_is_undone_and_made_again(cluster, monkeypatch):
    url = cluster.url()
    real = migrating.migrations("postgresql")
    half = [*real[:1], (2, real[1][1] + "; INSERT INTO setting VALUES ('half', '1'); SELECT 1 / 0"), *real[2:]]
    monkeypatch.setattr(postgresql, "migrations", lambda _dialect: half)
    with pytest.raises(postgresql.HostError, match="division by zero"):
        PostgresqlDatabase(url)
    with psycopg.connect(url) as connection:
        found = {row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
        numbers = [row[0] for row in connection.execute("SELECT number FROM migration")]
        half_done = connection.execute("SELECT count(*) FROM setting").fetchone()
    assert numbers == [1]
    assert "refused" not in found
    assert half_done == (0,)

    monkeypatch.undo()
    PostgresqlDatabase(url).close()

    with psycopg.connect(url) as connection:
        assert [row[0] for row in connection.execute("SELECT number FROM migration ORDER BY 1")] == [n for n, _ in real]


def test_several_servers_that_start_together_make_one_schema(cluster):
    url = cluster.url()
    with ThreadPoolExecutor(4) as pool:
        databases = list(pool.map(lambda _: PostgresqlDatabase(url), range(4)))
    for database in databases:
        database.close()

    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM migration").fetchone() == (
            len(migrating.migrations("postgresql")),
        )


def test_a_server_waits_for_a_migration_however_long_it_takes(cluster, monkeypatch):
    monkeypatch.setattr(postgresql, "_SESSION", "-c lock_timeout=100")
    url = cluster.url()
    with psycopg.connect(url, autocommit=True) as migrating_elsewhere, ThreadPoolExecutor(1) as pool:
        key = postgresql._key("migration")
        migrating_elsewhere.execute("SELECT pg_advisory_lock(%s, %s)", (postgresql._LOCKS, key))
        opening = pool.submit(PostgresqlDatabase, url)
        with pytest.raises(TimeoutError):
            opening.result(1.0)
        migrating_elsewhere.execute("SELECT pg_advisory_unlock(%s, %s)", (postgresql._LOCKS, key))
        opening.result(20).close()


def test_a_database_of_a_newer_program_is_left_alone(cluster):
    url = cluster.url()
    PostgresqlDatabase(url).close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO migration VALUES (9999)")

    with pytest.raises(postgresql.HostError, match="schema 9999"):
        PostgresqlDatabase(url)


def test_however_many_wait_for_a_turn_each_process_connects_once_for_it(cluster):
    url = cluster.url()
    one, two = PostgresqlDatabase(url), PostgresqlDatabase(url)
    leave = threading.Event()

    def wait_in(database):
        with database.alone("erasures", is_waiting=True) as is_mine:
            leave.wait(20)
            return is_mine

    def connected(name):
        with psycopg.connect(url) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND query LIKE '%%advisory_lock(%%'"
                " AND query NOT LIKE '%%xact%%'",
                (f"dashlight {name}",),
            ).fetchone()
        return row[0]

    with ThreadPoolExecutor(16) as pool:
        waiting = [pool.submit(wait_in, database) for database in (one, two) for _ in range(8)]
        ends = time.monotonic() + PATIENCE_S
        while (connected(one._name), connected(two._name)) != (1, 1) and time.monotonic() < ends:
            continue
        most = [max(connected(each._name) for _ in range(20)) for each in (one, two)]
        leave.set()
        taken = [each.result(20) for each in waiting]
    one.close()
    two.close()

    assert most == [1, 1]
    assert all(taken)


def test_a_writer_that_hangs_keeps_nobody_for_ever(cluster, monkeypatch):
    monkeypatch.setattr(postgresql, "_SESSION", "-c lock_timeout=200")
    url = cluster.url()
    one, two = PostgresqlDatabase(url), PostgresqlDatabase(url)
    entered, leave = threading.Event(), threading.Event()

    def slow(_transaction):
        entered.set()
        leave.wait(20)

    first = one.submit(slow)
    entered.wait(20)
    with pytest.raises(Unavailable) as caught:
        two.write(lambda t: t.connection.execute(sa.insert(schema.setting).values(name="x", value="1")) and 1)
    leave.set()
    first.result()

    assert caught.value.code == "busy"
    assert two.write(lambda _t: "well again") == "well again"
    one.close()
    two.close()
