#!/bin/sh
# SPDX-License-Identifier: 0BSD
# Measures everything again (PYTHON=... chooses the interpreter) and builds paper.pdf.
# `sh build.sh --paper-only` typesets from the tables and the figure that are already there.
set -eu
cd "$(dirname "$0")"
export SOURCE_DATE_EPOCH=1767225600 FORCE_SOURCE_DATE=1
[ "${1:-}" = "--paper-only" ] || "${PYTHON:-python3}" experiment.py
for pass in 1 2 3; do
  pdflatex -interaction=nonstopmode -halt-on-error paper.tex >/dev/null || { tail -40 paper.log; exit 1; }
done
grep -E "Overfull|undefined|multiply defined" paper.log || true
rm -f paper.aux paper.log paper.out
