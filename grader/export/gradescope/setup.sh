#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image: Python, the libraries, and bubblewrap for the wall.
set -euo pipefail
source=${AUTOGRADER_ROOT:-/autograder}/source
# Not below /root or /autograder: students' code runs as another user, who has to read it.
venv=${AUTOGRADER_VENV:-/opt/grader}
export DEBIAN_FRONTEND=noninteractive

apt-get update -qq
apt-get install -y -qq --no-install-recommends bubblewrap ca-certificates ||
    echo "NOTE: bubblewrap cannot be installed here; students' code will run behind the weaker wall (Landlock)."

python=
for version in 3.13 3.12 3.11; do
    if apt-get install -y -qq --no-install-recommends "python$version" "python$version-venv" >/dev/null 2>&1; then
        python=python$version
        break
    fi
done
if [ -z "$python" ]; then
    echo "The grader needs Python 3.11 or newer, which this image lacks. Choose Ubuntu 22.04 or newer in the settings"
    echo "of the autograder, and build again."
    exit 1
fi

"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check \
    --constraint "$source/constraints.txt" --requirement "$source/requirements.txt"
chmod -R a+rX "$venv"

# What holds on this machine, for the build's log. It decides nothing: the wall is built anew for every submission.
cd "$source"
PYTHONPATH=$source "$venv/bin/python" -s -m grader doctor --quiet ||
    echo "NOTE: see above; where no wall can be built, submissions are not graded, and the result says so."
