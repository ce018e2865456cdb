"""Rows that a database joins into one value are those that it holds, on every database."""

import numpy as np
import pytest
import sqlalchemy as sa

from dashlight.store.joined import joined_bytes, joined_numbers
from dashlight.store.schema import live

BLOBS = (b"\x00" * 52, bytes(range(52)), b"\xff\xfe\x80\xc3" * 13, "käse".encode() + b"\x00\x00,", b"")
ROWS = "SELECT cell, captured_ms, mark FROM live WHERE octant = ?"


@pytest.fixture(scope="module", params=("sqlite-folder", "postgresql-folder"))
def connection(request, tmp_path_factory, backends):
    """A connection to a store whose table `live` holds one row for each of `BLOBS`."""
    opened = backends.store(tmp_path_factory.mktemp("store"), request.param)
    rows = [
        {"cell": n, "octant": 0, "captured_ms": (-1) ** n * ((1 << 62) + n), "number": n, "mark": blob}
        for n, blob in enumerate(BLOBS)
    ]
    opened.database.write(lambda transaction: transaction.connection.execute(sa.insert(live), rows))
    with opened.database.read() as reading:
        yield reading
    opened.database.close()


def test_bytes_are_joined_as_they_are(connection):
    for n, blob in enumerate(BLOBS):
        assert joined_bytes(connection, "mark", ROWS + " AND cell = ?", (0, n)) == blob

    whole = joined_bytes(connection, "mark", ROWS, (0,))

    assert len(whole) == sum(map(len, BLOBS))
    assert all(blob in whole for blob in BLOBS)


def test_numbers_are_joined_whatever_their_sign_and_size(connection):
    cells, times = joined_numbers(connection, ("cell", "captured_ms"), ROWS, (0,))

    order = np.argsort(cells)
    assert cells[order].tolist() == list(range(len(BLOBS)))
    assert times[order].tolist() == [(-1) ** n * ((1 << 62) + n) for n in range(len(BLOBS))]


def test_no_rows_are_nothing(connection):
    assert joined_bytes(connection, "mark", ROWS, (7,)) == b""
    assert joined_numbers(connection, ("cell", "captured_ms"), ROWS, (7,)).shape == (2, 0)
