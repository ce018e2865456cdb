-- As migrations/0009_personal_numbers.sql has it. Negative numbers have partitions of their own (store/bulk.py): one for
-- 512 days of told time.

CREATE TEMPORARY TABLE renumbered (
    was BIGINT PRIMARY KEY,
    now BIGINT NOT NULL UNIQUE,
    qk BIGINT NOT NULL,
    h3_r15 BIGINT NOT NULL,
    captured_ms BIGINT NOT NULL,
    heading_ddeg BIGINT NOT NULL,
    state BIGINT NOT NULL
) ON COMMIT DROP;

-- 13 hexadecimal digits are 52 bits; the ends of such a UUID are random.
INSERT INTO renumbered
SELECT
    p.number,
    -(1::BIGINT << 62) + ((LEAST(GREATEST(p.captured_ms / 86400000, 0), 65535) >> 6) << 52)
    + ('x' || left(gen_random_uuid()::TEXT, 8) || right(gen_random_uuid()::TEXT, 5))::BIT(52)::BIGINT,
    p.qk, p.h3_r15, p.captured_ms, p.heading_ddeg, p.state
FROM picture p
WHERE p.number > 0 AND p.terms = ANY (ARRAY(SELECT number FROM terms WHERE policy = 'personal'))
AND EXISTS (SELECT 1 FROM terms WHERE policy = 'personal');

DO $$
DECLARE
    part BIGINT;
    name TEXT;
BEGIN
    FOR part IN SELECT DISTINCT now >> 55 FROM renumbered LOOP
        name := 'picture_personal_' || (part + 128);
        EXECUTE 'CREATE TABLE ' || name || ' (LIKE picture INCLUDING ALL)';
        EXECUTE 'ALTER TABLE picture ATTACH PARTITION ' || name
            || ' FOR VALUES FROM (' || (part << 55) || ') TO (' || ((part + 1) << 55) || ')';
    END LOOP;
END
$$;

ANALYZE renumbered;
UPDATE picture SET number = r.now FROM renumbered r WHERE picture.number = r.was;
UPDATE mark SET number = r.now FROM renumbered r WHERE mark.qk = r.qk AND mark.number = r.was;
UPDATE live SET number = r.now FROM renumbered r WHERE live.number = r.was;
UPDATE report SET picture = r.now FROM renumbered r WHERE report.picture = r.was;
UPDATE decision SET picture = r.now FROM renumbered r WHERE decision.picture = r.was;
UPDATE cleared SET picture = r.now FROM renumbered r WHERE cleared.picture = r.was;
UPDATE kept SET picture = r.now FROM renumbered r WHERE kept.picture = r.was;

UPDATE live SET number = f.number, mark = f.mark
FROM (
    SELECT DISTINCT ON (l.cell, l.octant) l.cell, l.octant, p.number, m.mark
    FROM renumbered r
    JOIN live l ON l.number = r.now
    JOIN mark m ON m.qk >= l.cell << 6 AND m.qk < (l.cell + 1) << 6
    JOIN picture p ON p.number = m.number
    WHERE p.captured_ms = l.captured_ms AND (p.heading_ddeg + 225) / 450 % 8 = l.octant
    ORDER BY l.cell, l.octant, p.number DESC
) f
WHERE live.cell = f.cell AND live.octant = f.octant;

UPDATE cover SET heading_ddeg = f.newest % 3600
FROM (
    SELECT
        v.resolution,
        (r.h3_r15 & ~(15::BIGINT << 52)) | (v.resolution::BIGINT << 52)
        | ((1::BIGINT << (3 * (15 - v.resolution))) - 1) AS cell,
        MAX(r.captured_ms * 3600 + r.heading_ddeg) AS newest
    FROM renumbered r
    CROSS JOIN (SELECT DISTINCT resolution FROM cover) v
    WHERE r.state = 0
    GROUP BY 1, 2
) f
WHERE cover.resolution = f.resolution AND cover.cell = f.cell AND cover.captured_ms = f.newest / 3600;

DROP TABLE renumbered;
