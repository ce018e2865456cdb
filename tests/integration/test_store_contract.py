"""One contract, every pair of stores: what a server promises does not depend on where its rows and bytes are."""

import secrets
import threading
from uuid import UUID

import made_bundles
import pytest
import sqlalchemy as sa
from derived_rows import SEQUENCES, apply, check, picture, pictures, rows, steps
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import personal_archive, served
from stores import PAIRS, wait_for_first_batch

from dashlight.errors import Conflict, Corrupt, DashlightError, InputError, NotFound, Unavailable
from dashlight.ingest.personal import publish_staged
from dashlight.model import LonLat, Policy, tile_xy
from dashlight.store import chart, outbox, schema, withdraw, writer
from dashlight.store.publish import add_object, publish
from dashlight.store.upkeep import check_writable, sweep
from dashlight.wire import bundle_key, deletion_secret, sign, to_base64url

DATABASES = ("sqlite-folder", "postgresql-folder")
OBJECTS = ("sqlite-folder", "sqlite-s3")
WORLD = (0, 1 << 48)


@pytest.fixture
def store(request, tmp_path, backends):
    opened = backends.store(tmp_path, request.param)
    yield opened
    opened.database.close()


@pytest.fixture(params=PAIRS)
def running(request, tmp_path, backends):
    with served(tmp_path, **backends.settings(request.param)) as server:
        yield server


every_database = pytest.mark.parametrize("store", DATABASES, indirect=True)
every_objects = pytest.mark.parametrize("store", OBJECTS, indirect=True)
every_pair = pytest.mark.parametrize("store", PAIRS, indirect=True)


def insert(name):
    return lambda t: t.connection.execute(sa.insert(schema.setting).values(name=name, value="1")) and 1


def names(database):
    with database.read() as connection:
        return set(connection.execute(sa.select(schema.setting.c.name)).scalars()) - {"server_key"}


def put(objects, key, content):
    staged = objects.staging_file()
    staged.write_bytes(content)
    objects.adopt(staged, key)
    assert not staged.exists()


def add(database, new, *, key="a", sequence=None):
    def job(transaction):
        number = add_object(transaction, key, size_bytes=2_000, head_bytes=500)
        publish(transaction, new, policy=Policy.FLEET, object_number=number, sequence=sequence)

    database.write(job)


class Heard:
    """What a listener is told, and a wait for it."""

    def __init__(self, database):
        self.changes = []
        self._news = threading.Condition()
        database.listen(self._hear)

    def _hear(self, change):
        with self._news:
            self.changes.append(change)
            self._news.notify_all()

    def events(self, count):
        """Return the cursors of the first `count` events, once they have come."""
        with self._news:
            came = self._news.wait_for(lambda: len(self._cursors()) >= count, timeout=20)
        assert came, f"{len(self._cursors())} of {count} events"
        return self._cursors()

    def _cursors(self):
        return [event.cursor for change in self.changes for event in change.events]


@every_database
def test_a_job_that_fails_undoes_itself_alone(store):
    def failing(transaction):
        insert("failed")(transaction)
        raise InputError("no")

    futures = [store.database.submit(job) for job in (insert("a"), failing, insert("b"), insert("a"))]

    assert futures[0].result() == 1
    with pytest.raises(InputError):
        futures[1].result()
    assert futures[2].result() == 1
    with pytest.raises(Conflict):
        futures[3].result()
    assert names(store.database) == {"a", "b"}


@every_database
def test_a_reader_cannot_write(store):
    with pytest.raises(DashlightError), store.database.read() as connection:
        connection.execute(sa.insert(schema.setting).values(name="x", value="y"))

    assert names(store.database) == set()


@every_database
def test_a_reader_sees_one_moment(store):
    with store.database.read() as connection:
        before = connection.execute(sa.select(sa.func.count()).select_from(schema.setting)).scalar()
        store.database.write(insert("later"))
        after = connection.execute(sa.select(sa.func.count()).select_from(schema.setting)).scalar()

    assert before == after
    assert names(store.database) == {"later"}


