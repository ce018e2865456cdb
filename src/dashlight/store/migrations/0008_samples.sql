-- Every 16th and every 128th picture of a sequence in the order of the map: what a line is drawn from, far away, without
-- reading all of its pictures. A picture without a sequence has no rank and is in neither.

CREATE INDEX picture_sample_16 ON picture (qk, sequence, rank) WHERE (rank & 15) = 0;
CREATE INDEX picture_sample_128 ON picture (qk, sequence, rank) WHERE (rank & 127) = 0;
