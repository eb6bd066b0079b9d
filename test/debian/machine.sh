#!/usr/bin/env bash
# A machine with Debian 13, made by debootstrap, whose systemd runs as process 1 in namespaces of its own. Needs root.
#   machine.sh make ROOT            makes the system in ROOT, unless it is there
#   machine.sh run ROOT COMMAND...  runs a command in it, with the network of this machine, and without systemd
#   machine.sh layer ROOT UPPER     mounts UPPER/root: ROOT, with what is changed kept in UPPER
#   machine.sh boot ROOT GROUP      starts it in the control group minwww-GROUP; its network is a loopback interface
#   machine.sh clean GROUP          takes that group away
set -euo pipefail
ROOT=$2
group() { echo "$(findmnt -n -t cgroup2 -o TARGET | head -n 1)/minwww-$1"; }

devices() {
  local name
  mount -t tmpfs -o mode=755 tmpfs "$ROOT/dev"
  for name in null zero full random urandom tty; do touch "$ROOT/dev/$name"; mount --bind "/dev/$name" "$ROOT/dev/$name"; done
  mkdir "$ROOT/dev/pts" "$ROOT/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$ROOT/dev/pts"
  ln -s pts/ptmx "$ROOT/dev/ptmx"
  mount -t tmpfs tmpfs "$ROOT/run"
  mount -t tmpfs tmpfs "$ROOT/tmp"
}

case $1 in
  make)
    [ ! -e "$ROOT/made" ] || exit 0
    rm -rf "$ROOT"
    debootstrap --variant=minbase --include=systemd,systemd-sysv,ca-certificates trixie "$ROOT" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
    touch "$ROOT/made" ;;
  run)
    shift 2
    exec unshare --mount --pid --fork --kill-child --propagation private "$0" inside-run "$ROOT" "$@" ;;
  inside-run)
    shift 2
    mount -t proc proc "$ROOT/proc"
    devices
    cp /etc/resolv.conf "$ROOT/etc/resolv.conf"
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive chroot "$ROOT" "$@" ;;
  layer)
    mkdir -p "$3/upper" "$3/work" "$3/root"
    mount -t overlay overlay -o "lowerdir=$ROOT,upperdir=$3/upper,workdir=$3/work" "$3/root" ;;
  boot)
    mkdir "$(group "$3")"
    echo $$ >"$(group "$3")/cgroup.procs"
    exec unshare --pid --mount --uts --ipc --net --cgroup --fork --kill-child --propagation private "$0" inside-boot "$ROOT" ;;
  clean)
    # What was killed is gone in a moment, not at once.
    for _ in $(seq 100); do
      find "$(group "$2")" -depth -type d -exec rmdir {} + 2>/dev/null && exit 0
      sleep 0.1
    done
    exit 1 ;;
  inside-boot)
    mount --rbind "$ROOT" "$ROOT"
    mount -t proc proc "$ROOT/proc"
    mount -t sysfs -o ro sysfs "$ROOT/sys"
    devices
    # Where the kernel's other hierarchies are in use there is no folder for this one.
    [ -d "$ROOT/sys/fs/cgroup" ] || exit 1
    mount -t cgroup2 cgroup2 "$ROOT/sys/fs/cgroup"
    ip link set lo up
    exec env -i container=minwww PATH=/usr/sbin:/usr/bin chroot "$ROOT" /usr/lib/systemd/systemd --show-status=no --log-target=console ;;
esac
