-- As migrations/0004_collection.sql has it.

CREATE TABLE collection (
    id TEXT COLLATE "C" NOT NULL,
    terms BIGINT NOT NULL,
    sequence BIGINT,
    pictures BIGINT NOT NULL,
    west_e6 INTEGER,
    south_e6 INTEGER,
    east_e6 INTEGER,
    north_e6 INTEGER,
    first_ms BIGINT,
    last_ms BIGINT,
    PRIMARY KEY (id, terms)
) WITH (fillfactor = 85);

INSERT INTO collection
SELECT
    encode(s.id, 'hex')::UUID::TEXT, p.terms, p.sequence, COUNT(*), MIN(p.lon_e6), MIN(p.lat_e6), MAX(p.lon_e6),
    MAX(p.lat_e6), MIN(p.captured_ms), MAX(p.captured_ms)
FROM picture p JOIN sequence s ON s.number = p.sequence
WHERE p.state = 0
GROUP BY s.id, p.sequence, p.terms;

-- The parent of an H3 cell: its resolution becomes 6, and the digits that finer cells use are all set.
INSERT INTO collection (id, terms, pictures)
SELECT
    t.policy || '-' || to_hex((p.h3_r15 & ~(15::BIGINT << 52)) | (6::BIGINT << 52) | 134217727)
    || '-' || to_char(to_timestamp(p.captured_ms / 1000) AT TIME ZONE 'UTC', 'YYYY-MM'),
    p.terms, COUNT(*)
FROM picture p JOIN terms t ON t.number = p.terms
WHERE p.state = 0 AND p.sequence IS NULL
GROUP BY 1, 2;
