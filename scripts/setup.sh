#!/bin/sh
# Make .venv inside the repository and install paper2code with the extras named, once.
#
#   scripts/setup.sh demo|test
#
# Takes the first interpreter of $PYTHON, python3.13 … 3.11, python3, else lets uv fetch one.
# Without ensurepip (Debian splits it off) it goes through virtualenv or uv.
set -eu
cd "$(dirname "$0")/.."
extra=${1:?usage: scripts/setup.sh demo|test}
stamp=".venv/.ready-$extra"
wanted=$(cat pyproject.toml constraints.txt scripts/setup.sh tests/diagrams/node/package-lock.json 2>/dev/null | cksum)

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && [ -x .venv/bin/python ]; then
  exit 0
fi

say() { printf '%s\n' "$*" >&2; }
fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2])' >/dev/null 2>&1; }

can() { "$1" -c "import $2" >/dev/null 2>&1; }

candidates=""
for name in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
  if command -v "$name" >/dev/null 2>&1 && fits "$name"; then candidates="$candidates $name"; fi
done

make_venv() {
  for name in $candidates; do
    if can "$name" "ensurepip, venv"; then "$name" -m venv .venv && return; fi
  done
  for name in $candidates; do
    if can "$name" virtualenv; then "$name" -m virtualenv -q .venv && return; fi
  done
  if command -v uv >/dev/null 2>&1; then
    set -- $candidates
    uv venv -q --seed --python "${1:-3.12}" .venv && return
  fi
  if [ -n "$candidates" ]; then
    say "setup:$candidates has no ensurepip; install your system's venv package (Debian, Ubuntu: apt install python3-venv), virtualenv or uv, then run the command again."
  else
    say "setup: no Python 3.11 or newer found; install one (or uv), or run: make $extra PYTHON=/path/to/python"
  fi
  return 1
}

if [ ! -x .venv/bin/python ] || ! fits .venv/bin/python; then
  rm -rf .venv
  make_venv
fi

say "setup: installing paper2code[$extra] into .venv (once; a minute or two)"
.venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt -e ".[$extra]"
if [ "$extra" = test ]; then
  .venv/bin/python scripts/node_modules.py
fi
printf '%s\n' "$wanted" > "$stamp"
