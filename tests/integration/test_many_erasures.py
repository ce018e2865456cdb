"""Erasing more at once than a statement of either database takes parameters."""

from uuid import UUID

import pytest
import sqlalchemy as sa
from derived_rows import picture

from dashlight.model import BBox, Policy
from dashlight.store import collections, schema, withdraw
from dashlight.store.feature_tables import SEQUENCES
from dashlight.store.publish import add_object, publish
from dashlight.store.tables import FeatureQuery, page_of_features

MANY = 70_000  # PostgreSQL takes 65,535 parameters, SQLite 32,766 or as many as it was built for.
DRIVE = UUID(int=7)


@pytest.fixture(params=("sqlite-folder", "postgresql-folder"))
def store(request, tmp_path, backends):
    opened = backends.store(tmp_path, request.param)
    yield opened
    opened.database.close()


def put(objects, key, content):
    staged = objects.staging_file()
    staged.write_bytes(content)
    objects.adopt(staged, key)


def note_many(transaction):
    notes = [{"key": f"old/{n // 100}", "offset_bytes": n % 100, "length_bytes": 1} for n in range(MANY)]
    notes += [{"key": "old/0", "offset_bytes": 0, "length_bytes": -1}]
    transaction.connection.execute(sa.insert(schema.erasure), notes)


def count(database, table):
    with database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_as_many_erasures_as_there_are_are_finished(store):
    for n in (0, 1, 699):
        put(store.objects, f"old/{n}", b"x" * 101)
    store.database.write(note_many)

    finished = withdraw.finish_erasures(store.database, store.objects)

    assert finished == MANY + 1
    assert count(store.database, schema.erasure) == 0
    assert set(store.objects.keys()) == {"old/1", "old/699"}
    assert store.objects.read("old/1", 0, 101) == bytes(100) + b"x"
    assert store.objects.read("old/699", 0, 101) == bytes(100) + b"x"


def test_what_was_zeroed_before_a_failure_is_not_zeroed_again(store, monkeypatch):
    store.database.write(note_many)
    real, zeroed = store.objects.zero, []

    def zero(key, ranges):
        if len(zeroed) == 350:
            raise OSError("no more")
        zeroed.append(key)
        real(key, ranges)

    monkeypatch.setattr(store.objects, "zero", zero)
    with pytest.raises(OSError, match="no more"):
        withdraw.finish_erasures(store.database, store.objects)

    assert 0 < count(store.database, schema.erasure) < MANY * 0.6


def test_a_drive_of_as_many_pictures_can_lose_all_but_one(store):
    """The numbers are those of pictures that are long gone but for the first two: what matters is how many they are."""

    def add(transaction):
        number = add_object(transaction, "a", size_bytes=2_000, head_bytes=500)
        new = [picture(7.0 + n / 100, 50.0, n, 0.0) for n in range(3)]
        publish(transaction, new, policy=Policy.FLEET, object_number=number, sequence=DRIVE)

    def leave_one(transaction):
        connection, p = transaction.connection, schema.picture
        numbers = connection.execute(sa.select(p.c.number).order_by(p.c.captured_ms)).scalars().all()[:2]
        connection.execute(sa.update(p).where(p.c.number.in_(numbers)).values(state=int(schema.PictureState.HIDDEN)))
        collections.remove_pictures(connection, [*numbers, *range(1 << 40, (1 << 40) + MANY)])

    store.database.write(add)
    store.database.write(leave_one)

    with store.database.read() as connection:
        row = connection.execute(sa.select(schema.collection)).one()
    assert (row.pictures, row.west_e6, row.east_e6) == (1, 7_020_000, 7_020_000)


def test_a_box_of_the_world_takes_in_as_many_lines(store):
    def note_lines(transaction):
        reach = {"terms": 1, "pictures": 1, "first_ms": 0, "last_ms": 0}
        reach |= {f"{side}_e6": 0 for side in ("west", "south", "east", "north")}
        lines = [{"id": str(UUID(int=n)), "sequence": n, **reach} for n in range(1, MANY)]
        terms = {"number": 1, "policy": "fleet", "license": "CC-BY-SA-4.0", "attribution": "", "pictures": MANY}
        transaction.connection.execute(sa.insert(schema.terms), terms)
        transaction.connection.execute(sa.insert(schema.collection), lines)

    store.database.write(note_lines)

    with store.database.read() as connection:
        page = page_of_features(
            connection, SEQUENCES, FeatureQuery(bbox=BBox(-180, -90, 180, 90)), limit=10, touches=lambda *_: True
        )
    assert page.features == (), "none of these lines has a point"
