-- Logins by source, user, host and the log that says so: how many succeeded and failed, first and last.
SELECT src_ip, "user", host, format,
       sum(CASE WHEN outcome = 'success' THEN 1 ELSE 0 END) AS successes,
       sum(CASE WHEN outcome = 'failure' THEN 1 ELSE 0 END) AS failures,
       min(ts) AS first, max(ts) AS last
FROM timeline
WHERE action = 'ssh-login'
   OR (action = 'login' AND coalesce(json_value(attributes, 'program'), '') <> 'sshd')
GROUP BY src_ip, "user", host, format
ORDER BY successes + failures DESC
