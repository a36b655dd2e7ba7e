#!/usr/bin/env bash
# Creates .venv with the given Python (3.11 or newer), also on Debian machines whose python3 lacks ensurepip.
# It installs no packages of ours: the Makefile does that from the locks.
set -euo pipefail
python="${1:-python3}"

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "liveserver needs Python 3.11 or newer; '$python' is $("$python" --version 2>&1 || echo 'not there')." >&2
    echo "Install one and say which: make setup PYTHON=python3.12" >&2
    exit 1
fi
echo "==> creating .venv with $("$python" --version)"
if "$python" -c 'import ensurepip' 2>/dev/null; then
    exec "$python" -m venv --clear .venv
fi
# Debian splits ensurepip into python3-venv; the pip that is there can install into a venv without one (pip >= 22.3).
"$python" -m venv --clear --without-pip .venv
if "$python" -m pip --python .venv/bin/python install --quiet --disable-pip-version-check pip; then
    exit 0
fi
rm -rf .venv
echo "This Python can not create virtual environments. Run: apt-get install python3-venv" >&2
exit 1
