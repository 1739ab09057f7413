# Shared by the scripts of this folder: npm's packages, servers that die with us, plain words. Sourced by bash, run by nobody.
set -euo pipefail

shops=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${VITRINE_SHOPS_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/vitrine/shops}
arch=$(case $(uname -m) in x86_64) echo x64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac)

system_path=$PATH

say() { printf 'shops: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# packages_of NAME: where the packages of a lock file are; another lock file gets another folder, so nobody's floor moves
packages_of() { echo "$cache/packages/$1-$(sha256sum <"$shops/$1/package-lock.json" | cut -c1-12)"; }

# --- children ----------------------------------------------------------------------------------------------------------------
# Locks (8 and 9) are this shell's alone: a server that held one would keep the next start waiting.

step=
# run COMMAND...: in a process group of its own, so that all of it can be ended when we are asked to stop meanwhile
run() {
  setpriv --pdeathsig TERM -- setsid "$@" 8>&- 9>&- </dev/null &
  step=$!
  local result=0
  wait "$step" || result=$?
  step=
  return "$result"
}

# serve LOG SIGNAL OPTIONS -- COMMAND...: a server in the background that gets SIGNAL when this shell dies, however it dies.
# OPTIONS are setpriv's. Its process id is $!.
serve() {
  local log=$1 signal=$2
  shift 2
  setpriv --pdeathsig "$signal" "$@" >>"$log" 2>&1 </dev/null 8>&- 9>&- &
}

# end PID SIGNAL: asks a server to end, and waits until it has gone; insists after 20 s
end() {
  kill -s "$2" "$1" 2>/dev/null || return 0
  local i
  for ((i = 0; i < 200; i++)); do
    kill -0 "$1" 2>/dev/null || return 0
    sleep 0.1
  done
  say "$1 did not end by itself"
  kill -s KILL "$1" 2>/dev/null || return 0
  while kill -0 "$1" 2>/dev/null; do sleep 0.1; done
}

# answers PORT: true when /health there says 200
answers() {
  (
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    printf 'GET /health HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3
    read -r -t 5 status <&3 && [[ $status == *" 200 "* ]]
  ) 2>/dev/null
}

is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); is_taken "$port"; do :; done
  echo "$port"
}

# --- npm ---------------------------------------------------------------------------------------------------------------------
# hold NAME: one at a time. In the background, because bash hears no signal while it waits for a program in the foreground.
hold() {
  mkdir -p "$cache"
  exec 8>"$cache/$1.lock"
  flock 8 9>&- &
  step=$!
  wait "$step"
  step=
}
release() { exec 8>&-; }

# install_npm NAME COMPILE: npm's packages for NAME/package-lock.json, into the cache. Their own scripts do not run: some compile,
# some download, some count users. COMPILE is a function that makes what must be made.
install_npm() {
  local name=$1 compile=$2 to
  to=$(packages_of "$name")
  [ ! -e "$to/complete" ] || return 0
  hold "$name"
  if [ ! -e "$to/complete" ]; then
    command -v npm >/dev/null || die "npm is missing: install section [shops] of packages.txt"
    say "installing npm's packages for $name, once"
    mkdir -p "$to"
    cp "$shops/$name/package.json" "$shops/$name/package-lock.json" "$to/"
    # However npm is set up on this machine, and whatever authorities it trusts: the newer npm and Node would look elsewhere.
    local global
    global=$(PATH=$system_path npm config get globalconfig 2>/dev/null)
    run env -C "$to" npm_config_globalconfig="$global" NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}" \
      npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >&2 ||
      die "npm could not install the packages for $name"
    "$compile" "$to"
    touch "$to/complete"
  fi
  release
}

# install_tools: a Node that is new enough, and the npm that goes with it, both first in PATH from here on
install_tools() {
  install_npm tools true
  tools=$(packages_of tools)/node_modules
  PATH=$tools/node-linux-$arch/bin:$tools/.bin:$PATH
}
