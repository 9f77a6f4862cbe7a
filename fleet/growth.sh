#!/bin/sh
# Measures lakes of made-up fleets: their size, `lake add`, and each question, as docs/fleet.md shows them. Prints one line a
# measurement: hosts, what, CPU seconds, wall seconds, peak MB, bytes. Needs a release build of the program and of the maker:
#
#   cargo build --release -p coldcase --bin coldcase --example fleet_cases
#   fleet/growth.sh target/release FOLDER "100 1000 10000" > growth.tsv
#
# FOLDER needs room for the cases and the lake of the largest fleet: 2 GB at 10,000 hosts of 1,000 events.
set -eu
built=$1
folder=$2
sizes=$3

measure() { # hosts, what, command...
    hosts=$1
    what=$2
    shift 2
    /usr/bin/time -o "$folder/time" -f '%U %S %e %M' "$@" > "$folder/out" 2> "$folder/err" || { cat "$folder/err" >&2; exit 1; }
    read -r user system wall peak < "$folder/time"
    cpu=$(echo "$user $system" | awk '{ printf "%.2f", $1 + $2 }')
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$hosts" "$what" "$cpu" "$wall" "$((peak / 1024))" "${bytes:-}"
}

echo 'c2.evil.example' > "$folder/ioc.txt"
for hosts in $sizes; do
    rm -rf "$folder/cases" "$folder/lake"
    "$built/examples/fleet_cases" "$folder/cases" "$hosts" 1000
    find "$folder/cases" -mindepth 1 -maxdepth 1 | sort > "$folder/list"
    bytes=$(du -sb "$folder/cases" | cut -f1)
    # shellcheck disable=SC2046 # paths without blanks
    measure "$hosts" "lake add" "$built/coldcase" lake add "$folder/lake" $(cat "$folder/list")
    bytes=$(du -sb "$folder/lake" | cut -f1)
    # shellcheck disable=SC2046
    measure "$hosts" "lake add again" "$built/coldcase" lake add "$folder/lake" $(cat "$folder/list")
    bytes=
    measure "$hosts" "lake check" "$built/coldcase" lake check "$folder/lake"
    for question in first-seen rare lateral indicators beacons floods windows coverage; do
        ioc=
        [ "$question" = indicators ] && ioc="--ioc $folder/ioc.txt"
        # shellcheck disable=SC2086
        measure "$hosts" "$question" "$built/coldcase" fleet "$folder/lake" "$question" $ioc
        cp "$folder/out" "$folder/answer-$hosts-$question.txt"
    done
done
