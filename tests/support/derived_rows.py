"""What the map's tables must say, computed from the pictures themselves; and drawn steps that change them."""

import secrets
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from dashlight.model import DAY_MS, LonLat, PictureClaim, Policy, Redaction, RedactionKind, h3_parent
from dashlight.store import places, withdraw
from dashlight.store.publish import NewPicture, add_object, publish

START = datetime(2026, 11, 1, tzinfo=UTC)
SEQUENCES = (None, UUID(int=1), UUID(int=2))


def picture(lon, lat, minutes, heading):
    return NewPicture(
        id=secrets.token_bytes(16),
        claim=PictureClaim(LonLat(lon, lat), START + timedelta(minutes=minutes), heading),
        license_id="CC-BY-SA-4.0",
        attribution="",
        width=64,
        height=36,
        offset=1000,
        size_bytes=100,
        thumbnail_offset=1100,
        thumbnail_size_bytes=50,
        redactions=(Redaction(RedactionKind.PLATE, (1, 2, 3, 4), 0.5),),
        deletion_commitment=bytes(32),
    )


# Few places, so that cells and directions are shared.
pictures = st.builds(
    picture,
    st.sampled_from([7.0, 7.000_02, 7.000_1, 7.01, 179.9999, -179.9999]),
    st.sampled_from([50.0, 50.000_02, 50.000_3]),
    st.integers(0, 5_000),
    st.sampled_from([0.0, 10.0, 90.0, 359.9]),
)
steps = st.one_of(
    st.tuples(st.just("publish"), st.lists(pictures, min_size=1, max_size=6), st.sampled_from(SEQUENCES)),
    st.tuples(st.just("hide"), st.integers(0, 100), st.none()),
    st.tuples(st.just("erase"), st.lists(st.integers(0, 100), min_size=1, max_size=4), st.none()),
)


def rows(connection, sql):
    return connection.exec_driver_sql(sql).all()


def check(database):
    """Compare every derived table with the pictures themselves."""
    with database.read() as connection:
        shown = rows(connection, "SELECT * FROM picture WHERE state = 0")
        marks = {r.number: (r.qk, r.mark) for r in rows(connection, "SELECT * FROM mark")}
        live = rows(connection, "SELECT * FROM live")
        cover = rows(connection, "SELECT * FROM cover")
        days = {(r.resolution, r.qk, r.day): r.pictures for r in rows(connection, "SELECT * FROM cover_day")}
        daily = dict(tuple(r) for r in rows(connection, "SELECT * FROM daily"))
        everything = Counter(r.terms for r in rows(connection, "SELECT terms FROM picture"))
        terms = {r.number: r.pictures for r in rows(connection, "SELECT * FROM terms")}
        used = {r.sequence for r in rows(connection, "SELECT sequence FROM picture") if r.sequence}
        sequences = {r.number for r in rows(connection, "SELECT number FROM sequence")}

    assert set(marks) == {p.number for p in shown}
    assert all(marks[p.number][0] == p.qk for p in shown)
    assert daily == Counter(p.captured_ms // DAY_MS for p in shown)
    assert (terms, sequences) == (dict(everything), used)
    expected, expected_days, newest = Counter(), Counter(), {}
    for p in sorted(shown, key=lambda p: p.captured_ms):
        for resolution in (*places.COVER_RESOLUTIONS, places.STREET_RESOLUTION):
            key = (resolution, places.cell_of(h3_parent(p.h3_r15, resolution)).qk)
            expected[key] += 1
            expected_days[*key, p.captured_ms // DAY_MS] += 1
            newest[key] = p.captured_ms // DAY_MS
    assert {(c.resolution, c.qk): c.pictures for c in cover} == expected
    assert {(c.resolution, c.qk): c.captured_ms // DAY_MS for c in cover} == newest
    assert days == expected_days
    headings = {}
    for p in shown:
        key = places.cell_of(h3_parent(p.h3_r15, places.STREET_RESOLUTION)).qk
        headings[key] = max(headings.get(key, (0, 0)), (p.captured_ms, p.heading_ddeg))
    assert {
        c.qk: (c.captured_ms, c.heading_ddeg) for c in cover if c.resolution == places.STREET_RESOLUTION
    } == headings
    freshest = {}
    for p in shown:
        key = (p.qk >> places.LIVE_SHIFT, places.octant_of(p.heading_ddeg))
        freshest[key] = max(freshest.get(key, (0, 0)), (p.captured_ms, p.number))
    assert {(r.cell, r.octant): (r.captured_ms, r.number) for r in live} == freshest
    assert all(marks[r.number][1] == r.mark for r in live)


def apply(database, what, detail, sequence):
    """Make one drawn step."""
    with database.read() as connection:
        numbers = [r.number for r in rows(connection, "SELECT number FROM picture ORDER BY number")]
    if what == "publish":

        def job(transaction):
            number = add_object(transaction, secrets.token_hex(8), size_bytes=2_000, head_bytes=500)
            publish(transaction, detail, policy=Policy.FLEET, object_number=number, sequence=sequence)

        database.write(job)
    elif numbers and what == "hide":
        one = numbers[detail % len(numbers)]
        database.write(lambda t: withdraw.hide(t, one))
    elif numbers:
        some = sorted({numbers[d % len(numbers)] for d in detail})
        database.write(lambda t: withdraw.erase(t, some))
