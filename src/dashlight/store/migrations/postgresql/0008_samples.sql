-- As migrations/0008_samples.sql has it.

CREATE INDEX picture_sample_16 ON picture (qk, sequence, rank, lon_e6, lat_e6, captured_ms, heading_ddeg, state)
WHERE (rank & 15) = 0 AND state = 0;
CREATE INDEX picture_sample_128 ON picture (qk, sequence, rank, lon_e6, lat_e6, captured_ms, heading_ddeg, state)
WHERE (rank & 127) = 0 AND state = 0;
