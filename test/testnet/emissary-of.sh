#!/bin/bash
# emissary-of.sh VERSION: prints the path of the command line program of that emissary (0.4.0), a router in Rust.
# It is built once, from Rust's registry and without its graphical toolkits, into the user's cache: half an hour of one core. Needs cargo,
# a C compiler and cmake.
set -euo pipefail
version=$1
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || { echo "no such version: $version" >&2; exit 2; }
dir=${XDG_CACHE_HOME:-$HOME/.cache}/minwww/emissary-$version
mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9 # tests run at once
[ -x "$dir/bin/emissary-cli" ] && { echo "$dir/bin/emissary-cli"; exit 0; }
cargo=$(command -v cargo || echo "$HOME/.cargo/bin/cargo")
[ -x "$cargo" ] || { echo "cargo is not installed" >&2; exit 1; }
PATH=${cargo%/*}:$PATH CARGO_TARGET_DIR=$dir/target nice -n 15 "$cargo" install -j1 --locked --quiet --no-track --root "$dir" \
  --version "$version" --no-default-features emissary-cli >&2
rm -rf "$dir/target"
echo "$dir/bin/emissary-cli"
