"""Every parameter is taken as the specification says, or refused by its name."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashlight.catalog.stac.asked import asked_of, body_of_get, check_names, cursor_of
from dashlight.catalog.stac.cursor import Cursors
from dashlight.catalog.stac.selection import Selection
from dashlight.errors import InputError
from dashlight.store.collections import parsed_collection
from dashlight.store.pictures import PageEnd
from dashlight.store.times import earliest_begin_ms

CURSORS = Cursors(bytes(32))
POINT = {"type": "Point", "coordinates": [7, 50]}
SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
BOW = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}


def get(**given):
    return asked_of(body_of_get({name.replace("_", "-"): text for name, text in given.items()}), CURSORS)


WRONG_GETS = [
    ("bbox", "1,2,3"),
    ("bbox", "1,2,3,4,5"),
    ("bbox", "1,2,3,4,5,6,7"),
    ("bbox", "[1,2,3,4]"),
    ("bbox", "a,b,c,d"),
    ("bbox", "nan,0,1,1"),
    ("bbox", "1e99,0,1,1"),
    ("bbox", "0,5,1,4"),
    ("bbox", "-181,0,1,1"),
    ("bbox", "0,-91,1,1"),
    ("bbox", "0,0,9,1,1,1"),
    ("bbox", ""),
    ("intersects", "POINT(1 2)"),
    ("intersects", "3"),
    ("intersects", "{}"),
    ("intersects", json.dumps({"type": "Feature", "geometry": POINT})),
    ("intersects", json.dumps({"type": "Point", "coordinates": [181, 0]})),
    ("intersects", json.dumps({"type": "Point", "coordinates": [1]})),
    ("intersects", json.dumps({"type": "Point", "coordinates": ["a", 1]})),
    ("intersects", json.dumps({"type": "Point", "coordinates": []})),
    ("intersects", json.dumps({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]})),
    ("intersects", json.dumps({"type": "MultiPoint", "coordinates": [[0, 0]] * 6_000})),
    ("intersects", json.dumps({"type": "GeometryCollection", "geometries": []})),
    ("intersects", json.dumps({"type": "GeometryCollection", "geometries": [{"type": "GeometryCollection"}]})),
    ("intersects", json.dumps(BOW)),
    ("datetime", ""),
    ("datetime", "/"),
    ("datetime", "../.."),
    ("datetime", "../"),
    ("datetime", "2026-11-23"),
    ("datetime", "2026-11-23T10:00:00"),
    ("datetime", "2026-11-23T10:00:00,5Z"),
    ("datetime", "2026-11-23T24:00:00Z"),
    ("datetime", "2026-11-23T10:00:00+0100"),
    ("datetime", "2026-11-23T10:00:00+24:00"),
    ("datetime", "2026-02-30T10:00:00Z"),
    ("datetime", "2026-11-24T00:00:00Z/2026-11-23T00:00:00Z"),
    ("datetime", "2026-11-23T00:00:00Z/../.."),
    ("ids", ""),
    ("ids", "a,,b"),
    ("ids", ",".join(["a"] * 2_000)),
    ("collections", ""),
    ("limit", "0"),
    ("limit", "-1"),
    ("limit", "ten"),
    ("limit", "1.5"),
    ("limit", ""),
    ("limit", "9" * 40),
    ("sortby", ""),
    ("sortby", "license"),
    ("sortby", "datetime,datetime"),
    ("sortby", "--datetime"),
    ("fields", "a" * 300),
    ("fields", ",".join(f"f{n}" for n in range(200))),
    ("filter", "nothing = 1"),
    ("cursor", "x"),
    ("cursor", "A" * 300),
]


@pytest.mark.parametrize(("name", "text"), WRONG_GETS)
def test_a_wrong_parameter_is_refused_by_its_name(name, text):
    with pytest.raises(InputError, match=name):
        get(**{name: text})


@pytest.mark.parametrize(
    "body",
    [
        {"bbox": "1,2,3,4"},
        {"bbox": [1, 2, 3, True]},
        {"bbox": [1, 2, 3, "4"]},
        {"bbox": {}},
        {"bbox": [0, 0, 1, 1], "intersects": POINT},
        {"intersects": [1, 2]},
        {"datetime": 2026},
        {"datetime": ["2026-11-23T10:00:00Z"]},
        {"ids": "a"},
        {"ids": [1]},
        {"collections": "a"},
        {"limit": "10"},
        {"limit": True},
        {"limit": 1.5},
        {"sortby": "datetime"},
        {"sortby": ["datetime"]},
        {"sortby": [{"field": 3}]},
        {"sortby": [{"field": "datetime", "direction": "up"}]},
        {"sortby": [{"field": "datetime", "more": 1}]},
        {"fields": ["id"]},
        {"fields": {"include": "id"}},
        {"fields": {"only": []}},
        {"filter": "license = 'a'"},
        {"filter": {"op": "=", "args": []}},
        {"filter": {}, "filter-lang": "cql2-text"},
        {"filter-lang": "ecql"},
        {"filter-crs": "EPSG:3857"},
        {"cursor": 3},
    ],
)
def test_a_wrong_member_of_a_body_is_refused_by_its_name(body):
    with pytest.raises(InputError) as caught:
        asked_of(body, CURSORS)

    assert any(name in caught.value.message for name in body)


def test_boxes_may_have_altitudes_and_cross_the_antimeridian():
    three_d = get(bbox="170,-20,-100,-170,20,9000").query.area.bbox

    assert (three_d.west, three_d.south, three_d.east, three_d.north) == (170.0, -20.0, -170.0, 20.0)
    assert len(three_d.parts()) == 2
    assert get(bbox="-180,85,180,90").query.area.bbox.north == 90.0


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("1970-01-01T00:00:01Z", 1_000, 1_000),
        ("1970-01-01t00:00:01.5z/..", 1_500, 253_402_300_799_999),
        ("/1970-01-01T01:00:00+01:00", -62_135_596_800_000, 0),
        ("../1969-12-31T23:59:59.9999Z", -62_135_596_800_000, -1),
        ("1969-12-31T23:59:59.9999Z/1970-01-01T00:00:00-00:01", 0, 60_000),
        ("1990-12-31T23:59:60Z", 662_688_000_000, 662_687_999_999),
    ],
)
def test_times_and_intervals_are_milliseconds(text, first, last):
    assert get(datetime=text).query.captured_ms == (first, last)


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31T23:59:60Z",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:00:00-23:59/9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59/0001-01-01T00:00:00+23:00",
    ],
)
def test_times_beyond_the_calendar_are_its_first_or_last(text):
    first, last = get(datetime=text).query.captured_ms

    assert first == last
    assert first in (-62_135_596_800_000, 253_402_300_799_999)
    assert all(earliest_begin_ms(first, precision) <= first for precision in ("instant", "week", "month"))


def test_a_get_and_a_post_ask_the_same():
    by_get = get(
        bbox="1,2,3,4",
        ids="8b6c1a52-5c3e-4a4e-9d9c-0f1d2e3a4b5c,x",
        sortby="+properties.datetime",
        fields="id,-geometry",
        limit="99999",
        filter="license='a'",
    )
    by_post = asked_of(
        {
            "bbox": [1, 2, 3, 4],
            "ids": ["x", "8b6c1a52-5c3e-4a4e-9d9c-0f1d2e3a4b5c"],
            "sortby": [{"field": "datetime", "direction": "asc"}],
            "fields": {"include": ["id"], "exclude": ["geometry"]},
            "limit": 99_999,
            "filter": {"op": "=", "args": [{"property": "license"}, "a"]},
        },
        CURSORS,
    )

    assert by_get.query == by_post.query
    assert (by_get.selection, by_get.limit) == (by_post.selection, by_post.limit) == (by_get.selection, 1_000)


def test_names_that_nothing_can_have_find_nothing_rather_than_everything():
    assert get(ids="x").query.ids == ()
    assert get(collections="x").query.collections == ()


def test_a_cursor_belongs_to_its_query():
    body = {"bbox": [1, 2, 3, 4], "limit": 5}
    cursor = cursor_of(asked_of(body, CURSORS), PageEnd(123, 45), CURSORS)

    assert asked_of(body | {"cursor": cursor, "limit": 9}, CURSORS).after == PageEnd(123, 45)
    for other in ({"bbox": [1, 2, 3, 5]}, {}, body | {"sortby": [{"field": "datetime"}]}):
        with pytest.raises(InputError, match="cursor"):
            asked_of(other | {"cursor": cursor}, CURSORS)
    with pytest.raises(InputError, match="cursor"):
        asked_of(body | {"cursor": cursor}, Cursors(bytes(31) + b"\1"))
    key = parsed_collection("personal-861fa9a47ffffff-2026-11")
    with pytest.raises(InputError, match="cursor"):
        asked_of(body | {"cursor": cursor}, CURSORS, collection=key)


def test_a_cursor_says_nothing_and_changed_ones_are_refused():
    asked = asked_of({}, CURSORS)
    cursor = cursor_of(asked, PageEnd(1_790_000_000_000, 4_711), CURSORS)

    assert cursor == cursor_of(asked, PageEnd(1_790_000_000_000, 4_711), CURSORS)
    for index in range(len(cursor)):
        changed = cursor[:index] + ("A" if cursor[index] != "A" else "B") + cursor[index + 1 :]
        with pytest.raises(InputError):
            asked_of({"cursor": changed}, CURSORS)


@pytest.mark.parametrize("names", [["bbox", "nothing"], ["bbox", "bbox"]])
def test_unknown_and_repeated_parameters_are_refused(names):
    with pytest.raises(InputError, match=names[1]):
        check_names(names, ("bbox", "limit"))


ITEM = {
    "type": "Feature", "stac_version": "1.0.0", "id": "a", "collection": "c", "geometry": POINT,
    "properties": {"datetime": "d", "license": "l"}, "assets": {"hd": {"href": "h", "type": "t"}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("include", "exclude", "parts"),
    [
        ([], [], {"geometry", "properties", "assets"}),
        (["geometry"], [], {"geometry"}),
        (["nothing", "properties.nothing"], [], set()),
        ([], ["geometry", "assets.hd.href", "nothing.at.all"], {"properties", "assets"}),
        (["geometry"], ["geometry"], {"geometry"}),
        (["properties.datetime"], ["properties"], {"properties"}),
    ],
)
def test_fields_choose_the_parts(include, exclude, parts):
    before = json.dumps(ITEM)

    chosen = Selection.of({"include": include, "exclude": exclude}).of_item(ITEM)

    assert set(chosen) - {"type", "stac_version", "id", "collection"} == parts
    if "properties.datetime" in include:
        assert chosen["properties"] == {"datetime": "d"}
    if "assets.hd.href" in exclude:
        assert chosen["assets"] == {"hd": {"type": "t"}}
    assert json.dumps(ITEM) == before


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: (
        st.lists(inside, max_size=5)
        | st.dictionaries(
            st.sampled_from(["type", "coordinates", "field", "include", "geometries"]) | st.text(max_size=5),
            inside,
            max_size=3,
        )
    ),
    max_leaves=12,
)
names = st.sampled_from(["bbox", "intersects", "datetime", "ids", "collections", "limit", "cursor", "fields", "sortby"])


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(names, values, max_size=3))
def test_nothing_but_our_error_comes_of_a_body(body):
    with contextlib.suppress(InputError):
        asked_of(body, CURSORS)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(names, st.text(max_size=40), max_size=3))
def test_nothing_but_our_error_comes_of_a_get(given_texts):
    with contextlib.suppress(InputError):
        asked_of(body_of_get(given_texts), CURSORS)
