#!/bin/sh
# usage: tests/bench/precision/sweep.sh PLAN TOKENS LR... [--seeds N]
#
# Where the best LR of one horizon lies in fp32 and in bf16: trains PLAN's model for TOKENS tokens
# at each LR (five at least) with each seed in both precisions, by `lrsearch` (or $LRSEARCH), and
# fits a parabola in log2 LR to the mean losses. The shift's standard error is that of the means
# over seeds. The one in docs/benchmarks.md, some ten minutes on one idle core:
#   ./run.sh && LRSEARCH=build/lrsearch tests/bench/precision/sweep.sh plans/proof.yaml 256Ki \
#       1e-3 1.41e-3 2e-3 2.83e-3 4e-3 5.66e-3 8e-3 --seeds 6
set -eu
plan=$1
tokens=$2
shift 2
lrs='' seeds=3
while [ $# -gt 0 ]; do
    case $1 in
    --seeds) seeds=$2 && shift 2 ;;
    *) lrs="$lrs $1" && shift ;;
    esac
done
for seed in $(seq "$seeds"); do
    for lr in $lrs; do
        for precision in fp32 bf16; do
            loss=$("${LRSEARCH:-lrsearch}" train "$plan" --lr "$lr" --tokens "$tokens" --json -q \
                --set seed="$seed" --set training.precision=$precision | sed -n 's/.*"val_loss": \([^,]*\).*/\1/p')
            echo "$precision $seed $lr $loss"
        done
    done
done | "$(dirname "$0")/fit.py"
