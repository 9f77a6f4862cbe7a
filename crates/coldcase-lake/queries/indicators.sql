-- title: Where in the fleet the indicators are
-- about: Domains with all names below them, addresses and hashes of the indicator files, and the hosts that have or used
-- them. Networks and URLs can't be compared by equality and are told as not asked.
-- step: seen, of each sightings(case_name, host, entity_type, entity, first_ns, events, file, line_number, byte_offset), split by entity
SELECT entity_type, entity, COALESCE(host, case_name) AS machine, case_name, first_ns, events, file, line_number,
       byte_offset
FROM sightings WHERE entity_type IN ('domain', 'address', 'hash')
-- step: names0
SELECT DISTINCT entity, entity AS name FROM seen
-- step: names1
SELECT entity, SUBSTR(name, LENGTH(SPLIT_PART(name, '.', 1)) + 2) AS name FROM names0 WHERE LENGTH(SPLIT_PART(name, '.', 1)) < LENGTH(name)
-- step: names2
SELECT entity, SUBSTR(name, LENGTH(SPLIT_PART(name, '.', 1)) + 2) AS name FROM names1 WHERE LENGTH(SPLIT_PART(name, '.', 1)) < LENGTH(name)
-- step: names3
SELECT entity, SUBSTR(name, LENGTH(SPLIT_PART(name, '.', 1)) + 2) AS name FROM names2 WHERE LENGTH(SPLIT_PART(name, '.', 1)) < LENGTH(name)
-- step: names4
SELECT entity, SUBSTR(name, LENGTH(SPLIT_PART(name, '.', 1)) + 2) AS name FROM names3 WHERE LENGTH(SPLIT_PART(name, '.', 1)) < LENGTH(name)
-- step: names5
SELECT entity, SUBSTR(name, LENGTH(SPLIT_PART(name, '.', 1)) + 2) AS name FROM names4 WHERE LENGTH(SPLIT_PART(name, '.', 1)) < LENGTH(name)
-- step: names
SELECT entity, name, 1 AS is_whole FROM names0
UNION ALL SELECT entity, name, 0 AS is_whole FROM names1
UNION ALL SELECT entity, name, 0 AS is_whole FROM names2
UNION ALL SELECT entity, name, 0 AS is_whole FROM names3
UNION ALL SELECT entity, name, 0 AS is_whole FROM names4
UNION ALL SELECT entity, name, 0 AS is_whole FROM names5
-- step: meant
SELECT DISTINCT indicators.kind, indicators.value, names.entity
FROM names INNER JOIN indicators ON names.name = indicators.value
WHERE indicators.kind = 'domain' OR names.is_whole = 1
-- step: met
SELECT meant.kind, meant.value, seen.entity, seen.machine, seen.case_name, seen.first_ns, seen.events, seen.file,
       seen.line_number, seen.byte_offset
FROM meant INNER JOIN seen ON meant.entity = seen.entity
WHERE (meant.kind = 'domain' AND seen.entity_type = 'domain') OR (meant.kind = 'ip' AND seen.entity_type = 'address')
   OR (meant.kind = 'hash' AND seen.entity_type = 'hash')
-- step: ranked
SELECT kind, value, machine, case_name, entity, first_ns, events, file, line_number, byte_offset,
       ROW_NUMBER() OVER (PARTITION BY kind, value, machine
                          ORDER BY COALESCE(first_ns, 9223372036854775807), case_name, entity, file,
                                   COALESCE(line_number, -1), COALESCE(byte_offset, -1)) AS place
FROM met
-- step: totals
SELECT kind, value, machine, SUM(events) AS events FROM met GROUP BY kind, value, machine
-- step: answer
SELECT ranked.kind, ranked.value, ranked.machine, ranked.entity, totals.events, ranked.first_ns, ranked.case_name,
       ranked.file, ranked.line_number, ranked.byte_offset
FROM ranked
INNER JOIN totals ON ranked.kind = totals.kind AND ranked.value = totals.value AND ranked.machine = totals.machine
WHERE ranked.place = 1
