"""The country of the benchmarks: how many pictures it has, and its data, made once and kept in `.cache/bench`.

`tools/bench.py --pictures` and `--grown` choose other sizes. The rows are those that publishing writes (a test compares
them), put into the tables in bulk: 10 million take some minutes of a core and 4.1 GB, and 6 GB more in PostgreSQL.
"""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import country_copy
import postgres
import road_network

CACHE = Path(".cache/bench")
PICTURES = 10_000_000
SMALL, GROWN = 1_000_000, 50_000_000  # `growth.*` compares these two.
THUMBNAIL_AT, THUMBNAIL_BYTES = 128_000, 20_000  # In the one object that every row of the country names.
_QUICKLY = "-c fsync=off -c max_wal_size=2GB -c maintenance_work_mem=512MB -c checkpoint_timeout=1h"


def data(pictures=None):
    """Return the folder of the country's data; made when it is not there."""
    pictures = PICTURES if pictures is None else pictures
    folder = CACHE / f"country-{pictures}-v1"
    if not folder.exists():
        part = CACHE / f"country-{pictures}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        road_network.build(part / "dashlight.sqlite", pictures)
        part.rename(folder)
    return folder


class KeptPostgres(postgres.Postgres):
    """A PostgreSQL server of which the files stay, with the country as its only database."""

    def __init__(self, folder):
        self.folder = folder.absolute()
        self.port = postgres._free_port()
        user = postgres._user() if os.geteuid() == 0 else None
        self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        self.options = ""
        if user and folder.exists():
            os.chown(folder, user.pw_uid, user.pw_gid)

    def make(self):
        """Make the files of an empty server."""
        data = self.folder / "data"
        self._run("initdb", "-D", data, "-U", "dashlight", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
        with (data / "postgresql.conf").open("a") as conf:
            conf.write(postgres._CONF.format(fsync="on"))

    def start(self):
        options = f"-p {self.port} {self.options}"
        log = self.folder / "log"
        self._run("pg_ctl", "-D", self.folder / "data", "-l", log, "-o", options, "-w", "-t", "300", "start")


@contextmanager
def in_postgresql(pictures=None):
    """Run a server that holds the country, and yield the address of the database; copied when it is not there."""
    pictures = PICTURES if pictures is None else pictures
    folder = CACHE / f"postgresql-{pictures}-v1"
    if not folder.exists():
        _make_postgresql(folder, data(pictures) / "dashlight.sqlite")
    server = KeptPostgres(folder)
    server.start()
    try:
        yield server.address("country")
    finally:
        server.stop("fast")


def _make_postgresql(folder, source):
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    server = KeptPostgres(part)
    server.make()
    server.options = _QUICKLY
    server.start()
    try:
        country_copy.copy_country(source, server.url("country"))
    finally:
        server.stop("fast")
    part.rename(folder)
