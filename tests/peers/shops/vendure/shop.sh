# What ready needs to know about Vendure. Sourced.

# SQLite for Node is compiled, with the headers that come with our Node: the ready-made one is on no package registry, node-gyp
# would download headers, and Debian's are Node 18's.
shop_compile() {
  run env -C "$1/node_modules/better-sqlite3" node "$tools/npm/node_modules/node-gyp/bin/node-gyp.js" rebuild --release \
    --nodedir="$tools/node-linux-$arch" >"$1/compile.log" 2>&1 || { tail -20 "$1/compile.log" >&2; die "better-sqlite3 could not be compiled"; }
}

shop_key() { :; }

shop_start() {
  serve "$1/server.log" KILL -- env NODE_PATH="$packages" VENDURE_DISABLE_TELEMETRY=true SHOP_DATA="$1" SHOP_PORT="$port" \
    SHOP_WEBHOOK_URL="$webhook" node "$shops/vendure/server.js"
  server=$!
}
