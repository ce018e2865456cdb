from pathlib import Path

from dashlight.store import schema

PAGE = Path("docs/reference/store.md").read_text(encoding="utf-8")


def test_every_table_is_accounted_for_in_the_docs():
    missing = [name for name in schema.METADATA.tables if f"`{name}`" not in PAGE]

    assert missing == []


def test_no_column_is_for_a_person_or_an_address():
    words = ("user", "email", "address", "ip", "owner", "name", "account", "device", "received", "created", "plate")
    columns = {
        f"{table.name}.{column.name}"
        for table in schema.METADATA.tables.values()
        for column in table.columns
        if any(word in column.name.split("_") for word in words)
    }

    assert columns == {"setting.name"}
