#!/bin/sh
# The confirmation of a campaign with axes: each parametrization with its own learning rate and
# ratio, the same on any number of ranks and after a kill; a target that is one of the cells; time
# that runs out.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
mpi_environment

confirmed() # RUN_DIR: parametrization, learning rate and ratio of what was planned to confirm
{
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
             $at["purpose"] == "confirm" { print $at["parametrization"], $at["lr"],
                 $at["embedding_lr_ratio"], $at["d_model"], $at["horizon_tokens"] }' "$1/trials.csv"
}

trials() # RUN_DIR: every column but the wall clock and who trained
{
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "seconds" || $i == "attempt" || $i == "begun_tokens") drop[i] = 1 }
             { for (i in drop) $i = ""; print }' "$1/trials.csv"
}

good() { [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"; }

# After its first line, and in the midst of what it plans, begins and hears: what was lost is
# trained, what is there is kept.
killed_in_confirmation() # RUN_DIR PLAN STATUS
{
    first=$(grep -n '"event":"round".*"purpose":1' "$1/journal.jsonl" | cut -d : -f 1)
    last=$(wc -l <"$1/journal.jsonl")
    trials "$1" >whole.csv
    line=$first
    while [ "$line" -lt "$last" ]; do
        mkdir -p logs/cut
        cp "$1"/plan* logs/cut
        head -n "$line" "$1/journal.jsonl" >logs/cut/journal.jsonl
        run "$LRSEARCH" "$2" --run-dir logs/cut
        expect_status "$3"
        expect_same_result "$1/result.json" logs/cut/result.json
        trials logs/cut >cut.csv
        cmp whole.csv cut.csv || fail "a trial differs after a restart from line $line"
        rm -rf logs/cut
        line=$((line + 3))
    done
}

# ---- made-up losses ----

tiny_plan made.yaml "name: made" "trainer: {kind: simulate}" "data: {val_tokens: 1024}" \
    "training: {batch_tokens: 2Ki}" "simulate: {delta: 0.7, ratio: 8, ratio_curvature: 0.02, noise: 0.002}" \
    "model: {d_model: [64, 128], n_layers: 2, n_heads: 2, context: 64, vocab: 512, parametrization: [sp, mup], base_width: 64, embedding_lr_ratio: [1, 64]}" \
    "search: {lr: [1e-3, 6.4e-2], horizons: [1M, 2M], min_gain: 0.05}" "target: {tokens: 8M, d_model: 256}" "confirm: {tokens: 4M}"
run "$LRSEARCH" made.yaml
good
alone=$status
[ "$(confirmed logs/made | wc -l)" -eq 6 ] || fail "three trainings confirm each parametrization"
[ "$(confirmed logs/made | cut -d ' ' -f 1 | sort | uniq -c | tr -s ' \n' ' ')" = " 3 mup 3 sp " ] ||
    fail "not three of each parametrization"
[ "$(confirmed logs/made | cut -d ' ' -f 3 | sort -u | wc -l)" -eq 2 ] || fail "not a ratio each"
[ "$(confirmed logs/made | cut -d ' ' -f 4,5 | sort -u)" = "256 4000000" ] || fail "not at the target's width"
run_mpi 3 made.yaml --run-dir logs/made3
expect_status "$alone"
expect_same_result logs/made/result.json logs/made3/result.json
trials logs/made >one.csv
trials logs/made3 >three.csv
cmp one.csv three.csv || fail "a made-up trial of 3 ranks differs"
killed_in_confirmation logs/made made.yaml "$alone"

# ---- the transformer, and a target that is one of the cells ----

make_story story.txt
tiny_plan cells.yaml "name: cells" "data: {text: [story.txt], tokenizer: bpe, val_tokens: 2048}" \
    "model: {d_model: [16, 32], n_layers: 1, n_heads: 2, context: 16, vocab: [256, 512], parametrization: [sp, mup], base_width: 16}" \
    "search: {lr: [4e-3, 1.28e-1], horizons: [8k], policy: grid}" \
    "target: {tokens: 32k, d_model: 32, vocab: 512}" "confirm: {}"
run "$LRSEARCH" cells.yaml
good
alone=$status
[ "$(confirmed logs/cells | wc -l)" -eq 6 ] || fail "three trainings confirm each parametrization"
[ "$(sed -n 's/.*"event":"data".*"data_path":"\([^"]*\)".*/\1/p' logs/cells/journal.jsonl | sort -u | wc -l)" -eq 1 ] ||
    fail "the target's data are not those of its cell"
run_mpi 3 cells.yaml --run-dir logs/cells3
expect_status "$alone"
expect_same_result logs/cells/result.json logs/cells3/result.json
trials logs/cells >one.csv
trials logs/cells3 >three.csv
cmp one.csv three.csv || fail "a trial of 3 ranks differs"
first=$(grep -n '"event":"round".*"purpose":1' logs/cells/journal.jsonl | cut -d : -f 1)
mkdir logs/again
cp logs/cells/plan* logs/again
head -n "$((first + 9))" logs/cells/journal.jsonl >logs/again/journal.jsonl
run "$LRSEARCH" cells.yaml --run-dir logs/again
expect_status "$alone"
expect_same_result logs/cells/result.json logs/again/result.json

# ---- time ----

# What the search may not use is there for the confirmation; nothing is begun after the end.
run "$LRSEARCH" cells.yaml --run-dir logs/short --set budget.wall=1s --set budget.reserve=0.9
expect_status 4
expect_said "budget.wall is too small for the"
[ "$(grep -c '"event":"started"' logs/short/journal.jsonl)" -lt "$(grep -c '"event":"planned"' logs/short/journal.jsonl)" ] ||
    fail "a tenth of a second was enough"
run "$LRSEARCH" cells.yaml --run-dir logs/short --set budget.wall=1h
expect_status "$alone"
