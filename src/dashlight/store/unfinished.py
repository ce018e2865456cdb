"""The mark of a store that is a copy which was not finished: no server takes it."""

from __future__ import annotations

import sqlalchemy as sa

from dashlight.errors import HostError
from dashlight.store.database import Database
from dashlight.store.schema import setting

MARK = "copy"  # Of the row in `setting`.


def check_finished(database: Database) -> None:
    """Check that the store is whole.

    Raises:
        HostError: When it is a copy that was cut off.
    """
    with database.read() as connection:
        found = connection.execute(sa.select(setting.c.name).where(setting.c.name == MARK)).first()
    if found is not None:
        raise HostError(
            "this store is a copy that was not finished",
            hint="run `dashlight store copy` again with the same places; it goes on where it was cut off",
            code="unfinished-copy",
        )
