#!/usr/bin/env bash
# Stops the shop on DATA_DIR and waits until it has gone: stop.sh DATA_DIR. Then DATA_DIR may be copied or removed.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
[ $# -eq 1 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
exec 9>>"$1/lock"
flock -n 9 && exit 0 # who runs there holds it
kill -s TERM "$(cat "$1/pid")"
flock -w 60 9 || die "the shop on $1 does not end"
