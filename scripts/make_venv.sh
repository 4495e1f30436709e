#!/usr/bin/env bash
# Install the project into .venv, with the versions of constraints.txt: make_venv.sh [EXTRA]
# A second call installs only what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
extra=${1:-}

fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11 python3.14; do
        if fits "$candidate"; then echo "$candidate"; return; fi
    done
    echo "LEARN-DA needs Python 3.11 or newer. Install it, or say where it is: make PYTHON=/path/to/python3" >&2
    exit 1
}

if ! { [ -x .venv/bin/python ] && fits .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; }; then
    python=$(find_python)
    echo "Making .venv with $("$python" --version)"
    rm -rf .venv
    if ! "$python" -m venv .venv >/tmp/learn-da-venv.$$ 2>&1; then
        cat "/tmp/learn-da-venv.$$" >&2
        rm -rf .venv "/tmp/learn-da-venv.$$"
        echo "This Python cannot make a virtual environment. On Debian and Ubuntu, as root: apt-get install python3-venv" >&2
        exit 1
    fi
    rm -f "/tmp/learn-da-venv.$$"
fi

echo "Installing Python packages${extra:+ (with those for $extra)}"
export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1
pip=(.venv/bin/python -m pip install -qq -c constraints.txt)
"${pip[@]}" setuptools
"${pip[@]}" --no-build-isolation -e ".${extra:+[$extra]}"
