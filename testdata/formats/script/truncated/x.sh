#!/bin/bash
echo one
cat <<EOF
never
ends