#!/bin/sh
# Usage: make-venv.sh PYTHON FOLDER. Makes a virtual environment; on Debian as root, installs what venv needs.
set -eu
python=$1
folder=$2
if ! command -v "$python" >/dev/null 2>&1; then
    echo "error: $python not found; install Python 3.11 or newer (apt-get install python3 python3-venv)" >&2
    exit 2
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "error: $("$python" --version) is too old; grover_probe needs Python 3.11 or newer (make PYTHON=python3.12 ...)" >&2
    exit 2
fi
if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
    else
        echo "error: Python's venv module is missing; install it with: sudo apt-get install python3-venv" >&2
        exit 2
    fi
fi
"$python" -m venv "$folder"
