-- Bundles in which the second look found a face, a plate or another thumbnail: the hash alone, and the day on which it
-- was found, since 1970-01-01. The same bundle is not looked at again.

CREATE TABLE refused (
    sha256 BLOB PRIMARY KEY,
    day INTEGER NOT NULL
) WITHOUT ROWID;
