#!/bin/sh
PATH=/bin
/usr/bin/x --y
exit 0
