-- Who decides about reports, and what was decided. Times are milliseconds or days since 1970-01-01, months are counted
-- since 1970-01. Of an operator: the public half of a passkey and the label that they gave it. Secrets are kept as
-- SHA-256, and rows that die (`ends_ms`) are deleted at the next look once they have.

CREATE TABLE passkey (
    id BLOB PRIMARY KEY,
    public_key BLOB NOT NULL,
    label TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE operator_invite (
    hash BLOB PRIMARY KEY,
    label TEXT NOT NULL,
    ends_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE operator_session (
    hash BLOB PRIMARY KEY,
    passkey BLOB NOT NULL,
    ends_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE spent_challenge (
    hash BLOB PRIMARY KEY,
    ends_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- Pictures that the operator keeps hidden, and the day on which they are erased if nothing else is decided.
CREATE TABLE kept (
    picture INTEGER PRIMARY KEY,
    erased_day INTEGER NOT NULL
);

-- Public counts: of reports (`reported`), of what was decided about them, and of uploads that were refused.
CREATE TABLE moderated (
    month INTEGER NOT NULL,
    issue TEXT NOT NULL,
    decision TEXT NOT NULL,
    pictures INTEGER NOT NULL,
    PRIMARY KEY (month, issue, decision)
) WITHOUT ROWID;

-- What the operator says in public about a decision. It names no picture.
CREATE TABLE statement (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    month INTEGER NOT NULL,
    issue TEXT NOT NULL,
    decision TEXT NOT NULL,
    reason TEXT NOT NULL,
    sentence TEXT NOT NULL
);

-- The queue of the operator, however many pictures are shown.
CREATE INDEX picture_hidden ON picture (number) WHERE state = 1;
