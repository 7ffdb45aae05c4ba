#!/usr/bin/env bash
# What `make` needs of the system: Python 3.11 with venv, bubblewrap for the wall; with `browser` as second argument
# Chromium too, to test the pages.
# Installs what is missing where that needs no password; says plainly what it could not do.
set -euo pipefail
python=${1:-python3}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null
}

install() {
    can_install || return 1
    echo "installing $1 ..."
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$1" >/dev/null 2>&1 && return
    # A fresh container has no list of packages yet.
    as_root apt-get update -qq >/dev/null 2>&1 || true
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$1" >/dev/null 2>&1
}

if ! command -v "$python" >/dev/null 2>&1; then
    install python3 || { echo "$python is not there. Install Python 3.11 or newer, or say: make PYTHON=/path/to/python3.11"; exit 1; }
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "$("$python" --version) is too old: grader needs Python 3.11 or newer."
    echo "Where there is one beside it, say: make PYTHON=python3.12"
    exit 1
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    install "python$version-venv" || install python3-venv || {
        echo "$python cannot make virtual environments. Install that part of it: sudo apt-get install python$version-venv"
        exit 1
    }
fi
if ! command -v bwrap >/dev/null 2>&1 && ! install bubblewrap; then
    echo "NOTE: bubblewrap is not installed and cannot be installed from here, so notebooks run behind the WEAKER wall"
    echo "      (Landlock and seccomp). For the full wall: sudo apt-get install bubblewrap"
fi
if [ "${2:-}" = browser ] && ! command -v chromium >/dev/null 2>&1 && ! command -v chromium-browser >/dev/null 2>&1 &&
    ! command -v google-chrome >/dev/null 2>&1 && ! install chromium; then
    echo "NOTE: there is no Chromium and it cannot be installed from here, so the tests that look at pages in a browser"
    echo "      are skipped. For them: sudo apt-get install chromium"
fi
