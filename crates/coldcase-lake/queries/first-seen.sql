-- title: What spread over the fleet, and where it was first
-- about: Things that several hosts have and most have not, host by host in the order in which they show there: the first
-- is patient zero, as far as records tell. What only snapshots show has no time and stands last. With `about`,
-- one thing alone, wherever it is.
-- parameter: percent = 10  a thing that more than this many in a hundred hosts have is the fleet's own
-- parameter: about = ''  one entity: a key's fingerprint, an image, a domain, an address, ...
-- reads: hosts(case_name, host)
-- step: fleet
SELECT COUNT(DISTINCT COALESCE(host, case_name)) AS hosts FROM hosts
-- step: seen, of each sightings(case_name, host, entity_type, entity, first_ns, file, line_number, byte_offset), split by entity
SELECT entity_type, entity, COALESCE(host, case_name) AS machine, case_name, first_ns, file, line_number, byte_offset
FROM sightings
WHERE entity = :about
   OR (:about = '' AND entity_type IN ('key', 'image', 'exe', 'job', 'cron', 'unit', 'domain', 'hash', 'preload'))
-- step: spread
SELECT entity_type, entity, COUNT(DISTINCT machine) AS hosts FROM seen GROUP BY entity_type, entity
-- step: chosen
SELECT spread.entity_type, spread.entity, spread.hosts
FROM spread CROSS JOIN fleet
WHERE :about <> '' OR (spread.hosts >= 2 AND spread.hosts * 100 <= fleet.hosts * :percent)
-- step: ranked
SELECT seen.entity_type, seen.entity, seen.machine, seen.case_name, seen.first_ns, seen.file, seen.line_number,
       seen.byte_offset,
       ROW_NUMBER() OVER (PARTITION BY seen.entity_type, seen.entity, seen.machine
                          ORDER BY COALESCE(seen.first_ns, 9223372036854775807), seen.case_name, seen.file,
                                   COALESCE(seen.line_number, -1), COALESCE(seen.byte_offset, -1)) AS place
FROM seen INNER JOIN chosen ON seen.entity_type = chosen.entity_type AND seen.entity = chosen.entity
-- step: once
SELECT entity_type, entity, machine, case_name, first_ns, file, line_number, byte_offset,
       ROW_NUMBER() OVER (PARTITION BY entity_type, entity
                          ORDER BY COALESCE(first_ns, 9223372036854775807), machine) AS nth
FROM ranked WHERE place = 1
-- step: answer
SELECT chosen.entity_type, chosen.entity, chosen.hosts, once.nth, once.machine, once.case_name, once.first_ns, once.file,
       once.line_number, once.byte_offset
FROM once INNER JOIN chosen ON once.entity_type = chosen.entity_type AND once.entity = chosen.entity
WHERE once.nth <= 50
