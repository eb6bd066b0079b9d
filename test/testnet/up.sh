#!/bin/bash
# Builds a closed network of real I2P routers: each in its own network namespace without any route out, reseeding off,
# an own network id. Needs root, iproute2, i2pd and Node.js; gcc when a link is to have delay, jitter, loss or a rate.
# Settings: see settings.sh. A network of the same NS that is still there is torn down first. Ends with ./down.sh.
#
#   ./up.sh && ./ns.sh node --import tsx fetch.ts wait 3 60; ./down.sh
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/settings.sh"
. "$HERE/namespaces.sh"
. "$HERE/configure.sh"
export NS RUN

# Hash of an identity file (a Destination or RouterIdentity with a 4-byte key certificate is 391 bytes).
identity_hash() { head -c 391 "$1" | sha256sum -b | cut -c1-64 | xxd -r -p; }
netdb_name() { identity_hash "$1" | base64 -w0 | tr '+/' '-~'; }
b32_name() { identity_hash "$1" | base32 -w0 | tr -d = | tr A-Z a-z; }

made_identity() {
  [ -s "$RUN/r$1/router.info" ] || return 1
  if is_java "$1"; then grep -qa "198.18.$1.1" "$RUN/r$1/router.info"; return; fi
  local hops
  [ "$1" != 2 ] || for hops in $HOPS; do [ -s "$RUN/r2/web$hops.dat" ] || return 1; done
}

# A first short start makes every router's keys and RouterInfo.
make_identities() {
  local k i java=0
  for k in $(seq 1 "$N"); do start_router "$k"; is_java "$k" && java=1; done
  for k in $(seq 1 "$N"); do
    for i in $(seq 600); do made_identity "$k" && continue 2; sleep 0.1; done
    echo "router $k made no identity within 60 s" >&2
    return 1
  done
  sleep $((java ? 3 : 0)).3 # Java writes router.keys.dat a little after router.info
  stop_processes KILL "$RUN"/r*/pid
}

# Every router learns every other: netDb/r<first character>/routerInfo-<hash>.dat, in both implementations.
exchange_router_infos() {
  local k j name
  for k in $(seq 1 "$N"); do
    name=$(netdb_name "$RUN/r$k/router.info")
    for j in $(seq 1 "$N"); do
      [ "$j" = "$k" ] && continue
      mkdir -p "$RUN/r$j/netDb/r${name:0:1}"
      cp "$RUN/r$k/router.info" "$RUN/r$j/netDb/r${name:0:1}/routerInfo-$name.dat"
    done
    rm -f "$RUN/r$k"/{i2pd.log,router.log,out.log,router.ping,i2pd.lock}
  done
}

start_web_server() {
  setsid ip netns exec "$NS-r2" "$NODE" "$HERE/web.mjs" 8080 "$RUN" >"$RUN/web.log" 2>&1 </dev/null &
  echo $! >"$RUN/web.pid"
}

start_relay() {
  setsid ip netns exec "$NS-cli" "$NODE" "$HERE/relay.mjs" "$RUN/relay.sock" >"$RUN/relay.log" 2>&1 </dev/null &
  echo $! >"$RUN/relay.pid"
}

# Tears down when the process that asked for the network is gone, however it ended.
start_guard() {
  [ -n "${OWNER:-}" ] || return 0
  setsid "$HERE/guard.sh" "$OWNER" "$RUN" >/dev/null 2>&1 </dev/null &
}

keep=(); for k in $(seq 1 "$N"); do [ -f "$RUN/tunnels.$k" ] && keep+=("$(cat "$RUN/tunnels.$k")") || keep+=(""); done
"$HERE/down.sh"
mkdir -p "$RUN"
for k in $(seq 1 "$N"); do [ -z "${keep[$((k - 1))]}" ] || echo "${keep[$((k - 1))]}" >"$RUN/tunnels.$k"; done
trap '"$HERE/down.sh"' ERR INT TERM
started=$(date +%s)
start_guard
make_namespaces
check_closed
for k in $(seq 1 "$N"); do
  if is_java "$k"; then configure_java "$k"; elif is_emissary "$k"; then configure_emissary "$k"; else configure_i2pd "$k"; fi
done
configure_tunnels
make_identities
exchange_router_infos
for hops in $HOPS; do echo "$hops $(b32_name "$RUN/r2/web$hops.dat").b32.i2p"; done >"$RUN/web.b32"
start_web_server
start_relay
for k in $(seq 1 "$N"); do start_router "$k"; done
date +%s%3N >"$RUN/started"
echo "$N routers started after $(($(date +%s) - started)) s in $RUN (prefix $NS)"
