#!/bin/bash
# router.sh kill|stop|start|restart K: one router of the network; kill is SIGKILL, stop is SIGTERM, restart is kill and start.
# router.sh alive: which routers run.
set -u
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/settings.sh"
k=${2:-}
case "$1" in
  kill) stop_processes KILL "$RUN/r$k/pid" ;;
  stop) stop_processes TERM "$RUN/r$k/pid" ;;
  start) start_router "$k" ;;
  restart) stop_processes KILL "$RUN/r$k/pid"; start_router "$k" ;;
  alive) for d in "$RUN"/r*; do recorded "$d/pid" >/dev/null && echo "${d##*/r}"; done ;;
  *) echo "usage: router.sh kill|stop|start|restart K | alive" >&2; exit 2 ;;
esac
exit 0
