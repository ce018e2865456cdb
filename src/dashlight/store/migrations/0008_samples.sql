-- Every 16th and every 128th picture of a sequence in the order of the map: what a line is drawn from, far away, without
-- reading all of its pictures. A picture without a sequence has no rank and is in neither. Every
-- column that a line is drawn from is in the index, so that no row is read.

CREATE INDEX picture_sample_16 ON picture (qk, sequence, rank, lon_e6, lat_e6, captured_ms, heading_ddeg, state)
WHERE (rank & 15) = 0 AND state = 0;
CREATE INDEX picture_sample_128 ON picture (qk, sequence, rank, lon_e6, lat_e6, captured_ms, heading_ddeg, state)
WHERE (rank & 127) = 0 AND state = 0;
