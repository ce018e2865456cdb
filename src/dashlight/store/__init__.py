"""What is kept: rows in a database, bytes in an object store, each behind a contract.

`durable` is shared with the edge, so nothing is imported here that only a server needs; take the rest from its module.
"""

from dashlight.store.durable import write_durably

__all__ = ["write_durably"]
