-- Containers: when each was created, started and ended, its image, pod and command.
SELECT container, host, image, pod,
       min(CASE WHEN action = 'container-created' THEN ts END) AS created,
       min(CASE WHEN action = 'container-started' THEN ts END) AS started,
       max(CASE WHEN action = 'container-exited' THEN ts END) AS exited,
       max(json_value(attributes, 'exit_code')) AS exit_code,
       max(command) AS command
FROM timeline
WHERE action IN ('container-created', 'container-started', 'container-exited', 'container-listed')
GROUP BY container, host, image, pod
ORDER BY created, container
