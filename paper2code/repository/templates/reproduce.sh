#!/usr/bin/env bash
# Runs the experiment: in small by default, in full with FULL=1.
#   ./reproduce.sh            small run, results in results/small
#   FULL=1 ./reproduce.sh     full run, results in results/full
# PYTHON chooses the interpreter ({{python}} or newer), VENV the virtual environment (default .venv);
# VENV=none uses the interpreter as it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

python="${PYTHON:-python3}"
venv="${VENV:-.venv}"
if ! "$python" -c 'import sys; sys.exit(sys.version_info < ({{python_tuple}}))'; then
  echo "Python {{python}} or newer is needed; set PYTHON to one" >&2
  exit 1
fi
if [ "$venv" != none ]; then
  [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
  python="$venv/bin/python"
  "$python" -m pip install --quiet -r requirements.txt
fi

if [ "${FULL:-0}" = 1 ]; then
  exec "$python" {{entry}} --config config.yaml --output results/full "$@"
fi
exec "$python" {{entry}} --config config.yaml --output results/small --small "$@"
