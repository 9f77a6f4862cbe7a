-- Silences: where a host's format has no records for longer than it usually has.
SELECT host, format, first AS "from", last AS until
FROM coverage
WHERE kind = 'gap'
ORDER BY host, format, first
