"""Collections count what is published and reach as far as it does, whatever comes and goes."""

from collections import defaultdict
from datetime import UTC, datetime
from uuid import UUID

import h3.api.basic_int as h3
import pytest
import sqlalchemy as sa
from derived_rows import apply, picture, steps
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dashlight.errors import NotFound
from dashlight.model import LonLat, Month, PictureClaim, Policy, Week, h3_parent, h3_r15_of
from dashlight.store import collections
from dashlight.store.collections import CellMonth, cell_bbox, parsed_collection
from dashlight.store.publish import add_object, publish
from dashlight.store.schema import picture as table
from dashlight.store.schema import sequence as sequences
from dashlight.store.sqlite import SqliteDatabase, migrate


def expected(connection):
    """Return what the pictures themselves say: name -> count, and reach of sequences."""
    names = {row.number: UUID(bytes=row.id) for row in connection.execute(sa.select(sequences))}
    found = defaultdict(list)
    for row in connection.execute(sa.select(table).where(table.c.state == 0)):
        at = datetime.fromtimestamp(row.captured_ms / 1000, UTC)
        cell = f"fleet-{h3_parent(row.h3_r15, 6):x}-{at:%Y-%m}"
        found[str(names[row.sequence]) if row.sequence else cell].append(row)
    return found


def everything(connection, limit=2):
    found, after = [], ""
    while after is not None:
        page, after = collections.page_of_collections(connection, limit=limit, after=after)
        found += page
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=1, max_size=8))
def test_collections_agree_with_the_pictures(tmp_path_factory, drawn):
    database = SqliteDatabase(tmp_path_factory.mktemp("db") / "x.sqlite")
    try:
        for what, detail, sequence in drawn:
            apply(database, what, detail, sequence)
            with database.read() as connection:
                wanted, told = expected(connection), everything(connection)
            assert {one.id: one.pictures for one in told} == {name: len(rows) for name, rows in wanted.items()}
            assert [one.id for one in told] == sorted(wanted)
            for one in told:
                check_reach(one, wanted[one.id])
    finally:
        database.close()


def check_reach(told, rows):
    for row in rows:
        assert told.bbox.contains(LonLat(row.lon_e6 / 1e6, row.lat_e6 / 1e6))
        assert told.first_ms <= row.captured_ms <= told.last_ms
    if isinstance(told.key, UUID):
        lats, times = [row.lat_e6 / 1e6 for row in rows], [row.captured_ms for row in rows]
        assert (told.bbox.south, told.bbox.north) == (min(lats), max(lats))
        assert (told.first_ms, told.last_ms) == (min(times), max(times))
        lons = {row.lon_e6 / 1e6 for row in rows}
        assert {told.bbox.west, told.bbox.east} <= lons


def test_an_older_database_learns_its_collections(tmp_path):
    made = SqliteDatabase(tmp_path / "made.sqlite")
    apply(made, "publish", [picture(7.0, 50.0, n, 0.0) for n in range(3)], UUID(int=1))
    apply(made, "publish", [picture(7.2, 50.0, n * 9_000, 0.0) for n in range(6)], None)
    apply(made, "hide", 1, None)
    with made.read() as connection:
        wanted = everything(connection)
    made.close()
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'old.sqlite'}")
    with engine.connect() as connection:
        assert migrate(connection, until=3) == 3
        connection.exec_driver_sql("ATTACH ? AS made", (str(tmp_path / "made.sqlite"),))
        for name in ("picture", "sequence", "terms"):
            connection.exec_driver_sql(f"INSERT INTO main.{name} SELECT * FROM made.{name}")
        connection.commit()
    engine.dispose()

    opened = SqliteDatabase(tmp_path / "old.sqlite")

    with opened.read() as connection:
        assert everything(connection) == wanted
        assert len(wanted) == 3
    opened.close()


