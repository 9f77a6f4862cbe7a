-- title: Who logged in from one host of the fleet to another, and went on from there
-- about: Successful ssh logins whose source address a host of the lake held at that time, one row for each source, target
-- and account: the first login, how many, and the login into the source that came last before it, which makes chains.
-- Sources that log into many hosts are bastions or tools that manage the fleet, and are left out. An address that
-- two hosts claim for the same time names nobody.
-- parameter: most_targets = 20  a source that logs into more hosts is the fleet's own
-- parameter: hours = 48  a login belongs to a chain if it follows the one before within this time
-- reads: identities(case_name, address, holder_type, holder, host, is_local, start_ns, end_ns)
-- step: logins, of each timeline(case_name, host, action, outcome, src_ip, user, ts_ns, file, line, offset)
SELECT machine, case_name, src_ip, account, bucket, first_ns, logins, file, line_number, byte_offset
FROM (
  SELECT COALESCE(t.host, t.case_name) AS machine, t.case_name AS case_name, t.src_ip AS src_ip,
         COALESCE(t."user", '') AS account, t.ts_ns - t.ts_ns % 3600000000000 AS bucket, t.ts_ns AS first_ns,
         t.file AS file, t.line AS line_number, t."offset" AS byte_offset,
         COUNT(*) OVER (PARTITION BY COALESCE(t.host, t.case_name), t.case_name, t.src_ip, COALESCE(t."user", ''),
                                     t.ts_ns - t.ts_ns % 3600000000000) AS logins,
         ROW_NUMBER() OVER (PARTITION BY COALESCE(t.host, t.case_name), t.case_name, t.src_ip, COALESCE(t."user", ''),
                                         t.ts_ns - t.ts_ns % 3600000000000
                            ORDER BY t.ts_ns, t.file, COALESCE(t.line, -1), COALESCE(t."offset", -1)) AS place
  FROM timeline AS t
  WHERE t.action = 'ssh-login' AND t.outcome = 'success' AND t.src_ip IS NOT NULL AND t.ts_ns IS NOT NULL
) AS l
WHERE place = 1
-- step: ordered
SELECT machine, case_name, src_ip, account, bucket, first_ns, logins, file, line_number, byte_offset,
       SUM(logins) OVER (PARTITION BY machine, case_name, src_ip, account, bucket) AS all_logins,
       ROW_NUMBER() OVER (PARTITION BY machine, case_name, src_ip, account, bucket
                          ORDER BY first_ns, file, COALESCE(line_number, -1), COALESCE(byte_offset, -1)) AS place
FROM logins
-- step: hourly
SELECT machine, case_name, src_ip, account, bucket, first_ns, all_logins AS logins, file, line_number, byte_offset
FROM ordered WHERE place = 1
-- step: holders
SELECT DISTINCT address, COALESCE(host, holder, case_name) AS machine,
       COALESCE(start_ns, -9223372036854775807) AS start_ns, COALESCE(end_ns, 9223372036854775807) AS end_ns
FROM identities
WHERE is_local = 0 AND holder_type IN ('host', 'pod', 'container')
-- step: resolved
SELECT hourly.machine AS target, hourly.case_name, hourly.account, hourly.src_ip, hourly.bucket, hourly.first_ns,
       hourly.logins, hourly.file, hourly.line_number, hourly.byte_offset,
       MIN(holders.machine) AS source, COUNT(DISTINCT holders.machine) AS holders_then
FROM hourly INNER JOIN holders ON hourly.src_ip = holders.address
WHERE holders.start_ns <= hourly.first_ns AND holders.end_ns >= hourly.first_ns
GROUP BY hourly.machine, hourly.case_name, hourly.account, hourly.src_ip, hourly.bucket, hourly.first_ns, hourly.logins,
         hourly.file, hourly.line_number, hourly.byte_offset
-- step: between
SELECT source, target, account, src_ip, first_ns, logins, case_name, file, line_number, byte_offset,
       ROW_NUMBER() OVER (PARTITION BY source, target, account
                          ORDER BY first_ns, case_name, file, COALESCE(line_number, -1), COALESCE(byte_offset, -1)) AS place
FROM resolved WHERE holders_then = 1 AND source <> target
-- step: counts
SELECT source, target, account, SUM(logins) AS logins FROM between GROUP BY source, target, account
-- step: reach
SELECT source, COUNT(DISTINCT target) AS targets FROM between GROUP BY source
-- step: hops
SELECT b.source, b.target, b.account, b.src_ip, b.first_ns, counts.logins, reach.targets, b.case_name, b.file,
       b.line_number, b.byte_offset
FROM between AS b
INNER JOIN counts ON b.source = counts.source AND b.target = counts.target AND b.account = counts.account
INNER JOIN reach ON b.source = reach.source
WHERE b.place = 1 AND reach.targets <= :most_targets
-- step: arrivals
SELECT source AS from_machine, target AS at_machine, first_ns AS at_ns FROM hops
-- step: steps
SELECT hops.source, hops.target, hops.account, hops.first_ns, arrivals.from_machine, arrivals.at_ns,
       ROW_NUMBER() OVER (PARTITION BY hops.source, hops.target, hops.account
                          ORDER BY hops.first_ns - arrivals.at_ns, arrivals.from_machine) AS place
FROM hops INNER JOIN arrivals ON hops.source = arrivals.at_machine
WHERE arrivals.at_ns < hops.first_ns AND hops.first_ns - arrivals.at_ns <= :hours * 3600000000000
  AND arrivals.from_machine <> hops.target
-- step: before
SELECT source, target, account, from_machine, at_ns FROM steps WHERE place = 1
-- step: answer
SELECT hops.source, hops.target, hops.account, hops.src_ip, hops.first_ns, hops.logins, hops.targets,
       before.from_machine AS before_source, before.at_ns AS before_ns, hops.case_name, hops.file, hops.line_number,
       hops.byte_offset
FROM hops
LEFT JOIN before ON hops.source = before.source AND hops.target = before.target AND hops.account = before.account
