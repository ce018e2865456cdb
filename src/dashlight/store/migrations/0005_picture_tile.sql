-- The pictures of a tile of zoom 14 (qk >> 20) in the order of time: the newest of a small area are found without
-- looking at the others.

CREATE INDEX picture_tile ON picture ((qk >> 20), captured_ms, number);
