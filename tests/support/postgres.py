"""A PostgreSQL server of one's own for tests: made in a temporary folder, listening on loopback, never as root."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg

USERS = ("postgres", "nobody")  # PostgreSQL refuses to run as root; one of these runs it then.
_CONF = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_buffers = 64MB
max_wal_size = 256MB
max_connections = 120
fsync = {fsync}
log_min_messages = warning
"""


@cache
def binaries():
    """Return the folder of `initdb` and `pg_ctl`, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def why_not():
    """Return why no server can be made here, or an empty text."""
    if binaries() is None:
        return "no PostgreSQL on this machine: `make second-scale-deps` installs it"
    if os.geteuid() == 0 and _user() is None:
        return f"PostgreSQL does not run as root, and there is none of the users {', '.join(USERS)}"
    return ""


def _user():
    for name in USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Postgres:
    """One server; `url` makes a database in it."""

    def __init__(self, *, is_durable=False):
        self.folder = Path(tempfile.mkdtemp(prefix="dashlight-postgres-"))
        self.port = _free_port()
        user = _user() if os.geteuid() == 0 else None
        self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        if user:
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        data = self.folder / "data"
        self._run("initdb", "-D", data, "-U", "dashlight", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
        with (data / "postgresql.conf").open("a") as conf:
            conf.write(_CONF.format(fsync="on" if is_durable else "off") + f"port = {self.port}\n")
        self.start()

    def _run(self, name, *arguments):
        subprocess.run(
            [binaries() / name, *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            **self._as,
        )

    def start(self):
        self._run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w", "-t", "60", "start")

    def stop(self, mode="immediate"):
        self._run("pg_ctl", "-D", self.folder / "data", "-m", mode, "-w", "stop")

    def url(self, name=None):
        """Return the address of a new database."""
        name = name or f"t{secrets.token_hex(6)}"
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.address(name)

    def address(self, name):
        return f"postgresql://dashlight@127.0.0.1:{self.port}/{name}"

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def running(**options):
    """Run a server and remove it afterwards."""
    server = Postgres(**options)
    try:
        yield server
    finally:
        server.remove()
