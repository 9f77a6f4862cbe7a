-- DNS names by who asked for them and the record that says so: how often, first and last.
SELECT domain, src_ip, format, count(*) AS queries, count(DISTINCT query_type) AS types,
       sum(CASE WHEN response_code = 'NXDOMAIN' THEN 1 ELSE 0 END) AS nxdomain,
       min(ts) AS first, max(ts) AS last
FROM timeline
WHERE action = 'dns-query' AND domain IS NOT NULL
GROUP BY domain, src_ip, format
ORDER BY queries DESC
