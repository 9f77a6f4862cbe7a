-- title: Hosts on which something happens in the same hours only
-- about: Daily windows (findings of `periodic-window`) that several hosts share, by action, zone, begin and end.
-- parameter: least_hosts = 2  hosts that must share a window
-- step: found, of each findings(case_name, id, correlator, severity, host, first_ns, last_ns)
SELECT case_name, id, severity, host, first_ns, last_ns FROM findings WHERE correlator = 'periodic-window'
-- step: told, of each facts(case_name, finding, correlator, name, value)
SELECT case_name, finding, name, value FROM facts WHERE correlator = 'periodic-window'
-- step: records, of each evidence(case_name, finding, correlator, ordinal, file, line_number, byte_offset)
SELECT case_name, finding, file, line_number, byte_offset FROM evidence WHERE ordinal = 1 AND correlator = 'periodic-window'
-- step: windows
SELECT b.case_name, b.finding, b.value AS window_start, e.value AS window_end, z.value AS zone, a.value AS action,
       n.value AS entity
FROM told AS b
INNER JOIN told AS e ON b.case_name = e.case_name AND b.finding = e.finding
INNER JOIN told AS z ON b.case_name = z.case_name AND b.finding = z.finding
INNER JOIN told AS a ON b.case_name = a.case_name AND b.finding = a.finding
INNER JOIN told AS n ON b.case_name = n.case_name AND b.finding = n.finding
WHERE b.name = 'window_start' AND e.name = 'window_end' AND z.name = 'timezone'
  AND a.name = 'action' AND n.name = 'entity'
-- step: hosted
SELECT windows.window_start, windows.window_end, windows.zone, windows.action, windows.entity, windows.finding,
       COALESCE(found.host, windows.case_name) AS machine, windows.case_name, found.severity, found.first_ns,
       found.last_ns
FROM windows INNER JOIN found ON windows.case_name = found.case_name AND windows.finding = found.id
-- step: shared
SELECT window_start, window_end, zone, action, COUNT(DISTINCT machine) AS hosts
FROM hosted GROUP BY window_start, window_end, zone, action
-- step: answer
SELECT h.window_start, h.window_end, h.zone, h.action, shared.hosts, h.machine, h.entity, h.finding, h.severity, h.first_ns,
       h.last_ns, h.case_name, records.file, records.line_number, records.byte_offset
FROM hosted AS h
INNER JOIN shared ON h.window_start = shared.window_start AND h.window_end = shared.window_end AND h.zone = shared.zone
                 AND h.action = shared.action
LEFT JOIN records ON h.case_name = records.case_name AND h.finding = records.finding
WHERE shared.hosts >= :least_hosts
