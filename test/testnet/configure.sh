# Sourced by up.sh: the configuration of one router.

configure_i2pd() {
  local k=$1 d=$RUN/r$1 floodfill=false
  [ "$k" -gt $((N - FF)) ] && floodfill=true
  mkdir -p "$d/nocerts" "$d/tunnels.d"
  cat >"$d/i2pd.conf" <<C
netid = $NETID
host = 198.18.$k.1
address4 = 198.18.$k.1
port = 12000
ipv4 = true
ipv6 = false
nat = false
reservedrange = false
floodfill = $floodfill
notransit = false
bandwidth = $BANDWIDTH
share = 100
log = file
logfile = $d/i2pd.log
loglevel = $LOGLEVEL
certsdir = $d/nocerts
[ntcp2]
enabled = $NTCP2
published = $NTCP2
[ssu2]
enabled = $SSU2
published = $SSU2
[upnp]
enabled = false
[nettime]
enabled = false
[reseed]
urls =
yggurls =
threshold = 0
verify = true
[addressbook]
# Must be off: with an empty list of subscriptions i2pd 2.45.1 aborts three minutes after its start (std::out_of_range).
enabled = false
[exploratory]
inbound.length = 1
outbound.length = 1
inbound.quantity = 3
outbound.quantity = 3
[http]
enabled = true
address = 0.0.0.0
port = 7070
strictheaders = false
[httpproxy]
enabled = false
[socksproxy]
enabled = false
[bob]
enabled = false
[i2pcontrol]
enabled = false
[i2cp]
enabled = true
address = 0.0.0.0
port = 7654
singlethread = true
[sam]
enabled = $SAM
address = 0.0.0.0
port = 7656
[persist]
profiles = false
C
  : >"$d/tunnels.conf"
}

configure_java() {
  local k=$1 d=$RUN/r$1 floodfill=false key
  [ "$k" -gt $((N - FF)) ] && floodfill=true
  mkdir -p "$d/tmp" "$d/netDb"
  : >"$d/noreseed.i2p"; : >"$d/clients.config"; : >"$d/hosts.txt"; : >"$d/blocklist.txt"
  cat >"$d/router.config" <<C
i2np.allowLocal=true
router.networkID=$NETID
router.reseedDisable=true
i2p.reseedURL=https://127.0.0.1:3333/none
time.disabled=true
time.sntpServerList=127.0.0.1
i2np.upnp.enable=false
router.blocklist.enable=false
router.newsRefreshFrequency=0
router.rebuildKeys=false
router.sybilFrequency=0
router.rejectStartupTime=20000
router.floodfillParticipant=$floodfill
router.sharePercentage=100
router.maxParticipatingTunnels=5000
router.updateDisabled=true
i2np.ipv4.firewalled=false
i2np.ipv6.firewalled=true
i2np.ntcp.enable=$NTCP2
i2np.ntcp.autoip=false
i2np.ntcp.autoport=false
i2np.ntcp.hostname=198.18.$k.1
i2np.ntcp.port=12000
i2np.udp.enable=$SSU2
i2np.udp.host=198.18.$k.1
i2np.udp.port=12000
i2np.udp.internalPort=12000
i2np.udp.addressSources=config
i2np.udp.bindInterface=198.18.$k.1
i2cp.tcp.bindAllInterfaces=true
i2cp.port=7654
i2cp.auth=false
i2cp.SSL=false
routerconsole.geoip.enable=false
C
  for key in inbound outbound; do
    printf 'i2np.bandwidth.%s\n' "${key}BurstKBytes=1953105" "${key}BurstKBytesPerSecond=97655" "${key}KBytesPerSecond=97605"
  done >>"$d/router.config"
  printf 'logger.defaultLevel=WARN\nlogger.displayOnScreen=false\nlogger.logFileName=%s/router.log\n' "$d" >"$d/logger.config"
}

# NTCP2 only: for SSU2 it wants a default route. Without an address book it answers every look-up with "not found"; without [reseed] it never asks.
configure_emissary() {
  local k=$1 d=$RUN/r$1
  mkdir -p "$d/addressbook"
  cat >"$d/router.toml" <<C
allow_local = true
floodfill = false
insecure_tunnels = true
net_id = $NETID
log = "${EMISSARY_LOG:-emissary=warn}"
[address-book]
[bandwidth]
bandwidth = 10000000
share_ratio = 1.0
[exploratory]
inbound_len = 1
inbound_count = 2
outbound_len = 1
outbound_count = 2
[i2cp]
port = 7654
host = "0.0.0.0"
[ntcp2]
port = 12000
ipv4_host = "198.18.$k.1"
ipv4 = true
ipv6 = false
publish = true
[transit]
max_tunnels = 5000
C
}

# tunnel SECTION LENGTH LINE...: one section of tunnels.conf
tunnel() {
  local section=$1 length=$2 direction
  shift 2
  echo "[$section]"
  printf '%s\n' "$@" "keys = $section.dat" "i2cp.leaseSetEncType = 4,0"
  for direction in inbound outbound; do
    echo "$direction.length = $length"
    echo "$direction.quantity = $QUANTITY"
  done
}

# Router 2 serves the web server behind it, router 1 offers HTTP proxies; tunnels.K (given by the caller) is appended.
configure_tunnels() {
  local hops k
  for hops in $HOPS; do
    tunnel "web$hops" "$hops" "type = http" "host = 127.0.0.1" "port = 8080" "inport = 80" >>"$RUN/r2/tunnels.conf"
    tunnel "proxy$hops" "$hops" "type = httpproxy" "address = 0.0.0.0" "port = 444$hops" >>"$RUN/r1/tunnels.conf"
  done
  for k in $(seq 1 "$N"); do
    [ -f "$RUN/tunnels.$k" ] && cat "$RUN/tunnels.$k" >>"$RUN/r$k/tunnels.conf"
  done
  return 0
}
