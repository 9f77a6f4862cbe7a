#!/bin/sh
export PATH=/sbin:/bin
local X=ALL
