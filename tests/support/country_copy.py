"""The benchmark's country in PostgreSQL: the rows of the SQLite file, copied as they are."""

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg

from dashlight.store import bulk
from dashlight.store.postgresql import PostgresqlDatabase
from dashlight.store.schema import METADATA


def copy_country(path, url):
    """Copy every row of the SQLite database `path` into the empty database `url`, and let it settle."""
    database = PostgresqlDatabase(url)
    with closing(sqlite3.connect(f"file:{Path(path).absolute()}?mode=ro", uri=True)) as source:
        tables = [row[0] for row in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table, column, shift in (("mark", "qk", 36), ("picture", "number", 26)):
            parts = [row[0] for row in source.execute(f"SELECT DISTINCT {column} >> {shift} FROM {table}")]
            rows = [{column: part << shift} for part in parts]
            database.write(lambda t, table=table, rows=rows: bulk._add_partitions(t.connection, table, rows))
        with psycopg.connect(url) as target:
            for name in METADATA.tables:
                if name in tables and name != "setting":
                    _copy_table(source, target, name)
        last = source.execute("SELECT max(number) FROM picture").fetchone()[0] or 0
        database.write(lambda t: bulk.set_counters(t.connection, {"picture": last}))
    database.close()
    with psycopg.connect(url, autocommit=True) as target:
        target.execute("VACUUM (ANALYZE)")


def _copy_table(source, target, name):
    columns = [column.name for column in METADATA.tables[name].columns]
    listed = ", ".join(columns)
    rows = source.execute(f"SELECT {listed} FROM {name}")
    with target.cursor() as cursor, cursor.copy(f"COPY {name} ({listed}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
