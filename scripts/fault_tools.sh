#!/usr/bin/env bash
# What the fault tests need that only root can install: ip, and libfaketime, whose path is printed.
# As anybody else nothing is installed: the tests that need these need root as well.
set -euo pipefail

find_library() {
    find /usr/lib /usr/local/lib -name 'libfaketime.so.1' -print -quit
}

missing=()
[ -n "$(find_library)" ] || missing+=(libfaketime)
command -v ip >/dev/null || missing+=(iproute2)
if [ ${#missing[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing ${missing[*]}" >&2
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -q && apt-get install -q -y --no-install-recommends "${missing[@]}"; } >&2
fi
find_library
