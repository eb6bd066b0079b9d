#!/bin/bash
# i2pd-of.sh SUITE: prints the path of an i2pd of that Debian suite: bookworm (2.45.1), trixie (2.56), sid (2.59 in November 2026).
# The machine's own is taken where it is of that suite. Any other is unpacked once, with the libraries that it needs, into the user's
# cache: nothing is installed, and no service starts. Needs a Debian mirror among the machine's sources.
set -euo pipefail
suite=$1
case $suite in bookworm | trixie | sid) ;; *) echo "no such suite: $suite" >&2; exit 2 ;; esac
own=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
[ "$own" = "$suite" ] && [ -x /usr/sbin/i2pd ] && { echo /usr/sbin/i2pd; exit 0; }
dir=${XDG_CACHE_HOME:-$HOME/.cache}/minwww/i2pd-$suite
mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9 # tests run at once
[ -x "$dir/i2pd" ] && { echo "$dir/i2pd"; exit 0; }
mirror=$(awk '/^URIs:/ && $2 ~ /\/debian\/?$/ {print $2; exit} /^deb / {for (i = 2; i <= NF; i++) if ($i ~ /^http.*\/debian\/?$/) {print $i; exit}}' \
  /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | head -n 1)
[ -n "$mirror" ] || { echo "no Debian mirror is configured on this machine" >&2; exit 1; }
rm -rf "$dir/apt" "$dir/root"
apt=$dir/apt
mkdir -p "$apt/none" "$apt/lists/partial" "$apt/cache/archives/partial" "$dir/root"
: >"$apt/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$apt/sources.list"
cat >"$apt/apt.conf" <<C
Dir::State "$apt"; Dir::State::Lists "$apt/lists"; Dir::State::status "$apt/status"; Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list"; Dir::Etc::sourceparts "$apt/none"; Dir::Etc::parts "$apt/none"; Dir::Etc::preferencesparts "$apt/none";
Acquire::Languages "none"; Acquire::Retries "3"; Acquire::Check-Valid-Until "false"; APT::Sandbox::User "root"; APT::Install-Recommends "false";
C
export APT_CONFIG=$apt/apt.conf
apt-get update -qq >&2
apt-get install -y -qq --download-only i2pd >&2
for deb in "$apt"/cache/archives/*.deb; do
  case ${deb##*/} in i2pd_* | lib* | zlib*) dpkg-deb -x "$deb" "$dir/root" ;; esac
done
loader=$(find "$dir/root" -name 'ld-linux-*.so.*' | head -n 1)
program=$(find "$dir/root" -path '*bin/i2pd' -type f | head -n 1)
[ -n "$loader" ] && [ -n "$program" ] || { echo "i2pd of $suite did not unpack" >&2; exit 1; }
libraries=$(find "$dir/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' "$loader" "$libraries" "$program" >"$dir/i2pd.new"
chmod +x "$dir/i2pd.new"
"$dir/i2pd.new" --version >&2
mv "$dir/i2pd.new" "$dir/i2pd"
rm -rf "$apt"
echo "$dir/i2pd"
