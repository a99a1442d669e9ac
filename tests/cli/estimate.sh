#!/bin/sh
# What `lrsearch check` expects a campaign to cost: measured trainings, simulated campaigns,
# budgets.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

amount() # NAME COLUMN: of the table of what is needed; 2: half need, 3: 9 in 10 need, 4: budget
{
    sed -n "s/^$1  *//p" "$work/out" | awk -v c="$2" '{ print $(c - 1) }'
}

mkdir scratch
tiny_plan tiny.yaml "model: {d_model: 16, n_layers: 1, n_heads: 2, context: 16, vocab: 64, parametrization: mup}" \
    "target: {tokens: 1M, d_model: 32}" "search: {lr: [1e-3, 3e-1], horizons: [8k, 16k, 32k], min_gain: 0.2}"
TMPDIR=$PWD/scratch run "$LRSEARCH" check tiny.yaml --ranks 3
expect_status 0
for text in "stage" "8k" "16k" "32k" "total" "timed on this machine:" "ms a step" "ranks that train one model together, at most (trainer.ranks_per_trial: auto)" "of gradients; ms a step (ranks):" "20 campaigns simulated on made-up loss surfaces, with 2 workers" \
    "half need 9 in 10 need" "the answer's 90 % interval by what is spent" "core-hours" "wall time"; do
    expect_out "$text"
done
[ ! -e logs ] && [ -z "$(ls scratch)" ] || fail "check must leave nothing behind"
for name in trainings tokens FLOPs core-hours "wall time" "target runs"; do
    [ -n "$(amount "$name" 2)" ] && [ "$(amount "$name" 4)" = none ] || fail "no row for $name"
done
half=$(amount trainings 2)
[ "$half" -ge 6 ] || fail "$half trainings are too few for three horizons"

# The interval does not widen as more is spent, and in the end most campaigns have an answer.
sed -n '/interval by what is spent/,$p' out | awk '
    $4 == "x" { if (last && $5 > last * 1.5) bad = 1; last = $5; share = $6; rows++ }
    END { exit !(rows >= 2 && !bad && share >= 50) }' || fail "the interval does not shrink"

# What was timed is about what a training takes (a machine that others use is no clock).
seconds=$(sed -n 's/^timed on this machine:.* a training takes.*, \([0-9.]*\)s$/\1/p' out)
run "$LRSEARCH" train tiny.yaml --lr 1e-2 --tokens 32k --json
cp out trained.json
awk -v a="$seconds" -v b="$(json trained.json seconds)" \
    'BEGIN { exit !(a + .1 > b / 4 && a < 4 * b + .2) }' ||
    fail "$seconds s estimated, $(json trained.json seconds) s taken"

check_grid() # OPTION...: a search that is simulated in no time
{
    run "$LRSEARCH" check tiny.yaml --set search.policy=grid "$@"
}

# A warning for each budget that is too small, and for none that is not.
check_grid --set budget.trials=2 --set budget.tokens=33k --set budget.flops=1e6 \
    --set budget.core_hours=1e-9 --set budget.wall=1000s
expect_status 0
for key in trials tokens flops core_hours; do
    expect_out "warning: budget.$key leaves"
done
[ "$(grep -c '^warning:' out)" -eq 4 ] || fail "a warning about a budget that is large enough"

# In target runs, with a note from a third on; of the transformer in FLOPs.
! grep -q '^note:' out || fail "a note about a search that costs little"
check_grid --set target.tokens=100k --set budget.share_of_target=0.02
expect_status 0
expect_out "warning: budget.share_of_target leaves 0.02 to the search, and half of"
expect_out "note: half of the simulated campaigns cost"
expect_out "of the target run or more; shorter search.horizons or a higher search.min_gain cost less, and budget.share_of_target: 0.2 would end them earlier"
awk -v flops="$(amount FLOPs 2)" -v tokens="$(amount tokens 2)" -v runs="$(amount 'target runs' 2)" '
    BEGIN { sub("k", "", tokens); exit !(flops > 0 && runs > 0 && runs < 0.75 * tokens / 100) }' ||
    fail "the target's model, twice as wide, does not count"
half=$(amount trainings 2)

# A confirmation is told, and what is kept back for it is not there for the search.
check_grid --set confirm.seeds=2 --set budget.trials=$((half + 1))
expect_status 0
expect_out "confirm: 6 trainings of 1M tokens, 6M tokens in all, "
expect_out "warning: budget.trials leaves"

# Made-up surfaces follow from the seed alone.
cat >made.yaml <<'END'
version: 1
name: made
trainer: {kind: simulate}
search: {lr: [5e-4, 1e-1], horizons: [1M, 2M], policy: grid}
target: {tokens: 8M}
END
run "$LRSEARCH" check made.yaml --ranks 3
expect_status 0
cp out first
# What the search assumes of the law, and why; numbers of the user's count as they are.
expect_out "assumption: LR* ~ tokens^-0.10 +- 0.35, because the batch is not known (training.batch_tokens)"
for word in core-hours FLOPs timed; do
    ! grep -q "$word" out || fail "nothing is trained, but $word is told"
done
run "$LRSEARCH" check made.yaml --ranks 3
cmp -s out first || fail "another answer from the same plan"
run "$LRSEARCH" check made.yaml --ranks 3 --set seed=2
! cmp -s out first || fail "another seed draws the same surfaces"
run "$LRSEARCH" check made.yaml --ranks 3 --set budget.trials=1000 --set budget.tokens=1B
expect_status 0
[ "$(grep -c '^warning:' out)" -eq 0 ] || fail "a warning about a budget that is large enough"

# What is kept back for a confirmation: for shorter ones, for none, more than can be kept, enough.
check_confirmed() # OPTION...
{
    run "$LRSEARCH" check made.yaml --set confirm.seeds=2 "$@"
    expect_status 0
}
check_confirmed --set budget.tokens=96M
expect_out "warning: budget.reserve keeps 28.8M of budget.tokens for confirm, which needs 48M: its trainings will be shorter; budget.reserve: 0.50 would do"
check_confirmed --set budget.trials=19
expect_out "warning: budget.reserve keeps 5.7 of budget.trials for confirm, which needs 6: nothing may be confirmed; budget.reserve: 0.32 would do"
check_confirmed --set budget.tokens=48M --set budget.reserve=0.9
expect_out "choose a larger budget.tokens or a smaller confirm.tokens"
check_confirmed --set budget.trials=100 --set budget.tokens=161M
! grep -q "budget.reserve" out || fail "a warning about a reserve that is large enough"

run "$LRSEARCH" check made.yaml --ranks 3 --set training.batch_tokens=16
expect_out "because a batch of 16 tokens is below the best one for these lengths"
run "$LRSEARCH" check made.yaml --ranks 3 --set search.prior_beta=-0.1 --set search.prior_beta_sd=0.05
expect_out "assumption: LR* ~ tokens^0.10 +- 0.05, because the plan says so (search.prior_beta, prior_beta_sd)"

run "$LRSEARCH" check made.yaml --ranks 0
expect_status 2
expect_err "--ranks 0: must be a whole count from 1 to 1000"
run "$LRSEARCH" train made.yaml --ranks 3 --lr 1e-3 --tokens 1M
expect_status 2
expect_err "--ranks"
