"""What a stranger sends is bounded before anything is done with it."""

import pytest

from dashlight.catalog.stac.asked import MOST_PARAMETERS, asked_of, body_of_get, check_names
from dashlight.catalog.stac.bounded_json import MOST_DEPTH, parsed_json
from dashlight.catalog.stac.cursor import Cursors
from dashlight.errors import InputError
from dashlight.store.collections import parsed_collection

CELLS = [f"personal-86283082{n:x}ffffff-2026-{month:02}" for n in (7, 0xF) for month in range(1, 13)] * 5


def test_more_parameters_than_the_bound_are_refused_before_any_is_looked_at():
    with pytest.raises(InputError, match=f"9000 parameters are over {MOST_PARAMETERS}"):
        check_names((str(n) for n in range(9_000)), {str(n) for n in range(9_000)})


def test_a_parameter_given_twice_and_an_unknown_one_are_named():
    with pytest.raises(InputError, match="a is given 2 times"):
        check_names(["a", "b", "a"], ("a", "b"))
    with pytest.raises(InputError, match="there is no parameter 'c'"):
        check_names(["a", "c"], ("a", "b"))


def test_names_of_a_mapping_are_looked_at_and_not_its_values():
    check_names({"a": "1", "b": [2]}, ("a", "b"))


@pytest.mark.parametrize("depth", [MOST_DEPTH + 1, 300, 1_000])
def test_json_that_is_nested_too_deeply_is_refused(depth):
    with pytest.raises(InputError, match="nested deeper than"):
        parsed_json("[" * depth + "1" + "]" * depth)
    with pytest.raises(InputError, match="nested deeper than"):
        parsed_json('{"a":' * depth + "1" + "}" * depth)
    with pytest.raises(InputError, match="nested deeper than"):
        body_of_get({"intersects": "[" * depth + "]" * depth})


def test_json_as_deep_as_the_bound_is_read():
    assert parsed_json("[" * MOST_DEPTH + "1" + "]" * MOST_DEPTH)


def test_the_last_year_of_the_calendar_has_no_collections():
    assert parsed_collection("personal-862830827ffffff-9999-12") is None
    assert parsed_collection("personal-862830827ffffff-9998-12").span_ms


def test_collections_are_bounded_and_so_is_their_number_times_the_filter():
    cursors = Cursors(bytes(32))
    long = {"op": "or", "args": [{"op": "=", "args": [{"property": "dashlight:rank"}, n]} for n in range(190)]}

    with pytest.raises(InputError, match="collections: 101 names are over 100"):
        asked_of({"collections": CELLS[:101]}, cursors)
    with pytest.raises(InputError, match="collections times the parts of the filter are 2292, over 2000"):
        asked_of({"collections": CELLS[:12], "filter": long}, cursors)

    assert asked_of({"collections": CELLS[:4], "filter": long}, cursors).query.condition is not None
