#!/bin/bash
# guard.sh OWNER RUN: waits until the process OWNER is gone or RUN is removed, and tears the network down then.
HERE=$(cd "$(dirname "$0")" && pwd)
OWNER=$1 RUN=$2
. "$HERE/settings.sh"
export NS RUN
while running "$OWNER" && [ -d "$RUN" ]; do sleep 1; done
[ -d "$RUN" ] && exec "$HERE/down.sh"
