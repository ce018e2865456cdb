-- As migrations/0003_cleared.sql has it.

CREATE TABLE cleared (
    picture BIGINT PRIMARY KEY
);
