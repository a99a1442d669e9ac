#!/bin/sh
# debian13_torch.sh FOLDER: makes a Debian 13 with its PyTorch (2.6) in the new FOLDER, for run.sh
# (DEBIAN13=FOLDER). About ten minutes and 3 GB. Needs root, debootstrap and a network;
# LRSEARCH_DEBIAN_MIRROR names another mirror than debootstrap's. To remove it: rm -r
# --one-file-system FOLDER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
[ "$(id -u)" -eq 0 ] || { echo "$0: needs root" >&2; exit 69; }
command -v debootstrap >/dev/null || { echo "$0: needs debootstrap: apt-get install debootstrap" >&2; exit 69; }
[ ! -e "$1" ] || { echo "$0: $1 is there already" >&2; exit 73; }

unshare --mount --pid --fork --kill-child debootstrap --variant=minbase trixie "$1" \
    ${LRSEARCH_DEBIAN_MIRROR:+"$LRSEARCH_DEBIAN_MIRROR"}
# Without an OpenBLAS, PyTorch multiplies fp32 by the reference BLAS: ten times as slow. From g++
# on: for torch.compile, which without the headers of Sleef makes code without vectors.
sh "$here/../../package/in_chroot.sh" "$1" sh -c 'apt-get update && DEBIAN_FRONTEND=noninteractive apt-get \
    install -y --no-install-recommends python3-torch libjemalloc2 libopenblas0-openmp \
    g++ python3-dev python3-setuptools libtorch-dev libsleef-dev && apt-get clean'