@every_database
def test_too_many_waiting_writes_are_refused(store):
    entered, leave = threading.Event(), threading.Event()

    def slow(_transaction):
        entered.set()
        leave.wait(20)

    first = store.database.submit(slow)
    entered.wait(20)
    waiting = [store.database.submit(insert(str(n))) for n in range(writer.MAX_WAITING)]
    with pytest.raises(Unavailable):
        store.database.submit(insert("one too many"))
    leave.set()
    first.result()
    for future in waiting:
        future.result()


@every_database
def test_places_are_told_before_the_answer_and_events_in_the_order_of_their_cursors(store):
    heard = Heard(store.database)

    for n in range(5):
        add(store.database, [picture(7.0, 50.0, n, 0.0), picture(7.1, 50.0, n, 90.0)], key=str(n))
        assert sum(len(change.qks) for change in heard.changes) >= 2 * (n + 1)

    assert heard.events(10) == list(range(1, 11))


@every_database
def test_two_are_never_alone_together(store):
    inside, is_other_in = threading.Event(), threading.Event()

    def waits():
        with store.database.alone("batch", is_waiting=True) as is_mine:
            assert is_mine
            is_other_in.set()

    with store.database.alone("batch") as is_mine, store.database.alone("orphans") as is_another:
        assert is_mine
        assert is_another
        with store.database.alone("batch") as is_second:
            assert not is_second
        other = threading.Thread(target=waits)
        other.start()
        inside.wait(0.2)
        assert not is_other_in.is_set()
    other.join(20)
    assert is_other_in.is_set()


@every_database
def test_what_is_to_be_forgotten_is_and_no_row_is_lost(store):
    database = store.database
    add(database, [picture(7.0, 50.0, n, 0.0) for n in range(3)])
    tokens = sorted(secrets.token_bytes(32) for _ in range(50))
    for token in reversed(tokens):
        database.write(lambda t, h=token: t.connection.execute(sa.insert(schema.token).values(hash=h, policy="open")))
    database.write(lambda t: withdraw.erase(t, [2]))
    assert database.is_journal_due

    database.forget_order()
    database.forget_journal()

    assert not database.is_journal_due
    with database.read() as connection:
        assert [bytes(h) for h in connection.execute(sa.select(schema.token.c.hash)).scalars()] == tokens
    check(database)


@every_database
def test_the_schema_has_the_tables_that_the_code_knows(store):
    with store.database.read() as connection:
        inspector = sa.inspect(connection)
        found = {t: [c["name"] for c in inspector.get_columns(t)] for t in schema.METADATA.tables}

    assert found == {t: [c.name for c in table.columns] for t, table in schema.METADATA.tables.items()}


@pytest.fixture(scope="module", params=DATABASES)
def one_database(request, tmp_path_factory, backends):
    opened = backends.store(tmp_path_factory.mktemp("store"), request.param)
    yield opened.database
    opened.database.close()


def empty(database):
    def job(transaction):
        for table in schema.METADATA.tables.values():
            if table.name != "setting":
                transaction.connection.execute(sa.delete(table))

    database.write(job)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=1, max_size=6))
def test_counts_marks_and_freshest_agree_with_the_pictures(one_database, found):
    empty(one_database)
    for what, detail, sequence in found:
        apply(one_database, what, detail, sequence)
        check(one_database)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(pictures, min_size=1, max_size=30), st.sampled_from(SEQUENCES), st.integers(1, 12))
def test_every_database_shows_the_same_map(tmp_path_factory, backends, made, sequence, most):
    told = []
    for pair in DATABASES:
        store = backends.store(tmp_path_factory.mktemp("store"), pair)
        try:
            add(store.database, made, sequence=sequence)
            with store.database.read() as connection:
                marks = chart.marks_in(connection, WORLD, days=None, most=1_000)
                few = chart.marks_in(connection, WORLD, days=(20_758, 20_759), most=most)
                cells = [chart.cells_in(connection, r, [WORLD], days=None) for r in (3, 11)]
                some_days = [chart.cells_in(connection, r, [WORLD], days=(20_759, 20_760)) for r in (3, 11)]
                told.append(
                    (
                        sorted(mark.tobytes() for mark in marks),
                        len(few),
                        [sorted(zip(c.qk, c.pictures, c.day, strict=True)) for c in cells],
                        [sorted(cell.outlines) for cell in cells],
                        [sorted(zip(c.qk, c.pictures, c.day, c.heading_deg, strict=True)) for c in some_days],
                        chart.pictures_by_day(connection, 5, [WORLD]),
                        chart.days_and_counts(connection),
                        sorted(chart.centres(connection, 11, most=None)),
                        len(chart.centres(connection, 11, most=1)),
                    )
                )
        finally:
            store.database.close()

    assert told[0] == told[1]


