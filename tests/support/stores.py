"""The pairs of stores that a server can have, each as settings; and the servers behind them, started once a session."""

from dataclasses import dataclass, replace

import postgres
import pytest
import s3

from dashlight.config import ServerSettings
from dashlight.store.upkeep import last_batch_day, open_store

PAIRS = ("sqlite-folder", "sqlite-s3", "postgresql-folder", "postgresql-s3")


@dataclass(frozen=True)
class Backends:
    """What starts the servers that a pair needs.

    Attributes:
        postgres: Returns the PostgreSQL server.
        s3: Returns the S3 server.
    """

    postgres: object
    s3: object

    def settings(self, pair):
        """Return the settings of a new, empty store."""
        rows, pictures = pair.split("-")
        chosen = {}
        if rows == "postgresql":
            chosen["database_url"] = self.postgres().url()
        if pictures == "s3":
            chosen |= {"objects_url": self.s3().url(), "objects_key_id": s3.KEY_ID, "objects_secret": s3.SECRET}
        return chosen

    def store(self, folder, pair):
        """Return a new, empty store; the caller closes its database."""
        return open_store(folder, replace(ServerSettings(), **self.settings(pair)))


def wait_for_first_batch(server):
    """Wait until a server that has just begun has made the batch that is due then; each look is a request."""
    for _ in range(2_000):
        assert server.client.get("/healthz").status_code == 200
        with server.store.database.read() as connection:
            if last_batch_day(connection) is not None:
                return
    raise AssertionError("no batch was made")


@pytest.fixture(scope="session")
def backends(request):
    """Start servers when they are first asked for; skip what needs one that is not on this machine."""
    started = {}

    def starter(module, make):
        def start():
            if why := module.why_not():
                pytest.skip(why)
            if module not in started:
                started[module] = make()
                request.addfinalizer(started[module].remove)
            return started[module]

        return start

    return Backends(starter(postgres, postgres.Postgres), starter(s3, s3.S3))
