# Shared by the scripts of this folder: packages, builds, plain words. Sourced by bash, run by nobody.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jobs=$(nproc)

say() { printf '\033[1m%s\033[0m\n' "$*"; }
die() { printf '\033[31m%s\033[0m\n' "$*" >&2; exit 1; }

# packages_in SECTION...: the names in packages.txt's sections
packages_in() {
  awk -v wanted=" $* " '
    /^\[/ { section = substr($1, 2, length($1) - 2); next }
    /^[a-z0-9]/ && index(wanted, " " section " ") { print $1 }' "$root/packages.txt"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "Packages must be installed, and that needs root: run this as root, or install sudo."
  fi
}

# A web server that Debian would start by itself on port 80 is not what anybody asked for: services of the packages stay off.
apt_install() {
  local policy=/usr/sbin/policy-rc.d
  as_root sh -eu -c '
    policy=$1; shift
    if [ ! -e "$policy" ]; then
      trap "rm -f $policy" EXIT
      printf "#!/bin/sh\nexit 101\n" >"$policy"
      chmod 755 "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    apt-get install -q -y --no-install-recommends "$@"' sh "$policy" "$@"
}

# install_packages SECTION...: installs what is missing, and says so; silent and quick when nothing is.
# What an installed package provides is there too: a nodejs from elsewhere has npm in it, and conflicts with Debian's.
install_packages() {
  local missing=()
  local name installed
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}, ${Provides},\n' | sed -n 's/ ([^)]*)//g; s/^installed / /p')
  for name in $(packages_in "$@"); do
    [[ $installed == *" $name,"* ]] || missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  apt_install "${missing[@]}" || die "The packages could not be installed. Is this Debian 12 with a working /etc/apt/sources.list?"
}

# build PRESET TARGETS [cmake options...]
# Sources are compiled joined, in half the time; who calls cmake himself gets them one by one.
build() {
  local preset=$1 targets=$2
  shift 2
  say "Building ($preset)…"
  cmake --preset "$preset" -S "$root" -DCMAKE_UNITY_BUILD=ON "$@" >"$root/build/configure-$preset.log" 2>&1 ||
    { cat "$root/build/configure-$preset.log"; die "CMake could not configure the build."; }
  cmake --build "$root/build/$preset" -j "$jobs" --target $targets # several
}
