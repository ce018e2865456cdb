"""CQL2 is read as the standard writes it; everything else is refused by name."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashlight.catalog.stac.cql2 import condition_of_json, condition_of_text
from dashlight.catalog.stac.cql2_text import json_of_text
from dashlight.errors import InputError
from dashlight.store.conditions import PROPERTIES, Combination, Comparison, IsNull, Not, sql_of

A, B, C = (Comparison("dashlight:rank", "=", float(n)) for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("license = 'CC0-1.0'", Comparison("license", "=", "CC0-1.0")),
        ("'CC0-1.0' = license", Comparison("license", "=", "CC0-1.0")),
        ("3 <= view:azimuth", Comparison("view:azimuth", ">=", 3.0)),
        ('"view:azimuth" < -1.5e1', Comparison("view:azimuth", "<", -15.0)),
        ("properties.license <> 'it''s'", Comparison("license", "<>", "it's")),
        ("dashlight:rank IS NULL", IsNull("dashlight:rank")),
        ("dashlight:rank is not null", Not(IsNull("dashlight:rank"))),
        (
            "dashlight:rank=1 OR dashlight:rank=2 AND dashlight:rank=3",
            Combination("or", (A, Combination("and", (B, C)))),
        ),
        ("(dashlight:rank=1 OR dashlight:rank=2)", Combination("or", (A, B))),
        ("NOT NOT dashlight:rank=1", Not(Not(A))),
        ("dashlight:rank IN (1, 2)", Combination("or", (A, B))),
        (
            "dashlight:rank NOT BETWEEN 1 AND 2",
            Not(Combination("and", (Comparison("dashlight:rank", ">=", 1.0), Comparison("dashlight:rank", "<=", 2.0)))),
        ),
        ("TRUE", Combination("and", ())),
        ("datetime > TIMESTAMP('1970-01-01T00:00:01Z')", Comparison("datetime", ">", 1_000.0)),
        ("datetime <= DATE('1970-01-01')", Comparison("datetime", "<", 86_400_000)),
        ("datetime > date('1970-01-01')", Comparison("datetime", ">=", 86_400_000)),
    ],
)
def test_a_text_is_understood(text, condition):
    assert condition_of_text(text) == condition
    assert condition_of_json(json_of_text(text)) == condition
    sql_of(condition).compile()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "license",
        "license =",
        "license = 'a",
        "license == 'a'",
        "nothing = 1",
        "license = 1",
        "dashlight:rank = 'x'",
        "dashlight:rank = license",
        "1 = 1",
        "license LIKE 'a%'",
        "S_INTERSECTS(geometry, POINT(1 2))",
        "datetime = 'yesterday'",
        "datetime = TIMESTAMP('2026-13-01T00:00:00Z')",
        "datetime = DATE('2026-02-30')",
        "datetime = DATE(3)",
        "id < 'a'",
        "collection > 'a'",
        "license = 'a' license = 'b'",
        "(license = 'a'",
        "license = 'a')",
        "dashlight:rank IN ()",
        "dashlight:rank BETWEEN 1",
        "dashlight:rank = 1e999",
        "license = 'a\0'",
        "(" * 50 + "TRUE" + ")" * 50,
        "NOT " * 50 + "TRUE",
        " OR ".join(["TRUE"] * 300),
        "license = '" + "a" * 5_000 + "'",
        "§",
    ],
)
def test_other_texts_are_refused_by_name(text):
    with pytest.raises(InputError, match="filter") as caught:
        condition_of_text(text)

    assert caught.value.code in ("bad-filter", "bad-datetime")


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        3,
        "license = 'a'",
        {},
        {"op": "="},
        {"op": "=", "args": {}},
        {"op": "=", "args": [1]},
        {"op": "=", "args": [{"property": 3}, 1]},
        {"op": "=", "args": [{"property": "license"}, None]},
        {"op": "=", "args": [{"property": "dashlight:rank"}, True]},
        {"op": "and", "args": [True]},
        {"op": "not", "args": []},
        {"op": "in", "args": [{"property": "license"}, "a"]},
        {"op": "in", "args": [{"property": "dashlight:rank"}, list(range(500))]},
        {"op": "like", "args": [{"property": "license"}, "a"]},
        {"op": ["="], "args": []},
        {"op": "=", "args": [{"property": "datetime"}, {"date": 3}]},
        {"op": "=", "args": [], "more": 1},
    ],
)
def test_other_json_is_refused(value):
    with pytest.raises(InputError, match="filter"):
        condition_of_json(value)


leaves = st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from(["=", "and", "not", "in", *PROPERTIES])
values = st.recursive(
    leaves,
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.fixed_dictionaries(
            {
                "op": st.sampled_from(["and", "or", "not", "=", "<", "in", "between", "isNull"]),
                "args": st.lists(inside, max_size=3),
            }
        )
        | st.fixed_dictionaries({"property": leaves})
        | st.fixed_dictionaries({"date": leaves})
        | st.fixed_dictionaries({"timestamp": leaves})
    ),
    max_leaves=20,
)


@settings(max_examples=400, deadline=None)
@given(values)
def test_nothing_but_our_error_comes_of_json(value):
    with contextlib.suppress(InputError):
        sql_of(condition_of_json(value)).compile()


words = st.sampled_from(["license", "=", "<>", "(", ")", "'a'", "1", "AND", "OR", "NOT", "IS", "NULL", "IN", "BETWEEN", ",", "datetime", "TIMESTAMP", "'2026-01-01T00:00:00Z'", '"id"', "TRUE"])  # fmt: skip # noqa: E501


@settings(max_examples=400, deadline=None)
@given(st.lists(words, max_size=12).map(" ".join) | st.text(max_size=60))
def test_nothing_but_our_error_comes_of_a_text(text):
    with contextlib.suppress(InputError):
        sql_of(condition_of_text(text)).compile()
