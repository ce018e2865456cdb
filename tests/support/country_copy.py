"""The benchmark's country in PostgreSQL: the rows of the SQLite file, copied as they are.

SQLite itself writes the lines that COPY reads, and the indexes of pictures are made when all are there.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import sqlalchemy as sa

from dashlight.store import bulk
from dashlight.store.postgresql import PostgresqlDatabase
from dashlight.store.schema import METADATA

_LINES_AT_ONCE = 5_000
_INDEXES = (
    "SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "WHERE i.indrelid = 'picture'::regclass AND NOT i.indisunique"
)


def copy_country(path, url):
    """Copy every row of the SQLite database `path` into the empty database `url`, and let it settle."""
    database = PostgresqlDatabase(url)
    with psycopg.connect(url) as target:
        indexes = target.execute(_INDEXES).fetchall()
        for name, _ in indexes:
            target.execute(f"DROP INDEX {name}")
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
    with psycopg.connect(url) as target:
        for _, definition in indexes:
            target.execute(definition.replace(" ON ONLY ", " ON "))
    with psycopg.connect(url, autocommit=True) as target:
        target.execute("VACUUM (ANALYZE)")


def _written(column):
    """Return SQL that writes a column as COPY reads it."""
    name = f'"{column.name}"'
    if isinstance(column.type, sa.LargeBinary):
        name = rf"'\\x' || hex({name})"
    elif isinstance(column.type, sa.Text):
        for plain, escaped in ((r"'\'", r"'\\'"), ("char(9)", r"'\t'"), ("char(10)", r"'\n'"), ("char(13)", r"'\r'")):
            name = f"replace({name}, {plain}, {escaped})"
    return rf"coalesce({name}, '\N')"


def _copy_table(source, target, name):
    columns = METADATA.tables[name].columns
    form = "\t".join("%s" for _ in columns) + "\n"
    lines = source.execute(f"SELECT format(?, {', '.join(map(_written, columns))}) FROM {name}", (form,))
    listed = ", ".join(column.name for column in columns)
    with target.cursor() as cursor, cursor.copy(f"COPY {name} ({listed}) FROM STDIN") as copy:
        while rows := lines.fetchmany(_LINES_AT_ONCE):
            copy.write("".join(line for (line,) in rows))
