#!/bin/bash
# Ends what up.sh started (recorded process ids only), removes the namespaces of this NS and the run's directory.
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/settings.sh"
stop_processes TERM "$RUN"/r*/pid "$RUN"/*.pid
for ns in $(namespaces); do ip netns del "$ns"; done
rm -rf "$RUN"
