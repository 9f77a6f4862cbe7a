#!/usr/bin/env bash
# coldcase beside the tools that do comparable work, on the same files, in one run.
#
#   benches/side_by_side.sh [--size-mb 400] [--rounds 5] [--work FOLDER] [--one-thread] [WORKLOAD...]
#
# Workloads: dns dnsgz syn synbig audit auth small (all but synbig where none is named; synbig is one capture of ten
# times the size). They are made once by the generators in $COLDCASE_WORKLOADS (by default ../shared/bench beside the
# project), which need Python and numpy. $COLDCASE names the binary (by default the release build).
# Needs hyperfine and GNU time. Peers that are not installed are named and left out.
#
# Each round runs every command once, one after the other, so that what else the machine does meets all alike. The table
# shows the wall time of coldcase and its peers as ratios to `sha256sum` of the same files in the same round: median
# (least to most), with processor seconds and peak memory of one more run.
set -euo pipefail
project="$(cd "$(dirname "$0")/.." && pwd)"
generators="${COLDCASE_WORKLOADS:-$project/../shared/bench}"
coldcase="${COLDCASE:-${CARGO_TARGET_DIR:-$project/target}/release/coldcase}"
size=400 rounds=5 work="${TMPDIR:-/tmp}/coldcase-side-by-side" wanted=() one_thread=
while [ $# -gt 0 ]; do
  case "$1" in
    --size-mb) size="$2"; shift 2 ;;
    --rounds) rounds="$2"; shift 2 ;;
    --work) work="$2"; shift 2 ;;
    --one-thread) one_thread=yes; shift ;;
    -h|--help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    -*) echo "unknown option $1; see --help" >&2; exit 2 ;;
    *) wanted+=("$1"); shift ;;
  esac
done
[ ${#wanted[@]} -gt 0 ] || wanted=(dns dnsgz syn audit auth small)
for tool in hyperfine python3; do
  command -v "$tool" >/dev/null || { echo "$tool is needed: install it and run again" >&2; exit 2; }
done
[ -x /usr/bin/time ] || { echo 'GNU time is needed (package time)' >&2; exit 2; }
[ -x "$coldcase" ] || { echo "no $coldcase: run cargo build --release -p coldcase first" >&2; exit 2; }
[ -f "$generators/gen_pcap_dns.py" ] || { echo "no generators in $generators: set COLDCASE_WORKLOADS" >&2; exit 2; }
mkdir -p "$work"

# A workload's folder of evidence, made if it is not there yet.
make() {
  local folder="$work/$1-$size"
  if [ ! -e "$folder/.done" ]; then
    rm -rf "$folder"; mkdir -p "$folder"
    case "$1" in
      dns) python3 "$generators/gen_pcap_dns.py" "$folder" --size-mb "$size" ;;
      dnsgz) make dns >/dev/null; cp "$work/dns-$size"/*.pcap* "$folder"; gzip -1 "$folder"/*.pcap* ;;
      syn) python3 "$generators/gen_pcap_syn.py" "$folder" --size-mb "$size" ;;
      synbig) python3 "$generators/gen_pcap_syn.py" "$folder" --size-mb "$((size * 10))" ;;
      audit) python3 "$generators/gen_auditd.py" "$folder" --size-mb "$size" ;;
      auth) python3 "$generators/gen_authlog.py" "$folder" --size-mb "$((size / 2))" --flavor rhel --no-gz ;;
      small)
        mkdir -p "$work/incidents"
        for bundle in "$project"/testdata/incidents/*/bundle.tar.gz; do
          mkdir -p "$work/incidents/$(basename "$(dirname "$bundle")")"
          tar -xzf "$bundle" -C "$work/incidents/$(basename "$(dirname "$bundle")")"
        done
        python3 "$project/benches/small_files.py" "$work/incidents" "$folder" ;;
      *) echo "unknown workload $1" >&2; exit 2 ;;
    esac >&2
    rm -f "$folder/truth.json"
    touch "$folder/.done"
  fi
  echo "$folder"
}

