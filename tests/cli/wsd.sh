#!/bin/sh
# wsd with a warm-up in steps: longer horizons go on from the stable part of shorter ones. The same
# losses as without, for fewer tokens; the states are gone at the end.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

cat >wsd.yaml <<'END'
version: 1
name: wsd
model: {d_model: 16, n_layers: 1, n_heads: 1, context: 16, vocab: 64}
data: {source: synthetic, val_tokens: 1k}
training: {batch_tokens: 64, schedule: wsd, warmup_steps: 5, cooldown: 0.2}
search: {lr: [1e-3, 3.2e-2], horizons: [8k, 16k, 32k], min_gain: 1e-5, precision: 1e-6}
target: {tokens: 64k}
END
run "$LRSEARCH" wsd.yaml
expect_status 0
[ ! -e logs/wsd/checkpoints ] || fail "states are left behind"
# What a horizon took over from a shorter one was not trained, and does not count.
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    { all += $at["horizon_tokens"]; taken += $at["wsd_prefix_tokens"] }
    END { print all - taken, taken + 0 }' logs/wsd/trials.csv >sums
read -r trained taken <sums
[ "$taken" -gt 0 ] || fail "nothing was shared"
expect_json "$trained" logs/wsd/result.json cost tokens

# Each trial is what it would be alone.
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    $at["wsd_prefix_tokens"] > 0 { print $at["lr"], $at["horizon_tokens"], $at["val_loss"] }' \
    logs/wsd/trials.csv | tail -n 2 >shared
[ -s shared ] || fail "no trial went on from another"
while read -r lr tokens loss; do
    run "$LRSEARCH" train wsd.yaml --lr "$lr" --tokens "$tokens" --json
    alone=$(json out val_loss)
    awk -v a="$alone" -v b="$loss" 'BEGIN { exit !(a - b == 0) }' || fail "$loss shared, $alone alone"
done <shared

# With a weight decay for each horizon the stable parts differ, and none is shared.
run "$LRSEARCH" wsd.yaml --set training.decay_rule=timescale --run-dir logs/apart
expect_status 0
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    { taken += $at["wsd_prefix_tokens"] } END { exit taken > 0 }' logs/apart/trials.csv || fail "shared"

mpi_environment
run_mpi 3 wsd.yaml --run-dir logs/three
expect_status 0
expect_same_answer logs/wsd/result.json logs/three/result.json
