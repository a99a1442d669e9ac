#!/bin/sh
# usage: plans/vocabularies.sh [VOCABULARY ...] [-- LRSEARCH-OPTION...]
#
# Runs plans/vocabularies.yaml at each vocabulary (256 1024 4096 8192 16384; finished ones answer at
# once) and prints, for each, the best learning rate and what it reached.
set -u
cd "$(dirname "$0")/.." || exit 70
vocabularies=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    vocabularies="$vocabularies $1"
    shift
done
[ $# -gt 0 ] && shift
runs=logs/vocabularies
mkdir -p "$runs" || exit 73

for vocab in ${vocabularies:-256 1024 4096 8192 16384}; do
    # one horizon gives no slope: exit status 3 is as good as 0 here
    ./run.sh plans/vocabularies.yaml -- --set "model.vocab=$vocab" --run-dir "$runs/$vocab" "$@" \
        >"$runs/$vocab.txt"
    status=$?
    if [ "$status" -ne 0 ] && [ "$status" -ne 3 ]; then
        echo "$0: vocabulary $vocab ended with exit status $status" >&2
        exit "$status"
    fi
    # mean over the seeds of each learning rate, the best of them
    awk -F, -v vocab="$vocab" '
        NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
        $column["outcome"] == "done" {
            lr = $column["lr"]
            count[lr]++
            nats[lr] += $column["val_loss"]
            bits[lr] += $column["val_bits_per_byte"]
        }
        END {
            for (lr in nats)
                if (best == "" || nats[lr] / count[lr] < nats[best] / count[best])
                    best = lr
            print vocab, best, nats[best] / count[best], bits[best] / count[best]
        }' "$runs/$vocab/trials.csv" || exit 70
done | awk '
    BEGIN { printf "%10s %10s %15s %14s\n", "vocabulary", "best LR", "nats per token", "bits per byte" }
    { printf "%10d %10.2e %15.4f %14.4f\n", $1, $2, $3, $4; fflush() }'