# The commands of a workload, as lines of name, tab, command. `FILES` is the list of its files.
commands() {
  local folder="$1" list="$2" threads="${one_thread:+--threads 1}"
  local analyze="$coldcase analyze $folder -o $work/case -q --timezone Asia/Shanghai --collected-at 2026-01-14T00:00:00Z"
  printf 'coldcase analyze\t%s\n' "$analyze $threads"
  local files="xargs -0 -a $list"
  case "$workload" in
    dnsgz) printf 'sha256sum\tsh -c "zcat %s/*.gz | sha256sum"\n' "$folder" ;;
    *) printf 'sha256sum\t%s sha256sum\n' "$files" ;;
  esac
  printf 'cat\t%s cat\n' "$files"
  peer() { if command -v "$1" >/dev/null; then printf '%s\t%s\n' "$2" "$3"; else missing+=" $1"; fi; }
  case "$workload" in
    dns|syn|synbig)
      peer capinfos 'capinfos -c' "$files capinfos -c"
      peer nfpcapd nfpcapd "sh -c 'rm -rf $work/nf; mkdir $work/nf; for f in $folder/*.pcap*; do nfpcapd -r \$f -w $work/nf; done'"
      peer tcpdump 'tcpdump -n -r' "$files -n 1 tcpdump -n -r"
      peer argus argus "sh -c 'for f in $folder/*.pcap*; do argus -r \$f -w /dev/null; done'" ;;&
    dns) peer tshark 'tshark, DNS fields' "$files -n 1 tshark -n -Y dns -T fields -e frame.time_epoch -e ip.src -e dns.qry.name -r" ;;
    syn) peer tshark 'tshark, SYN fields' "$files -n 1 tshark -n -Y tcp.flags.syn==1 -T fields -e ip.src -e ip.dst -r" ;;
    audit)
      peer ausearch 'ausearch --format csv' "sh -c 'for f in $folder/audit.log*; do ausearch -if \$f --format csv </dev/null; done'"
      peer laurel laurel "sh -c 'cat $folder/audit.log* | laurel'"
      peer rg 'rg -c type=SYSCALL' "$files rg -c type=SYSCALL" ;;
    auth)
      peer rg 'rg -c sshd' "$files rg -c sshd"
      peer log2timeline.py 'plaso' "log2timeline.py --status_view none --unattended --parsers text/syslog_traditional --timezone Asia/Shanghai --storage_file $work/plaso $folder" ;;
  esac
  if [ -n "$missing" ]; then echo "not installed, left out:$missing" >&2; fi
}

mkdir -p "$work/times"
for workload in "${wanted[@]}"; do
  folder="$(make "$workload")"
  list="$work/$workload.files"
  find "$folder" -type f ! -name .done -print0 | sort -z >"$list"
  xargs -0 -a "$list" cat >/dev/null
  missing=
  commands "$folder" "$list" >"$work/commands"
  rm -f "$work/times/$workload".*
  for round in $(seq "$rounds"); do
    number=0
    while IFS=$'\t' read -r name command; do
      number=$((number + 1))
      rm -rf "$work/case"
      if ! hyperfine -N --runs 1 --style none --output null --export-json "$work/times/$workload.$number.$round" "$command" >/dev/null 2>"$work/error"; then
        echo "$workload: $name failed: $(tail -n 1 "$work/error")" >&2
      fi
    done <"$work/commands"
  done
  number=0
  while IFS=$'\t' read -r name command; do
    number=$((number + 1))
    rm -rf "$work/case"
    echo "$name" >"$work/times/$workload.$number.name"
    eval "/usr/bin/time -o '$work/times/$workload.$number.memory' -f '%U %S %M' $command" >/dev/null 2>&1 || true
  done <"$work/commands"
done
rm -rf "$work/case" "$work/nf" "$work/plaso"
python3 "$project/benches/side_by_side_table.py" "$work/times" "$work" "${wanted[@]}"
