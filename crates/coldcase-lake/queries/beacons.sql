-- title: Destinations that several hosts call at regular intervals
-- about: Beacons (findings of `beacon`) of several hosts to one destination and port, with each host's interval. A program
-- that the whole fleet runs, as monitoring is, shows here too: see how many hosts have it.
-- parameter: least_hosts = 2  hosts that must call the same destination
-- step: found, of each findings(case_name, id, correlator, severity, host, first_ns, last_ns)
SELECT case_name, id, severity, host, first_ns, last_ns FROM findings WHERE correlator = 'beacon'
-- step: told, of each facts(case_name, finding, correlator, name, value)
SELECT case_name, finding, name, value FROM facts WHERE correlator = 'beacon'
-- step: records, of each evidence(case_name, finding, correlator, ordinal, file, line_number, byte_offset)
SELECT case_name, finding, file, line_number, byte_offset FROM evidence WHERE ordinal = 1 AND correlator = 'beacon'
-- step: ports
SELECT case_name, finding, value FROM told WHERE name = 'dst_port'
-- step: sources
SELECT case_name, finding, value FROM told WHERE name = 'src'
-- step: beacons
SELECT d.case_name, d.finding, d.value AS destination, p.value AS period_seconds, COALESCE(ports.value, '') AS port,
       COALESCE(sources.value, '') AS src
FROM told AS d
INNER JOIN told AS p ON d.case_name = p.case_name AND d.finding = p.finding
LEFT JOIN ports ON d.case_name = ports.case_name AND d.finding = ports.finding
LEFT JOIN sources ON d.case_name = sources.case_name AND d.finding = sources.finding
WHERE d.name = 'dst' AND p.name = 'period_seconds'
-- step: hosted
SELECT beacons.destination, beacons.port, beacons.period_seconds, beacons.src, beacons.finding,
       COALESCE(found.host, beacons.case_name) AS machine, beacons.case_name, found.severity, found.first_ns,
       found.last_ns
FROM beacons INNER JOIN found ON beacons.case_name = found.case_name AND beacons.finding = found.id
-- step: shared
SELECT destination, port, COUNT(DISTINCT machine) AS hosts FROM hosted GROUP BY destination, port
-- step: answer
SELECT h.destination, h.port, shared.hosts, h.machine, h.src, h.period_seconds, h.finding, h.severity, h.first_ns, h.last_ns,
       h.case_name, records.file, records.line_number, records.byte_offset
FROM hosted AS h
INNER JOIN shared ON h.destination = shared.destination AND h.port = shared.port
LEFT JOIN records ON h.case_name = records.case_name AND h.finding = records.finding
WHERE shared.hosts >= :least_hosts
