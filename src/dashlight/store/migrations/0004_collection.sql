-- How many pictures of each terms a collection holds, and how far they reach: a sequence, or what came without one in
-- an H3 cell of resolution 6 in a month. The id is the one that readers see. A cell's reach follows from its id alone.

CREATE TABLE collection (
    id TEXT NOT NULL,
    terms INTEGER NOT NULL,
    sequence INTEGER,
    pictures INTEGER NOT NULL,
    west_e6 INTEGER,
    south_e6 INTEGER,
    east_e6 INTEGER,
    north_e6 INTEGER,
    first_ms INTEGER,
    last_ms INTEGER,
    PRIMARY KEY (id, terms)
) WITHOUT ROWID;

INSERT INTO collection
SELECT
    substr(lower(hex(s.id)), 1, 8) || '-' || substr(lower(hex(s.id)), 9, 4) || '-' || substr(lower(hex(s.id)), 13, 4)
    || '-' || substr(lower(hex(s.id)), 17, 4) || '-' || substr(lower(hex(s.id)), 21, 12),
    p.terms, p.sequence, COUNT(*), MIN(p.lon_e6), MIN(p.lat_e6), MAX(p.lon_e6), MAX(p.lat_e6),
    MIN(p.captured_ms), MAX(p.captured_ms)
FROM picture p JOIN sequence s ON s.number = p.sequence
WHERE p.state = 0
GROUP BY p.sequence, p.terms;

-- The parent of an H3 cell: its resolution becomes 6, and the digits that finer cells use are all set.
INSERT INTO collection (id, terms, pictures)
SELECT
    t.policy || '-' || printf('%x', (p.h3_r15 & ~(15 << 52)) | (6 << 52) | 134217727)
    || '-' || strftime('%Y-%m', p.captured_ms / 1000, 'unixepoch'),
    p.terms, COUNT(*)
FROM picture p JOIN terms t ON t.number = p.terms
WHERE p.state = 0 AND p.sequence IS NULL
GROUP BY 1, 2;
