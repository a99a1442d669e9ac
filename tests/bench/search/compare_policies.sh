#!/bin/sh
# usage: tests/bench/search/compare_policies.sh [FOLDER] [--verbose] [--subsets] [--policy NAME]...
#
# The search policies and the papers' protocol on every sweep in FOLDER (CSV tables of published
# losses; campaigns.txt says what their columns mean): loss penalty at the longest horizon, coverage
# of the 90 % interval, tokens. Then how long a decision takes. 77: there are no sweeps.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../..
folder=${LRSEARCH_SWEEPS:-../shared/sweeps}
case ${1:-} in
'' | --*) ;;
*)
    folder=$1
    shift
    ;;
esac
ls "$folder"/*.csv >/dev/null 2>&1 || {
    echo "skipped: no sweeps in $folder" >&2
    exit 77
}
cmake -S "$root" -B "$root/build" -G Ninja >/dev/null
ninja -C "$root/build" bench_search >/dev/null
"$root/build/tests/bench_search" "$folder" "$here/campaigns.txt" --decision "$@"
