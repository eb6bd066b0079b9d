#!/usr/bin/env bash
# Installs what the checks need beside Node: a web server, a documentation tree, two browsers, Prometheus, an I2P router and the tools
# to give it a network of its own. Needs root. Does nothing where all of it is there.
set -euo pipefail
PACKAGES=(nginx-light python3-doc curl git chromium firefox-esr i2pd iproute2 gcc libc6-dev xxd bc procps openssl prometheus
  debootstrap tcpdump)

missing=()
for package in "${PACKAGES[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
# These often come from elsewhere than Debian's packages.
command -v javac >/dev/null || missing+=(default-jdk-headless)
command -v mvn >/dev/null || missing+=(maven)
command -v go >/dev/null || missing+=(golang-go)
[ ${#missing[@]} = 0 ] && { echo "all installed"; exit 0; }

# No package may start its service: i2pd would look for its network on the Internet, nginx would take port 80.
if [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends "${missing[@]}"
