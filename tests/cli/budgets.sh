#!/bin/sh
# Budgets and the confirmation, end to end: a budget ends a campaign with the best answer so far, a
# larger one goes on, and the answer is confirmed, the same on any number of ranks.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
empty_figures

cat >made.yaml <<'END'
version: 1
name: made
trainer: {kind: simulate}
simulate: {beta: 0.3, noise: 0.002}
search: {lr: [5e-4, 1e-1], horizons: [1M, 2M, 4M], resolution: 0.5}
target: {tokens: 64M}
confirm: {}
END

# Trials with their losses, by id; lines of a confirmation have "purpose":1.
confirmed() # RUN_DIR: the ids, learning rates and lengths of what was planned to confirm
{
    sed -n 's/.*"event":"planned","trial_id":\([0-9]*\).*"purpose":1,.*"lr":\([^,]*\),.*"horizon_tokens":\([0-9]*\),.*/\1 \2 \3/p' \
        "$1/journal.jsonl"
}

run "$LRSEARCH" made.yaml --run-dir logs/one
expect_status 0
[ "$(confirmed logs/one | wc -l)" -eq 3 ] || fail "three trainings confirm an answer"
[ "$(confirmed logs/one | cut -d ' ' -f 3 | sort -u)" = 64000000 ] || fail "not at the target"
mpi_environment
run_mpi 3 made.yaml --run-dir logs/three
expect_status 0
expect_same_result logs/one/result.json logs/three/result.json
confirmed logs/one >one
confirmed logs/three >three
cmp -s one three || fail "other ranks confirm something else"
cut -d , -f 1-8 logs/one/trials.csv >one
cut -d , -f 1-8 logs/three/trials.csv >three
cmp -s one three || fail "other ranks have other trials"

# What a budget leaves is halved; and core-hours of made-up trainings count.
run "$LRSEARCH" made.yaml --run-dir logs/halved --set budget.tokens=100M
expect_status 0
[ "$(confirmed logs/halved | cut -d ' ' -f 3 | sort -u)" = 16000000 ] || fail "not halved"
run "$LRSEARCH" made.yaml --run-dir logs/hours --set budget.core_hours=0.0022
expect_status 4
expect_out "The budget was used up before the answer for "
expect_said "budget.core_hours is too small for"
expect_json budget_exhausted logs/hours/result.json status
spent=$(json logs/hours/result.json cost core_seconds)
awk -v s="$spent" 'BEGIN { exit !(s > 0 && s <= 0.0022 * 3600 * 0.7 + 4) }' ||
    fail "$spent core-seconds of $(awk 'BEGIN { print 0.0022 * 3600 }')"
run "$LRSEARCH" made.yaml --run-dir logs/hours --set budget.core_hours=1
expect_status 0
target_of() { json "$1/result.json" target; }
[ "$(target_of logs/hours)" = "$(target_of logs/one)" ] || fail "a campaign in two parts differs"

# A share of the target run, of a trainer whose FLOPs are not known in tokens.
run "$LRSEARCH" made.yaml --run-dir logs/share --set budget.share_of_target=0.01
expect_status 4
expect_said "budget.share_of_target is too small for"
run "$LRSEARCH" made.yaml --run-dir logs/share --set budget.share_of_target=none
expect_status 0
[ "$(target_of logs/share)" = "$(target_of logs/one)" ] || fail "a larger share does not go on"

# The transformer: at the target's width, and within a budget of FLOPs.
tiny_plan tiny.yaml "model: {d_model: 16, n_layers: 1, n_heads: 2, context: 16, vocab: 64, parametrization: mup}" \
    "search: {lr: [1e-2, 8e-2], horizons: [8k, 16k], policy: grid}" \
    "target: {tokens: 1M, d_model: 32}" "confirm: {tokens: 20k}"
run "$LRSEARCH" tiny.yaml --run-dir logs/tiny
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"
[ "$(confirmed logs/tiny | wc -l)" -eq 3 ] || fail "the transformer confirms nothing"
grep -q '"purpose":1,.*"d_model":32,' logs/tiny/journal.jsonl || fail "not at the target's width"
[ "$(grep -c '"event":"ended".*"val_loss":[0-9]' logs/tiny/journal.jsonl)" -gt 3 ] || fail "no losses"
run "$LRSEARCH" tiny.yaml --run-dir logs/flops --set budget.flops=3e9
expect_status 4
expect_said "budget.flops is too small for another"
flops=$(json logs/flops/result.json cost flops)
awk -v f="$flops" 'BEGIN { exit !(f > 0 && f <= 3e9) }' || fail "$flops FLOPs of 3e9"

# Time: a round of long trainings is left behind when its time is over, and taken up with more time.
tiny_plan slow.yaml "search: {lr: [2e-2, 8e-2], horizons: [300k, 600k], policy: grid}" "target: {tokens: 8M}"
run "$LRSEARCH" slow.yaml --run-dir logs/slow --set budget.wall=1s
expect_status 4
expect_said "budget.wall is too small for the"
expect_out "left"
planned=$(grep -c '"event":"planned"' logs/slow/journal.jsonl)
started=$(grep -c '"event":"started"' logs/slow/journal.jsonl)
[ "$started" -ge 1 ] && [ "$started" -lt "$planned" ] || fail "$started of $planned trials started"
run "$LRSEARCH" slow.yaml --run-dir logs/slow --set budget.wall=1s
expect_status 4
[ "$(grep -c '"event":"started"' logs/slow/journal.jsonl)" -eq "$started" ] || fail "more was trained"
run "$LRSEARCH" slow.yaml --run-dir logs/slow --set budget.wall=1h
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"
started=$(grep -c '"event":"started"' logs/slow/journal.jsonl)
[ "$started" -eq "$planned" ] || fail "$started of $planned trials started, with time enough"

# The text must be long enough for what confirm asks for.
make_story story.txt
tiny_plan text.yaml "model: {d_model: 16, n_layers: 1, n_heads: 2, context: 16, vocab: 256}" \
    "data: {text: [story.txt], val_tokens: 1024}" "confirm: {tokens: 900k}"
run "$LRSEARCH" text.yaml --run-dir logs/text
expect_status 65
expect_err "confirm.tokens, 900k tokens, is more than the text gives"
