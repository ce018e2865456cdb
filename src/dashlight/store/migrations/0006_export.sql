-- Exports: of which format, on which day begun, how far they are; and their files, each with what it covers, so that a
-- picture that is withdrawn finds the files that hold it: a half-open range of keys, a range of days, an H3 cell of
-- resolution 4 or every one. The states are those of `store.schema`.

CREATE TABLE export (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    format TEXT NOT NULL,
    state INTEGER NOT NULL,
    day INTEGER NOT NULL,
    pictures INTEGER NOT NULL,
    pictures_done INTEGER NOT NULL
);

CREATE TABLE export_file (
    key TEXT PRIMARY KEY,
    export INTEGER NOT NULL,
    path TEXT NOT NULL,
    state INTEGER NOT NULL,
    qk_first INTEGER NOT NULL,
    qk_end INTEGER NOT NULL,
    cell INTEGER,
    day_first INTEGER NOT NULL,
    day_last INTEGER NOT NULL,
    pictures INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256 BLOB NOT NULL
) WITHOUT ROWID;

CREATE INDEX export_file_path ON export_file (export, path);
CREATE INDEX export_file_cell ON export_file (cell, day_first);