def test_pictures_of_several_licences_are_one_collection(tmp_path):
    database = SqliteDatabase(tmp_path / "x.sqlite")
    new = [picture(7.0, 50.0, n, 0.0) for n in range(4)]
    for n, one in enumerate(new[2:]):
        object.__setattr__(one, "license_id", "CC0-1.0")
        object.__setattr__(one, "attribution", f"mapper {n}")

    def job(transaction):
        number = add_object(transaction, "a", size_bytes=2_000, head_bytes=500)
        publish(transaction, new, policy=Policy.OPEN, object_number=number, sequence=UUID(int=7))

    database.write(job)
    with database.read() as connection:
        (found,), end = collections.page_of_collections(connection, limit=1)
        counted = collections.count_collections(connection, most=5)
    database.close()
    assert (end, counted, found.pictures) == (None, 1, 4)
    assert found.licenses == ("CC-BY-SA-4.0", "CC0-1.0")
    assert found.attributions == ("mapper 0", "mapper 1")


@pytest.mark.parametrize(("captured", "month"), [(Week(2026, 40), "2026-09"), (Month(2026, 10), "2026-10")])
def test_a_personal_picture_is_of_the_month_in_which_its_time_begins(tmp_path, captured, month):
    database = SqliteDatabase(tmp_path / "x.sqlite")
    new = picture(7.0, 50.0, 0, 0.0)
    object.__setattr__(new, "claim", PictureClaim(LonLat(7.0, 50.0), captured, 0.0))

    def job(transaction):
        number = add_object(transaction, "a", size_bytes=2_000, head_bytes=0)
        publish(transaction, [new], policy=Policy.PERSONAL, object_number=number, sequence=None)

    database.write(job)
    with database.read() as connection:
        (found,), _ = collections.page_of_collections(connection, limit=5)
        with pytest.raises(NotFound):
            collections.find_collection(connection, "personal-861fa9a47ffffff-2026-01")
    database.close()
    cell = h3_parent(h3_r15_of(LonLat(7.0, 50.0)), 6)
    assert found.id == f"personal-{cell:x}-{month}"
    assert found.key == parsed_collection(found.id)
    # The cell and the month alone, whatever is in it: the last week that begins in September ends on 4 October.
    assert found.bbox == cell_bbox(cell)
    ends = {"2026-09": datetime(2026, 10, 5, tzinfo=UTC), "2026-10": datetime(2026, 11, 2, tzinfo=UTC)}[month]
    assert found.last_ms == ends.timestamp() * 1000 - 1


@settings(max_examples=300, deadline=None)
@given(st.floats(-180, 179.999999), st.floats(-90, 90))
@example(179.9999, 10.0)
@example(-180.0, -89.99)
@example(0.0, 90.0)
def test_a_cells_box_holds_what_is_counted_there(lon, lat):
    here = LonLat(lon, lat)

    box = cell_bbox(h3_parent(h3_r15_of(here), 6))

    assert box.contains(here)
    assert box.north - box.south < 0.5
    assert abs(lat) > 80 or (box.east - box.west) % 360 < 0.5 / max(0.1, 1 - abs(lat) / 90)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "personal-861fa9a47ffffff-2026-13",
        "personal-861fa9a47ffffff-0000-01",
        "personal-000000000000000-2026-01",
        "personal-851fa9a7fffffff-2026-01",
        "secret-861fa9a47ffffff-2026-01",
        "8B6C1A52-5C3E-4A4E-9D9C-0F1D2E3A4B5C",
        "{8b6c1a52-5c3e-4a4e-9d9c-0f1d2e3a4b5c}",
        "8b6c1a525c3e4a4e9d9c0f1d2e3a4b5c",
    ],
)
def test_other_texts_name_no_collection(text):
    assert parsed_collection(text) is None


def test_a_name_says_what_it_holds():
    key = parsed_collection("personal-861fa9a47ffffff-2026-11")

    assert key == CellMonth(Policy.PERSONAL, 0x861FA9A47FFFFFF, 2026, 11)
    assert key.name == "personal-861fa9a47ffffff-2026-11"
    assert h3.get_resolution(key.cell) == 6
    assert key.span_ms == tuple(datetime(2026, m, 1, tzinfo=UTC).timestamp() * 1000 for m in (11, 12))
