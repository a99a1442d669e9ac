#!/bin/sh
# usage: tests/bench/coordinator/null_trials.sh [RANKS]
#
# Null trials (trainer simulate, 0 seconds) through the coordinator with its journal on.
#   in one process   1,000, 10,000 and 100,000 trials with 63 workers that answer at once: trials a
#                    second, CPU and memory a trial, time from the last result to the last file
#   over MPI         10,000 trials with RANKS ranks (64; 0: not): trials a second by the journal
# The rates over MPI are of the machine as it is, workers included; CPU a trial depends least on
# what else runs there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../..
ranks=${1:-64}
build=${LRSEARCH_BUILD:-$root/build}
cmake -S "$root" -B "$build" -G Ninja >/dev/null
ninja -C "$build" bench_coordinator lrsearch >/dev/null
for trials in 1000 10000 100000; do
    "$build/tests/bench_coordinator" "$trials" "$((ranks > 1 ? ranks - 1 : 63))"
done
[ "$ranks" -gt 1 ] || exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/null.yaml" <<'END'
version: 1
name: "null"
trainer: {kind: simulate}
simulate: {lr: 8e-3, beta: 0.3, seconds_per_mtoken: 0, cliff: 60}
search:
  lr: [1e-6, 1]
  policy: grid
  seeds: 30
  horizons: [10k, 20k, 30k, 40k, 50k, 60k, 70k, 80k, 90k, 100k, 110k, 120k, 130k, 140k, 150k, 160k]
target: {tokens: 64M}
END
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
(cd "$work" && mpirun -np "$ranks" --oversubscribe --bind-to none \
    "$(cd "$build" && pwd)/lrsearch" run null.yaml --progress none >out.txt 2>&1) || [ $? -eq 3 ] ||
    { cat "$work/out.txt"; exit 1; }
# STARTED and ENDED have at_s, the wall time of the campaign.
grep -E '"event":"(started|ended)"' "$work/logs/null/journal.jsonl" |
    sed 's/.*"event":"\([a-z]*\)".*"at_s":\([0-9.e+-]*\).*/\1 \2/' |
    awk -v ranks="$ranks" '
        $1 == "started" && !begun { begun = 1; first = $2 }
        $1 == "ended" { n++; last = $2; if (n % 1000 == 0) { line = line sprintf(" %d", 1000 / (last - since + 1e-9)); since = last } }
        END { printf "%7d trials over MPI, %d ranks: %.0f/s; each thousand:%s\n", n, ranks, n / (last - first), line }'
awk '/trial .* loss/ { last = $1 } /files in/ { print "last result " last ", files in " $1 }' \
    "$work/logs/null/logs/rank-0000.log"
