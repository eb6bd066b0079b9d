# Sourced by the other scripts: settings (each can be given in the environment) and the functions they share.
#   NS        prefix of the network namespaces; two networks can run beside each other under different prefixes
#   RUN       directory of this run: configuration, logs, recorded process ids
#   N, FF     number of routers, and how many of them (the last ones) are floodfills
#   HOPS      tunnel lengths for which router 2 gets an HTTP server tunnel and router 1 an HTTP proxy
#   JAVA      numbers of the routers that are Java I2P instead of i2pd ("" or "7 8"); needs I2P_CLASSPATH
#   EMISSARY  numbers of the routers that are emissary 0.4.0 (emissary-of.sh), "" or "3 4"
#   DELAY_MS, JITTER_MS, LOSS_PCT, RATE_KIB   of each router-to-router link, one way; SEED for jitter and loss
#   SSU2, NTCP2   transports; SAM: i2pd's on port 7656
#   SUITE     Debian suite whose i2pd runs (bookworm, trixie, sid; see i2pd-of.sh), "" for the machine's own; SUITES: for single
#             routers ("5=sid 6=trixie"); I2PD: a program instead
NS=${NS:-minwww}
RUN=${RUN:-${TMPDIR:-/tmp}/minwww-testnet-$NS}
N=${N:-8} FF=${FF:-5} HOPS=${HOPS-"0 1 2 3"} QUANTITY=${QUANTITY:-3} NETID=${NETID:-77}
EMISSARY=${EMISSARY:-}
JAVA=${JAVA:-} I2P_CLASSPATH=${I2P_CLASSPATH:-} JAVA_HEAP=${JAVA_HEAP:-192m}
SUITE=${SUITE:-} SUITES=${SUITES:-} I2PD=${I2PD:-} LOGLEVEL=${LOGLEVEL:-warn} BANDWIDTH=${BANDWIDTH:-X}
DELAY_MS=${DELAY_MS:-0} JITTER_MS=${JITTER_MS:-0} LOSS_PCT=${LOSS_PCT:-0} RATE_KIB=${RATE_KIB:-0} SEED=${SEED:-1}
SSU2=${SSU2:-true} NTCP2=${NTCP2:-true} SAM=${SAM:-false}
NODE=${NODE:-node}

is_java() { case " $JAVA " in *" $1 "*) return 0 ;; *) return 1 ;; esac }
is_emissary() { case " $EMISSARY " in *" $1 "*) return 0 ;; *) return 1 ;; esac }

# The i2pd of router K.
i2pd_of() {
  local entry suite=$SUITE
  for entry in $SUITES; do [ "${entry%%=*}" = "$1" ] && suite=${entry#*=}; done
  if [ -n "$suite" ]; then "$HERE/i2pd-of.sh" "$suite"; else echo "${I2PD:-/usr/sbin/i2pd}"; fi
}

# A zombie has ended, although kill -0 says otherwise.
running() {
  local state
  state=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -c1)
  [ -n "$state" ] && [ "$state" != Z ]
}

# The process id in a file, if that process still is the one that was started there (ids are recycled).
recorded() {
  local pid
  pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] && running "$pid" &&
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$RUN" && echo "$pid"
}

start_router() {
  local k=$1 d=$RUN/r$1 program
  if is_java "$k"; then
    setsid ip netns exec "$NS-r$k" java "-Xmx$JAVA_HEAP" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.net.preferIPv4Stack=true \
      -cp "$I2P_CLASSPATH" minwww.interop.RouterLauncher "$d" >>"$d/out.log" 2>&1 </dev/null &
  elif is_emissary "$k"; then
    program=$("$HERE/emissary-of.sh" 0.4.0) || return 1
    setsid ip netns exec "$NS-r$k" "$program" --base-path "$d" >>"$d/out.log" 2>&1 </dev/null &
  else
    program=$(i2pd_of "$k") || return 1
    setsid ip netns exec "$NS-r$k" "$program" "--datadir=$d" "--conf=$d/i2pd.conf" "--tunconf=$d/tunnels.conf" \
      "--tunnelsdir=$d/tunnels.d" "--pidfile=$d/i2pd.lock" >>"$d/out.log" 2>&1 </dev/null &
  fi
  echo $! >"$d/pid" # setsid and ip execute the program in place, so this is the router's own id
  disown # no "Killed" message from this shell when the router is ended
}

# stop_processes SIGNAL PIDFILE...: ends recorded processes only, with SIGKILL after 3 s
stop_processes() {
  local signal=$1 pids=() file pid i
  shift
  for file in "$@"; do
    [ -f "$file" ] || continue
    pid=$(recorded "$file") && kill "-$signal" "$pid" 2>/dev/null && pids+=("$pid")
    rm -f "$file"
  done
  for i in $(seq 60); do
    local left=()
    for pid in "${pids[@]}"; do running "$pid" && left+=("$pid"); done
    pids=("${left[@]}")
    [ ${#pids[@]} = 0 ] && return 0
    sleep 0.05
  done
  for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null; done
  return 0
}

namespaces() { ip netns list 2>/dev/null | awk '{print $1}' | grep -E "^$NS-(hub|cli|r[0-9]+)$"; }
