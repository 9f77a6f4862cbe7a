-- Connections by source, destination, port and the record that says so: how many, answered, bytes, first and last.
SELECT src_ip, dst_ip, dst_port, protocol, format, count(*) AS flows,
       sum(CASE WHEN outcome = 'success' THEN 1 ELSE 0 END) AS answered,
       sum(bytes) AS bytes, min(ts) AS first, max(coalesce(ts_end, ts)) AS last
FROM timeline
WHERE action IN ('tcp-flow', 'udp-flow', 'connect') AND dst_ip IS NOT NULL
GROUP BY src_ip, dst_ip, dst_port, protocol, format
ORDER BY flows DESC
