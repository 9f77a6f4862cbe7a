#!/bin/sh
# One bundle into a lake: the task of any scheduler. May be repeated: a case that is in the lake already changes nothing.
#
#   ingest-one.sh LAKE BUNDLE [option of `coldcase analyze`...]
#   ingest-one.sh --index N LIST LAKE [option...]     the bundle on line N+1 of LIST
#
# The case is named after the bundle. It is made in a folder of its own below $SCRATCH (by default $TMPDIR or /tmp) and taken
# away at the end; with KEEP_CASES=FOLDER it stays there, to be read and reported.
set -eu

if [ "${1:-}" = --index ]; then
    bundle=$(sed -n "$(($2 + 1))p" "$3")
    lake=$4
    [ -n "$bundle" ] || { echo "ingest-one.sh: $3 has no line $(($2 + 1))" >&2; exit 2; }
    shift 4
else
    [ $# -ge 2 ] || { echo "usage: ingest-one.sh LAKE BUNDLE [option...]" >&2; exit 2; }
    lake=$1
    bundle=$2
    shift 2
fi

name=$(basename "$bundle")
for ending in .tar .tar.gz .tgz .tar.zst .tar.xz .tar.bz2 .zip; do
    name=${name%"$ending"}
done

scratch=$(mktemp -d "${SCRATCH:-${TMPDIR:-/tmp}}/coldcase.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 143' TERM INT
case=${KEEP_CASES:-$scratch}/$name

"${COLDCASE:-coldcase}" analyze "$bundle" -o "$case" -q "$@"
"${COLDCASE:-coldcase}" lake add "$lake" "$case" --as "$name"
