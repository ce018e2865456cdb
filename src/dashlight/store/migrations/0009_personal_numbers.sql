-- `personal` pictures get numbers that say nothing of the batch in which they came (store/numbers.py has the arithmetic):
-- drawn, negative, and those of 64 days of told time near each other. Where the numbers of two pictures happen to be the
-- same, nothing is changed, and the next start draws again.

-- What the operator decided about a reported picture, until the server has carried it out. Stores of before the first
-- release have it already.
CREATE TABLE IF NOT EXISTS decision (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    picture INTEGER NOT NULL,
    verdict TEXT NOT NULL
);

CREATE TEMPORARY TABLE renumbered (
    was INTEGER PRIMARY KEY,
    now INTEGER NOT NULL UNIQUE,
    qk INTEGER NOT NULL,
    h3_r15 INTEGER NOT NULL,
    captured_ms INTEGER NOT NULL,
    heading_ddeg INTEGER NOT NULL,
    state INTEGER NOT NULL
);

-- Where no terms are of that policy, no picture is looked at.
INSERT INTO renumbered
SELECT
    p.number,
    -(1 << 62) + ((MIN(MAX(p.captured_ms / 86400000, 0), 65535) >> 6) << 52) + (random() & ((1 << 52) - 1)),
    p.qk, p.h3_r15, p.captured_ms, p.heading_ddeg, p.state
FROM terms t CROSS JOIN picture p ON p.terms = t.number
WHERE t.policy = 'personal' AND p.number > 0;

UPDATE picture SET number = r.now FROM renumbered r WHERE picture.number = r.was;
UPDATE mark SET number = r.now FROM renumbered r WHERE mark.qk = r.qk AND mark.number = r.was;
UPDATE live SET number = r.now FROM renumbered r WHERE live.number = r.was;
UPDATE report SET picture = r.now FROM renumbered r WHERE report.picture = r.was;
UPDATE decision SET picture = r.now FROM renumbered r WHERE decision.picture = r.was;
UPDATE cleared SET picture = r.now FROM renumbered r WHERE cleared.picture = r.was;
UPDATE kept SET picture = r.now FROM renumbered r WHERE kept.picture = r.was;

-- Of equal times the last to come was the freshest; now it is the one with the greatest number.
UPDATE live SET number = f.number, mark = f.mark
FROM (
    SELECT l.cell, l.octant, MAX(p.number) AS number, m.mark AS mark
    FROM renumbered r
    JOIN live l ON l.number = r.now
    JOIN mark m ON m.qk >= l.cell << 6 AND m.qk < (l.cell + 1) << 6
    JOIN picture p ON p.number = m.number
    WHERE p.captured_ms = l.captured_ms AND (p.heading_ddeg + 225) / 450 % 8 = l.octant
    GROUP BY l.cell, l.octant
) f
WHERE live.cell = f.cell AND live.octant = f.octant;

-- Likewise the heading that a cell shows; now it is the greatest. A cell of H3 has its resolution in bits 52 to 55, and
-- all of the digits that finer ones use are set.
UPDATE cover SET heading_ddeg = f.newest % 3600
FROM (
    SELECT
        v.resolution,
        (r.h3_r15 & ~(15 << 52)) | (v.resolution << 52) | ((1 << (3 * (15 - v.resolution))) - 1) AS cell,
        MAX(r.captured_ms * 3600 + r.heading_ddeg) AS newest
    FROM renumbered r
    CROSS JOIN (SELECT DISTINCT resolution FROM cover) v
    WHERE r.state = 0
    GROUP BY 1, 2
) f
WHERE cover.resolution = f.resolution AND cover.cell = f.cell AND cover.captured_ms = f.newest / 3600;

DROP TABLE renumbered;
