-- As migrations/0005_picture_tile.sql has it.

CREATE INDEX picture_tile ON picture ((qk >> 20), captured_ms, number);
