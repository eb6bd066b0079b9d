#!/usr/bin/env bash
# machine.sh COMMAND...: runs a command as if on a machine of its own: no network but a loopback interface, with every port free, and
# an /etc and a /var/lib that are copied or empty and go with it, as do the processes that the command leaves behind. Needs root.
set -euo pipefail
if [ "${1:-}" != --inside ]; then
  exec unshare --net --mount --pid --fork --kill-child --mount-proc "$0" --inside "$@"
fi
shift
ip link set lo up
copy=$(mktemp -d)
mount -t tmpfs tmpfs "$copy"
cp -a /etc "$copy/etc"
mkdir "$copy/lib"
mount --bind "$copy/etc" /etc
mount --bind "$copy/lib" /var/lib
umount --lazy "$copy"
rmdir "$copy"
exec "$@"
