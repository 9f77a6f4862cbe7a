-- Containers: when each was created, started and ended, its image, pod and command.
SELECT container, host, max(image) AS image, max(pod) AS pod,
       min(CASE WHEN action = 'container-created' THEN ts END) AS created,
       min(CASE WHEN action = 'container-started' THEN ts END) AS started,
       max(CASE WHEN action = 'container-exited' THEN ts END) AS exited,
       max(CASE WHEN action = 'container-exited' THEN json_value(attributes, 'exit_code') END) AS exit_code,
       max(command) AS command
FROM timeline
WHERE action IN ('container-created', 'container-started', 'container-exited', 'container-listed')
GROUP BY container, host
ORDER BY created, container
