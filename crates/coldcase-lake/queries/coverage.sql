-- title: What the fleet's evidence does not cover
-- about: Three things that keep other answers from being whole. `lacks-format`: a host without what most hosts of its group
-- have. `gap`: a silence in a log. `not-collected`: a private address that logged in somewhere and that no host of the
-- lake had.
-- parameter: percent = 80  a format that this many in a hundred hosts of a group have is missed where it lacks
-- parameter: least_group = 3  hosts of a group, below which nothing is missed
-- reads: hosts(case_name, host, host_group)
-- reads: inputs(case_name, host, format, path)
-- reads: coverage(case_name, host, format, kind, first_ns, last_ns)
-- reads: identities(case_name, address, is_local)
-- step: members
SELECT COALESCE(host, case_name) AS machine, MIN(host_group) AS host_group, MIN(case_name) AS case_name
FROM hosts GROUP BY COALESCE(host, case_name)
-- step: sizes
SELECT host_group, COUNT(DISTINCT machine) AS hosts_in_group FROM members GROUP BY host_group
-- step: formats
SELECT DISTINCT members.host_group, members.machine, inputs.format
FROM inputs INNER JOIN members ON COALESCE(inputs.host, inputs.case_name) = members.machine
WHERE inputs.format IS NOT NULL
-- step: usual
SELECT formats.host_group, formats.format, COUNT(DISTINCT formats.machine) AS hosts, MIN(sizes.hosts_in_group) AS hosts_in_group
FROM formats INNER JOIN sizes ON formats.host_group = sizes.host_group
GROUP BY formats.host_group, formats.format
-- step: expected
SELECT members.host_group, members.machine, members.case_name, usual.format, usual.hosts, usual.hosts_in_group
FROM members INNER JOIN usual ON members.host_group = usual.host_group
WHERE usual.hosts < usual.hosts_in_group AND usual.hosts * 100 >= usual.hosts_in_group * :percent
  AND usual.hosts_in_group >= :least_group
-- step: lacking
SELECT e.host_group, e.machine, e.case_name, e.format, e.hosts, e.hosts_in_group
FROM expected AS e
LEFT JOIN formats AS f ON e.machine = f.machine AND e.format = f.format
WHERE f.machine IS NULL
-- step: known
SELECT DISTINCT address FROM identities WHERE is_local = 0
-- step: sources, of each sightings(case_name, host, entity_type, entity, first_ns, file, line_number, byte_offset)
SELECT entity AS address, COALESCE(host, case_name) AS machine, case_name, first_ns, file, line_number, byte_offset
FROM sightings
WHERE entity_type = 'login-source'
  AND (entity LIKE '10.%' OR entity LIKE '192.168.%' OR entity LIKE '172.16.%' OR entity LIKE '172.17.%'
       OR entity LIKE '172.18.%' OR entity LIKE '172.19.%' OR entity LIKE '172.2_.%' OR entity LIKE '172.30.%'
       OR entity LIKE '172.31.%')
-- step: strangers
SELECT s.address, s.machine, s.case_name, s.first_ns, s.file, s.line_number, s.byte_offset,
       ROW_NUMBER() OVER (PARTITION BY s.address
                          ORDER BY COALESCE(s.first_ns, 9223372036854775807), s.machine, s.case_name, s.file,
                                   COALESCE(s.line_number, -1), COALESCE(s.byte_offset, -1)) AS place
FROM sources AS s LEFT JOIN known ON s.address = known.address
WHERE known.address IS NULL
-- step: reached
SELECT address, COUNT(DISTINCT machine) AS hosts FROM strangers GROUP BY address
-- step: answer
SELECT 'lacks-format' AS kind, machine, host_group, format, '' AS address, hosts, hosts_in_group, CAST(NULL AS BIGINT) AS first_ns,
       CAST(NULL AS BIGINT) AS last_ns, case_name, CAST(NULL AS STRING) AS file, CAST(NULL AS BIGINT) AS line_number,
       CAST(NULL AS BIGINT) AS byte_offset
FROM lacking
UNION ALL
SELECT 'gap' AS kind, COALESCE(host, case_name) AS machine, '' AS host_group, format, '' AS address, 1 AS hosts,
       1 AS hosts_in_group, first_ns, last_ns, case_name, CAST(NULL AS STRING) AS file, CAST(NULL AS BIGINT) AS line_number,
       CAST(NULL AS BIGINT) AS byte_offset
FROM coverage WHERE kind = 'gap'
UNION ALL
SELECT 'not-collected' AS kind, strangers.machine, '' AS host_group, '' AS format, strangers.address, reached.hosts,
       0 AS hosts_in_group, strangers.first_ns, CAST(NULL AS BIGINT) AS last_ns, strangers.case_name, strangers.file,
       strangers.line_number, strangers.byte_offset
FROM strangers INNER JOIN reached ON strangers.address = reached.address
WHERE strangers.place = 1
