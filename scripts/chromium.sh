#!/usr/bin/env bash
# Print the path of a Chromium for the browser tests, installing one where there is none: as root
# Debian's, as anybody else the one in npm's @sparticuz/chromium, in .cache.
set -euo pipefail
cd "$(dirname "$0")/.."

for candidate in "${LEARNDA_CHROMIUM:-}" chromium chromium-browser google-chrome; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null; then
        command -v "$candidate"
        exit
    fi
done

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Debian's Chromium" >&2
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -q && apt-get install -q -y --no-install-recommends chromium; } >&2
    command -v chromium
    exit
fi

package=@sparticuz/chromium@147 # the last that runs on Node 20
folder=$PWD/.cache/chromium
if [ ! -e "$folder/path" ]; then
    echo "Fetching $package (there is no Chromium, and only root could install one)" >&2
    mkdir -p "$folder"
    echo '{"private": true, "type": "module"}' >"$folder/package.json"
    scripts/node.sh npm install --prefix "$folder" --no-save --no-package-lock "$package" >&2
    echo 'import chromium from "@sparticuz/chromium"; console.log(await chromium.executablePath())' >"$folder/unpack.mjs"
    TMPDIR=$folder scripts/node.sh node "$folder/unpack.mjs" >"$folder/path.new"
    mv "$folder/path.new" "$folder/path"
fi
cat "$folder/path"
