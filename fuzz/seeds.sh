#!/bin/sh
# Makes the seed corpora of the fuzz targets from the fixtures: fuzz/seeds.sh CORPUS_FOLDER
# A seed of a family begins with the byte that chooses its format, as in crates/coldcase-testkit/src/families.rs.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
fixtures=$here/../testdata/formats

# family: target's name and its formats in their order, read from the source
families() {
    sed -n '/FAMILIES/,/^];/p' "$here/../crates/coldcase-testkit/src/families.rs" | tail -n +2 |
        tr -d '\n' | grep -o '( *"[^]]*\]' | tr -c 'a-z0-9\n-' ' '
}

seed() { # target number file
    name=$(cksum <"$3" | cut -d' ' -f1)
    { printf "\\$(printf %03o "$2")"; head -c 4096 "$3"; } >"$out/$1/$2-$name"
}

families | while read -r family ids; do
    target=$(echo "$family" | tr - _)
    [ "$family" != captures ] || target=pcap
    mkdir -p "$out/$target"
    number=0
    for id in $ids; do
        find "$fixtures/$id" -type f ! -name expected.jsonl | while read -r file; do
            seed "$target" "$number" "$file"
        done
        number=$((number + 1))
    done
done

for target in capture packet dns http years case_file archive; do mkdir -p "$out/$target"; done
find "$fixtures/pcap" -type f ! -name expected.jsonl | while read -r file; do
    name=$(cksum <"$file" | cut -d' ' -f1)
    { printf '\100\001'; head -c 4096 "$file"; } >"$out/capture/$name"
    # What follows a capture's header and its first packet's is a frame; the first byte is its link type.
    { printf '\000'; tail -c +41 "$file" | head -c 200; } >"$out/packet/$name"
    { printf '\011'; tail -c +41 "$file" | head -c 200; } >"$out/packet/$name-sll"
    tail -c +83 "$file" | head -c 200 >"$out/dns/$name"
    strings -n 20 "$file" | grep -a HTTP | head -n 3 >"$out/http/$name" || true
done
printf 'GET /containers/json HTTP/1.1\r\nHost: a:2375\r\nUser-Agent: x\r\n\r\n' >"$out/http/request"
printf 'HTTP/1.1 200 OK\r\nServer: Docker/20.10\r\n\r\n' >"$out/http/response"
for id in authlog dmesg app-log named dnsmasq; do
    find "$fixtures/$id" -type f ! -name expected.jsonl | while read -r file; do seed years 128 "$file"; done
done
printf 'timezone = "Asia/Shanghai"\ncollected_at = "2023-05-12T10:20:00+08:00"\nindicators = ["iocs.txt"]\n[[host]]\nname = "n"\npath = "n"\naddresses = ["10.20.8.41"]\nclock_offset = "-3s"\n' >"$out/case_file/toml"
printf 'hxxp://a[.]example/x\n192.0.2.0/24\nd41d8cd98f00b204e9800998ecf8427e\n' >"$out/case_file/text"
printf 'type,value\ndomain,a.example\nip,192.0.2.1\n' >"$out/case_file/csv"
printf '{"type":"bundle","objects":[{"type":"indicator","pattern":"[domain-name:value = %sa.example%s]"}]}' "'" "'" >"$out/case_file/stix"
printf '{"Event":{"Attribute":[{"type":"ip-dst","value":"192.0.2.1"}]}}' >"$out/case_file/misp"

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
mkdir -p "$work/a/b"
printf 'May  7 03:00:00 db sshd[1]: Accepted password for root from 192.0.2.9 port 1 ssh2\n' >"$work/a/b/secure"
ln -s secure "$work/a/b/link"
ln "$work/a/b/secure" "$work/a/b/hard"
truncate -s 100K "$work/a/sparse"
long=$(printf 'x%.0s' $(seq 120))
echo x >"$work/a/$long"
for format in gnu pax v7; do
    tar --format=$format -S -cf "$work/$format.tar" -C "$work" a 2>/dev/null || continue
    for packer in "cat" "gzip -9" "bzip2" "xz" "zstd -q" "lz4 -q"; do
        command -v "${packer%% *}" >/dev/null || continue
        { printf '\001'; $packer <"$work/$format.tar"; } >"$out/archive/$format-${packer%% *}"
    done
done
if command -v python3 >/dev/null; then
    (cd "$work" && python3 -m zipfile -c a.zip a && python3 -m zipfile -c nested.zip a.zip a/b/secure)
    for name in a nested; do { printf '\000'; cat "$work/$name.zip"; } >"$out/archive/zip-$name"; done
fi
for target in "$out"/*; do echo "$(ls "$target" | wc -l) seeds: ${target##*/}"; done
