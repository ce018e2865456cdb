-- The first schema. Times are milliseconds or days since 1970-01-01 UTC; positions are millionths of a degree;
-- headings are tenths of a degree. docs/reference/store.md says what each table is for and how long a row stays.
-- AUTOINCREMENT where a number outlives its row in another table, in a queue or on an operator's screen: a number that
-- came again would stand for something else.

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- What goes for many pictures alike, once.
CREATE TABLE terms (
    number INTEGER PRIMARY KEY,
    policy TEXT NOT NULL,
    license TEXT NOT NULL,
    attribution TEXT NOT NULL,
    pictures INTEGER NOT NULL,
    UNIQUE (policy, license, attribution)
);

CREATE TABLE sequence (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    next_rank INTEGER NOT NULL
);

CREATE TABLE object (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    size_bytes INTEGER NOT NULL,
    head_bytes INTEGER NOT NULL
);

CREATE TABLE bundle (
    sha256 BLOB PRIMARY KEY,
    state INTEGER NOT NULL,
    receipt BLOB NOT NULL,
    public_key BLOB,
    object INTEGER
) WITHOUT ROWID;

CREATE INDEX bundle_state ON bundle (state) WHERE state = 1;

CREATE TABLE picture (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    state INTEGER NOT NULL,
    qk INTEGER NOT NULL,
    h3_r15 INTEGER NOT NULL,
    lon_e6 INTEGER NOT NULL,
    lat_e6 INTEGER NOT NULL,
    captured_ms INTEGER NOT NULL,
    captured_precision INTEGER NOT NULL,
    heading_ddeg INTEGER NOT NULL,
    accuracy_dm INTEGER,
    terms INTEGER NOT NULL,
    sequence INTEGER,
    rank INTEGER,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    object INTEGER NOT NULL,
    offset_bytes INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    thumbnail_offset_bytes INTEGER NOT NULL,
    thumbnail_size_bytes INTEGER NOT NULL,
    redactions TEXT NOT NULL,
    deletion_commitment BLOB NOT NULL
);

CREATE INDEX picture_h3 ON picture (h3_r15);
CREATE INDEX picture_captured ON picture (captured_ms, number);
CREATE INDEX picture_object ON picture (object);
CREATE INDEX picture_sequence ON picture (sequence, captured_ms, number) WHERE sequence IS NOT NULL;

-- What the map shows of a published picture, in the order of the map: a tile is one range.
CREATE TABLE mark (
    qk INTEGER NOT NULL,
    number INTEGER NOT NULL,
    mark BLOB NOT NULL,
    PRIMARY KEY (qk, number)
) WITHOUT ROWID;

-- The freshest mark of each z21 tile and heading octant: its size follows the roads, not the pictures.
CREATE TABLE live (
    cell INTEGER NOT NULL,
    octant INTEGER NOT NULL,
    captured_ms INTEGER NOT NULL,
    number INTEGER NOT NULL,
    mark BLOB NOT NULL,
    PRIMARY KEY (cell, octant)
) WITHOUT ROWID;

-- Pictures counted by H3 cell, in the order of the map (qk of the cell's centre).
CREATE TABLE cover (
    resolution INTEGER NOT NULL,
    qk INTEGER NOT NULL,
    cell INTEGER NOT NULL,
    pictures INTEGER NOT NULL,
    captured_ms INTEGER NOT NULL,
    heading_ddeg INTEGER NOT NULL,
    outline BLOB NOT NULL,
    PRIMARY KEY (resolution, qk)
) WITHOUT ROWID;

CREATE TABLE cover_day (
    resolution INTEGER NOT NULL,
    qk INTEGER NOT NULL,
    day INTEGER NOT NULL,
    pictures INTEGER NOT NULL,
    PRIMARY KEY (resolution, qk, day)
) WITHOUT ROWID;

CREATE TABLE daily (
    day INTEGER PRIMARY KEY,
    pictures INTEGER NOT NULL
);

-- Names of pictures that were erased, so that a reader is told "gone" and not "never was".
CREATE TABLE gone (
    id BLOB PRIMARY KEY
) WITHOUT ROWID;

-- Byte ranges whose rows are deleted and whose bytes are still to be zeroed. A whole object has length -1.
CREATE TABLE erasure (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    offset_bytes INTEGER NOT NULL,
    length_bytes INTEGER NOT NULL
);

CREATE TABLE event (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    lon_e6 INTEGER,
    lat_e6 INTEGER,
    picture BLOB,
    data TEXT NOT NULL
);

-- Hashes only, ordered by hash, so that neither a secret nor the order of issue can be read here.
CREATE TABLE invite (
    hash BLOB PRIMARY KEY,
    policy TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE enrolment (
    hash BLOB PRIMARY KEY,
    policy TEXT NOT NULL,
    license TEXT NOT NULL,
    drawn_day INTEGER NOT NULL,
    drawn_tokens INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE token (
    hash BLOB PRIMARY KEY,
    policy TEXT NOT NULL,
    bundle BLOB
) WITHOUT ROWID;

CREATE TABLE report (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    picture INTEGER NOT NULL,
    issue TEXT NOT NULL,
    comment TEXT NOT NULL,
    day INTEGER NOT NULL
);

CREATE INDEX report_picture ON report (picture);