@every_database
def test_what_is_erased_is_told_and_what_was_told_of_it_is_forgotten(store):
    add(store.database, [picture(7.0, 50.0, n, 0.0) for n in range(3)])
    store.database.write(lambda t: withdraw.erase(t, [2]))

    with store.database.read() as connection:
        events = outbox.events_after(connection, 0, limit=100)
        again = outbox.events_after(connection, 4, limit=100)
        unknown = outbox.events_after(connection, 5, limit=100)
        notes = rows(connection, "SELECT offset_bytes, length_bytes FROM erasure ORDER BY offset_bytes")
    assert [(e.cursor, e.kind) for e in events] == [(1, "picture"), (3, "picture"), (4, "gone")]
    assert (again, unknown) == ([], None)
    assert [tuple(n) for n in notes] == [(0, 500), (1000, 100), (1100, 50)]


@every_objects
def test_a_range_is_read_back(store):
    put(store.objects, "bundles/ab/abc", b"0123456789")
    put(store.objects, "bundles/ab/empty", b"")

    assert store.objects.read("bundles/ab/abc", 3, 4) == b"3456"
    assert sorted(store.objects.keys()) == ["bundles/ab/abc", "bundles/ab/empty"]


@every_objects
def test_what_is_not_there_is_not_found_and_what_is_too_short_is_corrupt(store):
    put(store.objects, "a/b", b"0123")

    with pytest.raises(NotFound):
        store.objects.read("a/c", 0, 1)
    with pytest.raises(Corrupt):
        store.objects.read("a/b", 2, 10)


@every_objects
def test_zeroing_and_removing_may_be_repeated(store):
    put(store.objects, "a/b", b"0123456789")
    for _ in range(2):
        store.objects.zero("a/b", [(2, 3), (8, 1)])
    assert store.objects.read("a/b", 0, 10) == b"01\0\0\x00567\x009"

    for _ in range(2):
        store.objects.remove("a/b")
    store.objects.zero("a/b", [(0, 1)])
    assert list(store.objects.keys()) == []


