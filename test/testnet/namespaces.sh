# Sourced by up.sh: the network namespaces. Nothing in them has a default route or a link to the outside.
#   10.77.0.0/24    management: router K is 10.77.0.K, the clients' namespace 10.77.0.254
#   198.18.0.0/15   router to router: router K is 198.18.K.1 (private ranges are refused by i2pd)

add_namespace() { ip netns add "$1"; ip -n "$1" link set lo up; }

# attach NAMESPACE PORT BRIDGE DEVICE ADDRESS
attach() {
  ip -n "$NS-hub" link add name "$2" type veth peer name "$4" netns "$1"
  ip -n "$NS-hub" link set "$2" master "$3" up
  ip -n "$1" addr add "$5" dev "$4"
  ip -n "$1" link set "$4" up
}

add_bridge() { ip -n "$NS-hub" link add name "$1" type bridge; ip -n "$NS-hub" link set "$1" up; }

start_tunlink() {
  local k i arguments=()
  gcc -O2 -o "$RUN/tunlink" "$HERE/tunlink.c"
  for k in $(seq 1 "$N"); do arguments+=("/run/netns/$NS-r$k" "198.18.$k.1"); done
  setsid "$RUN/tunlink" "$DELAY_MS" "$JITTER_MS" "$LOSS_PCT" "$RATE_KIB" "$SEED" "${arguments[@]}" \
    >"$RUN/tunlink.log" 2>&1 </dev/null &
  echo $! >"$RUN/tunlink.pid"
  for i in $(seq 50); do grep -q ready "$RUN/tunlink.log" 2>/dev/null && break; sleep 0.1; done
  for k in $(seq 1 "$N"); do
    ip -n "$NS-r$k" addr add "198.18.$k.1/15" dev eth0
    ip -n "$NS-r$k" link set eth0 up
  done
}

make_namespaces() {
  local k emulate=0
  [ "$DELAY_MS$JITTER_MS$LOSS_PCT$RATE_KIB" != 0000 ] && emulate=1
  add_namespace "$NS-hub"
  add_bridge management
  [ $emulate = 1 ] || add_bridge data
  for k in $(seq 1 "$N"); do
    add_namespace "$NS-r$k"
    attach "$NS-r$k" "m$k" management mg0 "10.77.0.$k/24"
    [ $emulate = 1 ] || attach "$NS-r$k" "d$k" data eth0 "198.18.$k.1/15"
  done
  add_namespace "$NS-cli"
  attach "$NS-cli" mcli management mg0 10.77.0.254/24
  [ $emulate = 0 ] || start_tunlink
}

check_closed() {
  local ns
  for ns in $(namespaces); do
    [ -z "$(ip -n "$ns" route show default)" ] || { echo "default route in $ns" >&2; return 1; }
  done
}
