#!/bin/bash
# ns.sh CMD...: runs a command where the routers' client ports can be reached
# (I2CP 10.77.0.K:7654, i2pd's console :7070, HTTP proxies of router 1 :444<hops>).
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/settings.sh"
export NS RUN
exec ip netns exec "$NS-cli" "$@"
