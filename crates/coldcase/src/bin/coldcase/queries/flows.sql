-- Connections by source, destination and port: how many, answered or not, bytes, first and last.
SELECT src_ip, dst_ip, dst_port, protocol, count(*) AS flows,
       sum(CASE WHEN outcome = 'success' THEN 1 ELSE 0 END) AS answered,
       sum(bytes) AS bytes, min(ts) AS first, max(coalesce(ts_end, ts)) AS last
FROM timeline
WHERE action IN ('tcp-flow', 'udp-flow', 'connect', 'socket-listed')
GROUP BY src_ip, dst_ip, dst_port, protocol
ORDER BY flows DESC
