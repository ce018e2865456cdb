-- As migrations/0002_refused.sql has it.

CREATE TABLE refused (
    sha256 BYTEA PRIMARY KEY,
    day BIGINT NOT NULL
);
