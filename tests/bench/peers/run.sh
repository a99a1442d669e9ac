#!/bin/sh
# How fast the trainer is beside PyTorch, on one machine, in one run, taking turns.
#
#   tests/bench/peers/run.sh [SIZE ...]      XS S M L; all of them take half an hour or less
#
# THREADS=1, ROUNDS=3 and LRSEARCH=build/lrsearch may be set in the environment. Needs Debian's
# python3-torch and libjemalloc2. For two threads install libopenblas0-openmp too: with the thread
# pools of the other OpenBLAS, PyTorch is slower on two threads than on one.
set -eu
cd "$(dirname "$0")/../../.."
LRSEARCH=${LRSEARCH:-build/lrsearch}
python=/usr/bin/python3

[ -x "$LRSEARCH" ] || { echo "$0: $LRSEARCH is not there: build it first (./run.sh does)" >&2; exit 69; }
"$python" -c 'import torch' 2>/dev/null || { echo "$0: needs PyTorch: apt-get install python3-torch" >&2; exit 69; }
JEMALLOC=$(ldconfig -p | sed -n 's/.*libjemalloc\.so\.2 .*=> //p' | head -n 1)
[ -n "$JEMALLOC" ] || echo "$0: without libjemalloc2 PyTorch is slower than it could be" >&2
export JEMALLOC
[ $# -gt 0 ] || set -- XS S M L
peak=$(mktemp)
trap 'rm -f "$peak"' EXIT
cc -O3 -shared -fPIC -Iworker worker/kernels/peak.c -o "$peak"
"$python" tests/bench/peers/compare.py "$LRSEARCH" "$peak" "${THREADS:-1}" "${ROUNDS:-3}" "$@"
