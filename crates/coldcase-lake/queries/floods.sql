-- title: Hosts that took part in a flood on the same day
-- about: SYN floods (findings of `syn-flood`) host by host, with how many hosts of the fleet flooded in the same way on the
-- same day (UTC): one that floods alone has a problem of its own, many were given an order.
-- parameter: least_hosts = 2  hosts that must flood on the same day
-- step: found, of each findings(case_name, id, correlator, severity, host, first_ns, last_ns)
SELECT case_name, id, severity, host, first_ns, last_ns FROM findings WHERE correlator = 'syn-flood'
-- step: told, of each facts(case_name, finding, correlator, name, value)
SELECT case_name, finding, name, value FROM facts WHERE correlator = 'syn-flood'
-- step: records, of each evidence(case_name, finding, correlator, ordinal, file, line_number, byte_offset)
SELECT case_name, finding, file, line_number, byte_offset FROM evidence WHERE ordinal = 1 AND correlator = 'syn-flood'
-- step: kinds
SELECT case_name, finding, value FROM told WHERE name = 'kind'
-- step: counts
SELECT case_name, finding, value FROM told WHERE name = 'syns'
-- step: sources
SELECT case_name, finding, value FROM told WHERE name = 'src_ip'
-- step: floods
SELECT f.case_name, f.id AS finding, COALESCE(f.host, f.case_name) AS machine, f.severity, f.first_ns, f.last_ns,
       f.first_ns - f.first_ns % 86400000000000 AS day_ns, COALESCE(kinds.value, '') AS kind,
       COALESCE(counts.value, '') AS syns, COALESCE(sources.value, '') AS src_ip
FROM found AS f
LEFT JOIN kinds ON f.case_name = kinds.case_name AND f.id = kinds.finding
LEFT JOIN counts ON f.case_name = counts.case_name AND f.id = counts.finding
LEFT JOIN sources ON f.case_name = sources.case_name AND f.id = sources.finding
WHERE f.first_ns IS NOT NULL
-- step: shared
SELECT day_ns, kind, COUNT(DISTINCT machine) AS hosts FROM floods GROUP BY day_ns, kind
-- step: answer
SELECT f.day_ns, f.kind, shared.hosts, f.machine, f.src_ip, f.syns, f.finding, f.severity, f.first_ns, f.last_ns, f.case_name,
       records.file, records.line_number, records.byte_offset
FROM floods AS f
INNER JOIN shared ON f.day_ns = shared.day_ns AND f.kind = shared.kind
LEFT JOIN records ON f.case_name = records.case_name AND f.finding = records.finding
WHERE shared.hosts >= :least_hosts