@every_objects
def test_ranges_that_are_zeroed_at_the_same_time_are_all_zero(store):
    put(store.objects, "a/b", b"x" * 100_000)
    threads = [threading.Thread(target=store.objects.zero, args=("a/b", [(n * 100, 50)])) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    content = store.objects.read("a/b", 0, 100_000)
    assert [content[n * 100 : n * 100 + 50] for n in range(6)] == [bytes(50)] * 6
    assert content.count(0) == 300


@every_objects
def test_a_whole_bundle_goes_in_and_out(store):
    content = secrets.token_bytes(20 << 20)
    put(store.objects, "bundles/aa/large", content)

    assert store.objects.read("bundles/aa/large", 0, len(content)) == content
    assert store.objects.read("bundles/aa/large", 12_345_678, 100_000) == content[12_345_678:12_445_678]


@every_pair
def test_a_new_store_can_be_written_and_has_nothing_to_sweep(store):
    check_writable(store.database, store.objects)
    swept = sweep(store.database, store.objects)

    assert (swept.orphans, swept.erasures) == (0, 0)
    assert list(store.objects.keys()) == []


def at(server, receipt):
    lon, lat = server.client.get(f"/v1/pictures/{receipt.picture_ids[0]}").json()["geometry"]["coordinates"]
    return [(z, *tile_xy(LonLat(lon, lat), z)) for z in (0, 5, 8, 11, 14, 15)]


def tile_sizes(server, tiles):
    return [len(server.client.get(f"/v1/tiles/{z}/{x}/{y}.mvt").content) for z, x, y in tiles]


def test_a_bundle_is_taken_shown_and_erased(running):
    archive = made_bundles.archive(3, bundle_number=7)
    token = running.token()
    receipt = running.publish(archive, token)
    assert running.put(archive, token).status_code == 200

    jpegs = [running.client.get(f"/v1/pictures/{i}/picture.jpg").content for i in receipt.picture_ids]
    assert jpegs == [made_bundles.redacted(n).jpeg for n in range(3)]
    assert running.client.get("/readyz").status_code == 200
    tiles = at(running, receipt)
    assert all(tile_sizes(running, tiles))

    (key,) = running.store.objects.keys()
    secret = to_base64url(deletion_secret(made_bundles.SEED, 7, 0))
    url = f"/v1/pictures/{receipt.picture_ids[0]}"
    assert running.client.delete(url, headers={"Dashlight-Deletion-Secret": secret}).status_code == 204
    stored = running.store.objects.read(key, 0, len(archive))
    assert jpegs[0] not in stored
    assert archive[512:700] not in stored, "the manifest tells of the erased picture"
    assert jpegs[1] in stored
    assert running.client.get(url).status_code == 410

    sha256 = made_bundles.sha256_of(archive)
    signature = to_base64url(sign(bundle_key(made_bundles.SEED, 7), "forget", sha256.encode()))
    reply = running.client.delete(f"/v1/bundles/{sha256}", headers={"Dashlight-Signature": signature})
    assert reply.status_code == 204
    assert list(running.store.objects.keys()) == []
    assert not any(tile_sizes(running, tiles))
    check(running.store.database)


def test_personal_pictures_appear_together(running):
    wait_for_first_batch(running)
    for number in (2001, 2002):
        running.publish(personal_archive(5, number), policy=Policy.PERSONAL)
    assert running.client.get("/v1/instance").json()["pictures"] == 0

    assert publish_staged(running.store.database, running.store.objects) == 10

    page = running.client.get("/v1/pictures").json()["features"]
    assert len(page) == 10
    assert {key.partition("/")[0] for key in running.store.objects.keys()} == {"personal"}  # noqa: SIM118
    for feature in page:
        jpeg = running.client.get(f"/v1/pictures/{UUID(feature['id'])}/picture.jpg")
        assert jpeg.content[:2] == b"\xff\xd8"
    check(running.store.database)


def test_a_report_hides_a_picture_everywhere(running):
    receipt = running.publish(made_bundles.archive(2, bundle_number=8))
    url = f"/v1/pictures/{receipt.picture_ids[0]}"
    before = tile_sizes(running, at(running, receipt)[-1:])

    reply = running.client.post(f"{url}/report", json={"issue": "privacy", "comment": "my car"})

    assert reply.json() == {"hidden": True}
    assert running.client.get(url).status_code == 410
    assert running.client.get(f"{url}/picture.jpg").status_code == 410
    assert len(running.client.get("/v1/pictures?bbox=-180,-85,180,85").json()["features"]) == 1
    second = f"/v1/pictures/{receipt.picture_ids[1]}"
    assert running.client.get(second).status_code == 200
    assert before != [0]
    check(running.store.database)


ZEROS = (
    ("/api/collections/%00", 404),
    ("/api/collections/%00/items", 404),
    ("/api/collections/%00/queryables", 404),
    ("/api/collections/%00/thumb.jpg", 404),
    ("/api/search?collections=%00", 200),
    ("/ogc/collections/sequences/items/%00", 404),
    ("/ogc/collections/pictures/items/%00", 404),
    ("/ogc/collections/pictures/items?license=%00", 400),
    ("/v1/exports/geoparquet/%00", 404),
    ("/v1/objects/bundles/%00", 404),
    ("/p/%00", 404),
)


def test_zero_characters_name_nothing_and_keep_no_report_out(running):
    receipt = running.publish(made_bundles.archive(2, bundle_number=9))
    asked = {"issue": "blur_missing", "picture_id": receipt.picture_ids[1], "reporter_comments": "\0"}

    assert [(path, running.client.get(path).status_code) for path, _ in ZEROS] == list(ZEROS)
    url = f"/v1/pictures/{receipt.picture_ids[0]}"
    reply = running.client.post(f"{url}/report", json={"issue": "privacy", "comment": "my\0 car"})
    assert reply.json() == {"hidden": True}
    assert running.client.post("/api/reports", json=asked).status_code == 200
    with running.store.database.read() as connection:
        assert set(connection.exec_driver_sql("SELECT comment FROM report").scalars()) == {"my car", ""}
