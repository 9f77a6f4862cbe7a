-- title: What almost no other host of its group has
-- about: Least-frequency stacking: executables, images, cron lines, units, keys, listening ports, domains that at most
-- `most_hosts` hosts of a group have, where at least `least_group` hosts of the group show things of that kind. A group
-- is hosts whose names differ in digits alone.
-- parameter: most_hosts = 1  hosts of a group that may have a rare thing
-- parameter: least_group = 10  hosts of a group with things of the kind, below which nothing is rare
-- reads: hosts(case_name, host, host_group)
-- step: covered, of each sightings(case_name, host, entity_type)
SELECT DISTINCT entity_type, COALESCE(host, case_name) AS machine FROM sightings
-- step: members
SELECT COALESCE(host, case_name) AS machine, MIN(host_group) AS host_group FROM hosts GROUP BY COALESCE(host, case_name)
-- step: sizes
SELECT members.host_group, covered.entity_type, COUNT(DISTINCT covered.machine) AS hosts_in_group
FROM covered INNER JOIN members ON covered.machine = members.machine
GROUP BY members.host_group, covered.entity_type
-- step: seen, of each sightings(case_name, host, entity_type, entity, first_ns, file, line_number, byte_offset), split by entity
SELECT entity_type, entity, COALESCE(host, case_name) AS machine, case_name, first_ns, file, line_number, byte_offset
FROM sightings
WHERE entity_type IN ('exe', 'image', 'cron', 'unit', 'key', 'port', 'domain', 'preload')
-- step: grouped
SELECT seen.entity_type, seen.entity, seen.machine, seen.case_name, seen.first_ns, seen.file, seen.line_number,
       seen.byte_offset, members.host_group
FROM seen INNER JOIN members ON seen.machine = members.machine
-- step: counted
SELECT host_group, entity_type, entity, COUNT(DISTINCT machine) AS hosts
FROM grouped GROUP BY host_group, entity_type, entity
-- step: chosen
SELECT counted.host_group, counted.entity_type, counted.entity, counted.hosts, sizes.hosts_in_group
FROM counted
INNER JOIN sizes ON counted.host_group = sizes.host_group AND counted.entity_type = sizes.entity_type
WHERE counted.hosts <= :most_hosts AND sizes.hosts_in_group >= :least_group
-- step: ranked
SELECT grouped.host_group, grouped.entity_type, grouped.entity, grouped.machine, grouped.case_name, grouped.first_ns,
       grouped.file, grouped.line_number, grouped.byte_offset, chosen.hosts, chosen.hosts_in_group,
       ROW_NUMBER() OVER (PARTITION BY grouped.host_group, grouped.entity_type, grouped.entity, grouped.machine
                          ORDER BY COALESCE(grouped.first_ns, 9223372036854775807), grouped.case_name, grouped.file,
                                   COALESCE(grouped.line_number, -1), COALESCE(grouped.byte_offset, -1)) AS place
FROM grouped
INNER JOIN chosen ON grouped.host_group = chosen.host_group AND grouped.entity_type = chosen.entity_type
                 AND grouped.entity = chosen.entity
-- step: answer
SELECT host_group, entity_type, entity, hosts, hosts_in_group, machine, case_name, first_ns, file, line_number,
       byte_offset
FROM ranked WHERE place = 1
