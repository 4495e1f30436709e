#!/usr/bin/env bash
# Print the path of an nginx for tests/faults, installing Debian's where there is none. Only root
# can: for anybody else nothing is printed, and the test that needs it is named and not run.
set -euo pipefail

for candidate in "${LEARNDA_NGINX:-}" nginx /usr/sbin/nginx; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null; then
        command -v "$candidate"
        exit
    fi
done

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Debian's nginx" >&2
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -q && apt-get install -q -y --no-install-recommends nginx-light; } >&2
    PATH=$PATH:/usr/sbin command -v nginx
fi
