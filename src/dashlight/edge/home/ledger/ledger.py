"""What this edge has seen, spooled and had acknowledged: one SQLite file that never leaves the machine.

Moments at which something is durable (`synchronous=FULL`, so a commit is an fsync):

    reserve_bundle_number   before the number is used; a crash burns it, it never comes twice
    add_bundle              after the spool's file; from here on its pictures are never selected again
    token_for               before the first byte is sent; a retry after a crash spends the same token
    receive                 the verified receipt; only after it may the spool drop the file

A bundle is `spooled`, then `received` or `refused` (kept, shown, never sent again by itself). `forgotten` is the
end of those whose owner changed their mind.
"""

from __future__ import annotations

from dashlight.edge.home.ledger.drives import DriveTable
from dashlight.edge.home.ledger.erasures import ErasureTable


class Ledger(ErasureTable, DriveTable):
    """The ledger: every table of its file; safe for several threads and processes, one writer at a time."""
