#!/bin/sh
# How fast the trainer is beside PyTorch, on one machine, in one run, taking turns.
#
#   [DEBIAN13=FOLDER] tests/bench/peers/run.sh [SIZE ...]      XS S M L; half an hour a size
#
# FOLDER: made by debian13_torch.sh; without it, in less time, only the PyTorch of this system,
# which needs python3-torch and libjemalloc2. THREADS=1, ROUNDS=3, PRECISIONS="fp32 bf16" and
# LRSEARCH=build/lrsearch may be set too. For two threads install libopenblas0-openmp: with the
# thread pools of the other OpenBLAS, PyTorch is slower on two threads than on one.
set -eu
cd "$(dirname "$0")/../../.."
LRSEARCH=${LRSEARCH:-build/lrsearch}
python=/usr/bin/python3

[ -x "$LRSEARCH" ] || { echo "$0: $LRSEARCH is not there: build it first (./run.sh does)" >&2; exit 69; }
"$python" -c 'import torch' 2>/dev/null || { echo "$0: needs PyTorch: apt-get install python3-torch" >&2; exit 69; }
if [ -n "${DEBIAN13:-}" ]; then
    [ -x "$DEBIAN13/usr/bin/python3" ] || { echo "$0: no Debian 13 in $DEBIAN13: debian13_torch.sh makes one" >&2; exit 69; }
    DEBIAN13=$(cd "$DEBIAN13" && pwd)
fi
[ $# -gt 0 ] || set -- XS S M L
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cc -O3 -shared -fPIC -Iworker worker/kernels/peak.c -o "$folder/peak.so"
"$python" tests/bench/peers/compare.py "$LRSEARCH" "$folder/peak.so" "${THREADS:-1}" "${ROUNDS:-3}" \
    "${DEBIAN13:-}" "${PRECISIONS:-fp32 bf16}" "$@"
