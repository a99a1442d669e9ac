#!/bin/sh
# A campaign whose trials are trained by groups of four ranks: the losses are those of one process,
# bit for bit, also if a member is killed in the middle, whose trial begins once more.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
mpi_environment
empty_figures
limit_s=280

# Every column of every trial that does not tell how the run went; rows in the order of their ids.
trials() # RUN_DIR
{
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++)
                 if ($i ~ /^(seconds|attempts?|ranks|begun_tokens|lost.*)$/) skip[i] = 1 }
             { for (i in skip) $i = ""; print }' "$1/trials.csv"
}

tiny_plan groups.yaml "name: groups" "trainer: {kind: transformer, matmul: own, ranks_per_trial: 4}" \
    "model: {arch: gpt, d_model: 32, n_layers: 2, n_heads: 2, context: 128, vocab: 512}" \
    "training: {batch_tokens: 2048}" \
    "search: {lr: [1e-3, 4e-3], horizons: [32k, 64k], policy: grid, resolution: 2}"
run "$LRSEARCH" groups.yaml --run-dir logs/one
whole_status=$status
trials logs/one >one.csv
[ "$(wc -l <one.csv)" -gt 5 ] || fail "no trials to compare"

run_mpi 5 groups.yaml --run-dir logs/five
expect_status "$whole_status"
trials logs/five >five.csv
cmp one.csv five.csv || fail "a trial of four ranks differs"
grep -q '"members":"[0-9]*,[0-9]*,[0-9]*,[0-9]*"' logs/five/journal.jsonl || fail "no group of four ranks"

# shellcheck disable=SC2046 # words
start $(mpi_command 5) "$LRSEARCH" groups.yaml --run-dir logs/killed
wait_for_events logs/killed/journal.jsonl ended 1 120
kill -KILL "$(rank_pid "$pid" 3)" || fail "the member ended before it was killed"
wait_gone "$pid" 240 || fail "mpirun did not end"
run_mpi 2 groups.yaml --run-dir logs/killed # finished: it answers at once
expect_status "$whole_status"
trials logs/killed >killed.csv
cmp one.csv killed.csv || fail "a trial differs after the death of a member"
