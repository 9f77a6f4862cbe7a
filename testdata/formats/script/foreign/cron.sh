SHELL=/bin/bash
0 3 * * * root /usr/bin/backup
*/5 * * * * root /usr/bin/check
