-- DNS names by who asked for them: how often, what types, first and last.
SELECT domain, src_ip, count(*) AS queries,
       sum(CASE WHEN response_code = 'NXDOMAIN' THEN 1 ELSE 0 END) AS nxdomain,
       count(DISTINCT query_type) AS types,
       min(ts) AS first, max(ts) AS last
FROM timeline
WHERE action = 'dns-query' AND domain IS NOT NULL
GROUP BY domain, src_ip
ORDER BY queries DESC
