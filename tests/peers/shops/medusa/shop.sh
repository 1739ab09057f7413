# What ready needs to know about Medusa. Sourced.

shop_compile() { :; }

postgres_programs() { printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -1; }

shop_key() { postgres_programs; } # another PostgreSQL can't read its files

# PostgreSQL refuses to be root. As root it is Debian's user for it, allowed to walk through folders that are not its own.
as_postgres=()
[ "$(id -u)" != 0 ] || as_postgres=(--reuid=postgres --regid=postgres --clear-groups --inh-caps=+dac_override --ambient-caps=+dac_override)

# It has no port, only a socket beside its files. The path of a socket must be shorter than 108 bytes and that of a DATA_DIR need
# not be, so both ends go by their working folder.
start_postgres() {
  local programs
  programs=$(postgres_programs)
  [ -x "$programs/postgres" ] || die "PostgreSQL is missing: install section [shops] of packages.txt"
  if [ ! -s "$1/pg/PG_VERSION" ]; then
    mkdir -p "$1/pg"
    [ "$(id -u)" != 0 ] || chown postgres: "$1/pg"
    run setpriv "${as_postgres[@]}" -- env -C "$1/pg" "$programs/initdb" -D "$1/pg" -U vitrine -A trust -E UTF8 --locale=C.UTF-8 \
      --no-sync --wal-segsize=1 >"$1/initdb.log" 2>&1 || { cat "$1/initdb.log" >&2; die "PostgreSQL can't make its files"; }
  fi
  # Of a run that was killed: it may need a moment.
  local i last
  last=$(head -1 "$1/pg/postmaster.pid" 2>/dev/null) || last=
  for ((i = 0; i < 50; i++)); do
    [ -n "$last" ] && kill -0 "$last" 2>/dev/null || break
    sleep 0.1
  done
  # fsync: what is lost with the machine's power here is a test.
  serve "$1/postgres.log" QUIT "${as_postgres[@]}" -- "$programs/postgres" -D "$1/pg" -c listen_addresses= -c unix_socket_directories=. \
    -c fsync=off -c shared_buffers=32MB -c max_connections=40 -c wal_level=minimal -c max_wal_senders=0 -c min_wal_size=8MB -c max_wal_size=256MB
  database=$!
  for ((i = 0; i < 300; i++)); do
    ! sql "$1" postgres 'select 1' >/dev/null 2>&1 || return 0
    kill -0 "$database" 2>/dev/null || break
    sleep 0.1
  done
  tail -20 "$1/postgres.log" >&2
  die "PostgreSQL does not start"
}

sql() { env -C "$1" psql -h /proc/self/cwd/pg -U vitrine -d "$2" -Atqc "$3"; }

medusa() { echo "$packages/@medusajs/cli/cli.js"; }

shop_start() {
  local app=$1/app file
  # Medusa finds everything from its working folder.
  mkdir -p "$app/static" "$app/src"
  for file in package.json medusa-config.js src; do cp -r "$shops/medusa/$file" "$app/"; done
  cp "$shops/webhook.js" "$app/"
  ln -sfn "$packages" "$app/node_modules"
  start_postgres "$1"
  local environment=(env -C "$app" NODE_ENV=production MEDUSA_DISABLE_TELEMETRY=true SHOP_PORT="$port" SHOP_WEBHOOK_URL="$webhook"
    DATABASE_URL="postgres://vitrine@%2Fproc%2Fself%2Fcwd%2F..%2Fpg:5432/medusa?sslmode=disable")
  if [ ! -e "$1/migrated" ]; then
    sql "$1" postgres 'create database medusa'
    run "${environment[@]}" node "$(medusa)" db:migrate >"$1/migrate.log" 2>&1 || { tail -20 "$1/migrate.log" >&2; die "Medusa can't make its tables"; }
    run "${environment[@]}" node "$(medusa)" user -e shop@example.com -p shop-password >"$1/user.log" 2>&1 ||
      { tail -20 "$1/user.log" >&2; die "Medusa can't make its user"; }
    touch "$1/migrated"
  else
    # The addresses of photos are stored whole; a copy serves them at another port.
    sql "$1" medusa "
      update product set thumbnail = regexp_replace(thumbnail, '^http://127.0.0.1:[0-9]+/', 'http://127.0.0.1:$port/');
      update image set url = regexp_replace(url, '^http://127.0.0.1:[0-9]+/', 'http://127.0.0.1:$port/')"
  fi
  serve "$1/server.log" KILL -- "${environment[@]}" node "$(medusa)" start -H 127.0.0.1 -p "$port"
  server=$!
}
