"""Texts are compared alike on both databases: by their characters, upper and lower case apart."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from dashlight.store import schema
from dashlight.store.conditions import PROPERTIES, Comparison, ValueKind, sql_of

TEXTS = [name for name, (kind, _) in PROPERTIES.items() if kind is ValueKind.TEXT]


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
@pytest.mark.parametrize("name", TEXTS)
def test_the_order_of_texts_is_not_the_databases_own(name, operator):
    condition = sql_of(Comparison(name, operator, "a"))

    assert 'COLLATE "C"' in str(condition.compile(dialect=postgresql.dialect()))
    assert "COLLATE" not in str(condition.compile(dialect=sqlite.dialect()))


@pytest.mark.parametrize(
    ("operator", "value", "found"),
    [
        ("=", "CC0-1.0", ["CC0-1.0"]),
        ("=", "cc0-1.0", []),
        ("<>", "cc0-1.0", ["CC0-1.0", "ODbL-1.0", "étude"]),
        ("<", "a", ["CC0-1.0", "ODbL-1.0"]),
        (">", "z", ["étude"]),
    ],
)
def test_case_tells_texts_apart(operator, value, found):
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        schema.terms.create(connection)
        for number, license_id in enumerate(("CC0-1.0", "ODbL-1.0", "étude")):
            row = {"number": number, "policy": "open", "license": license_id, "attribution": ""}
            connection.execute(sa.insert(schema.terms).values(**row))

        query = sa.select(schema.terms.c.license).where(sql_of(Comparison("license", operator, value)))
        assert sorted(connection.execute(query).scalars()) == found
    engine.dispose()
