-- Logins by source, user and host: how many succeeded and failed, first and last.
SELECT src_ip, "user", host,
       sum(CASE WHEN outcome = 'success' THEN 1 ELSE 0 END) AS successes,
       sum(CASE WHEN outcome = 'failure' THEN 1 ELSE 0 END) AS failures,
       min(ts) AS first, max(ts) AS last
FROM timeline
WHERE action = 'ssh-login' OR (action = 'login' AND format IN ('utmp', 'last', 'auditd'))
GROUP BY src_ip, "user", host
ORDER BY successes + failures DESC
