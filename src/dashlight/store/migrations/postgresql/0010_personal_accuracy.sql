-- As migrations/0010_personal_accuracy.sql has it.

INSERT INTO erasure (key, offset_bytes, length_bytes)
SELECT f.key, 0, -1
FROM export_file f JOIN export e ON e.number = f.export
WHERE e.format <> 'pmtiles' AND f.state <> 2
AND EXISTS (SELECT 1 FROM picture WHERE number < 0 AND accuracy_dm IS NOT NULL);

UPDATE export_file SET state = 2, size_bytes = 0, sha256 = ''::BYTEA
WHERE state <> 2 AND export IN (SELECT number FROM export WHERE format <> 'pmtiles')
AND EXISTS (SELECT 1 FROM picture WHERE number < 0 AND accuracy_dm IS NOT NULL);

UPDATE picture SET accuracy_dm = NULL
WHERE number < 0 AND accuracy_dm IS NOT NULL;
