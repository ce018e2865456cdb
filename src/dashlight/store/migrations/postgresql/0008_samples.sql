-- As migrations/0008_samples.sql has it.

CREATE INDEX picture_sample_16 ON picture (qk, sequence, rank) WHERE (rank & 15) = 0;
CREATE INDEX picture_sample_128 ON picture (qk, sequence, rank) WHERE (rank & 127) = 0;
