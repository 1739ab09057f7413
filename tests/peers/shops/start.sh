#!/usr/bin/env bash
# Starts a shop in the background and waits until it answers: NAME/start.sh DATA_DIR PORT [WEBHOOK_URL]
# Which shop is the name of the folder it is called in. Prints what ../ready prints; stop.sh DATA_DIR ends it.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib.sh"
[ $# -ge 2 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
mkdir -p "$1"
data=$(cd "$1" && pwd)
: >"$data/ready.out"
setsid "$shops/ready" --detached "$(basename "$here")" "$data" "${@:2}" >"$data/ready.out" 2>"$data/ready.log" </dev/null &
ready=$!
trap 'kill -s TERM "$ready" 2>/dev/null' EXIT
until [ -s "$data/ready.out" ]; do
  kill -0 "$ready" 2>/dev/null || { cat "$data/ready.log" >&2; exit 1; }
  sleep 0.1
done
trap - EXIT
cat "$data/ready.out"
