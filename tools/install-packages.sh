#!/usr/bin/env bash
# Installs what cmake/debian-packages.txt lists and is missing; does not call apt when nothing is.
set -eu

fail() { echo "error: $*" >&2; exit 1; }

list=$(dirname "$(realpath "$0")")/../cmake/debian-packages.txt

command -v apt-get >/dev/null && command -v dpkg-query >/dev/null ||
  fail "this is no Debian system (apt-get not found); install the equivalents of cmake/debian-packages.txt by hand"

missing=()
for package in $(sed 's/#.*//' "$list"); do
  dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
echo "Debian packages to install: ${missing[*]}"

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || fail "installing packages needs root or sudo; missing: ${missing[*]}"
  as_root=(sudo)
fi

apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@"; }
install() { apt update && apt install -y --no-install-recommends "${missing[@]}"; }

install || { echo "trying once more" >&2; sleep 5; install; } || fail "apt-get could not install: ${missing[*]}"
