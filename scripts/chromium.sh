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
if [ ! -x "$folder/start" ]; then
    echo "Fetching $package (there is no Chromium, and only root could install one)" >&2
    mkdir -p "$folder"
    echo '{"private": true, "type": "module"}' >"$folder/package.json"
    scripts/node.sh npm install --prefix "$folder" --no-save --no-package-lock "$package" >&2
    echo 'import chromium from "@sparticuz/chromium"; await chromium.executablePath()' >"$folder/unpack.mjs"
    # the runtime's name makes it unpack the libraries that a small system lacks, too
    AWS_LAMBDA_JS_RUNTIME=nodejs20.x TMPDIR=$folder scripts/node.sh node "$folder/unpack.mjs" >&2
    {
        echo '#!/bin/sh'
        echo "export LC_ALL=en_US.UTF-8" # without a locale it calls its language en-US@posix
        if ldd "$folder/chromium" | grep -q "not found"; then echo "export LD_LIBRARY_PATH='$folder/al2023/lib'"; fi
        sed -i "s,/tmp/fonts,$folder/fonts,g" "$folder/fonts/fonts.conf"
        if [ ! -e /etc/fonts ]; then echo "export FONTCONFIG_PATH='$folder/fonts'"; fi
        echo "exec '$folder/chromium' \"\$@\""
    } >"$folder/start"
    chmod +x "$folder/start"
fi
echo "$folder/start"
