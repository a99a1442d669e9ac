#!/bin/sh
# Campaigns with axes: what check says of their cells; on real text of two vocabularies, one process
# and three ranks train the same, and restarts and forks find each vocabulary's data again; tables
# and made-up losses of several models.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
mpi_environment
empty_figures

make_story story.txt
tiny_plan axes.yaml "name: axes" "data: {text: [story.txt], tokenizer: bpe, val_tokens: 1024}" \
    "model: {d_model: [16, 32], n_layers: 1, n_heads: 2, context: 16, vocab: [256, 512]}" \
    "search: {lr: [2e-3, 8e-3], horizons: [8k], policy: grid}" \
    "target: {tokens: 1M, d_model: 64}"

# ---- check ----

run "$LRSEARCH" check axes.yaml
expect_status 0
expect_out "   0  d_model 16, vocab 256"
expect_out "   3  d_model 32, vocab 512"
expect_out "  8k      12      12       96k" # 4 cells, 3 LRs
run "$LRSEARCH" check axes.yaml --json --set 'model.n_layers=[1, 2]' --set 'search.seeds=[3, 9]'
expect_status 0
cp out resolved.json
expect_json 32 resolved.json model d_model 1
expect_json 2 resolved.json model n_layers 1
expect_json 9 resolved.json search seeds 1
run "$LRSEARCH" axes.yaml --set 'model.d_model=[16, 17, 16]'
expect_status 65
expect_err "--set model.d_model=[16, 17, 16]: 16 is there twice; leave one out"
run "$LRSEARCH" axes.yaml --set 'model.d_model=[16, 17]'
expect_status 65
expect_err "--set model.d_model=[16, 17]: 17 is not a multiple of model.n_heads 2; use 18"

# ---- text of two vocabularies ----

trials() # RUN_DIR: every column but the wall clock and where the data lie
{
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "seconds" || $i == "data_path" || $i == "rank" || $i == "host" || $i == "attempt" || $i == "begun_tokens") drop[i] = 1 }
             { for (i in drop) $i = ""; print }' "$1/trials.csv"
}

good() { [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"; }

run "$LRSEARCH" axes.yaml
good
alone=$status
expect_err "data, vocabulary of 256: "
expect_err "data, vocabulary of 512: "
expect_no_err "(cached)"
[ "$(grep -c '"event":"data"' logs/axes/journal.jsonl)" -eq 2 ] || fail "cells 2 and 3 need a data event each"
[ "$(ls logs/cache/*.json | grep -vc products)" -eq 2 ] || fail "not one dataset a vocabulary"
[ "$(grep -c '"event":"planned"' logs/axes/journal.jsonl)" -eq 12 ] || fail "not 12 trials"
expect_json 64 logs/axes/result.json target width
trials logs/axes >alone.csv
expect_file alone.csv

run_mpi 3 axes.yaml --run-dir logs/np3
expect_status "$alone"
expect_err "(cached)"
expect_same_answer logs/axes/result.json logs/np3/result.json
trials logs/np3 >np3.csv
cmp alone.csv np3.csv || fail "a trial of 3 ranks differs"

# Killed after the first events, and in the midst of the round.
for lines in 1 2 10; do
    mkdir -p logs/cut
    cp logs/axes/plan* logs/cut
    head -n "$lines" logs/axes/journal.jsonl >logs/cut/journal.jsonl
    run "$LRSEARCH" axes.yaml --run-dir logs/cut
    expect_status "$alone"
    expect_same_answer logs/axes/result.json logs/cut/result.json
    trials logs/cut >cut.csv
    cmp alone.csv cut.csv || fail "a trial differs after a restart from line $lines"
    [ "$(grep -c '"event":"data"' logs/cut/journal.jsonl)" -eq 2 ] || fail "data events after line $lines"
    rm -rf logs/cut
done

third=$(grep -n '"event":"ended"' logs/axes/journal.jsonl | sed -n '3s/:.*//p')
# Killed after three trials, and moved elsewhere, with a cache of its own: each vocabulary is found
# there.
mkdir -p moved/axes
cp logs/axes/plan* moved/axes
head -n "$third" logs/axes/journal.jsonl >moved/axes/journal.jsonl
mv logs/cache logs/cache.away
run "$LRSEARCH" axes.yaml --run-dir moved/axes
expect_status "$alone"
expect_same_answer logs/axes/result.json moved/axes/result.json
trials moved/axes >moved.csv
cmp alone.csv moved.csv || fail "a trial differs after a restart from line $third"
[ "$(grep -c '"event":"data"' moved/axes/journal.jsonl)" -eq 2 ] || fail "data events after line $third"
mv logs/cache.away logs/cache

# A fork takes over the trainings of both vocabularies.
run "$LRSEARCH" axes.yaml --set target.tokens=2M --set model.n_layers=1 --fork longer
expect_status "$alone"
expect_json "$(json logs/axes/result.json cost tokens)" logs/longer/result.json cost reused_tokens

# One of the vocabularies' data changes: not mixed.
mkdir -p logs/changed
cp logs/axes/plan* logs/changed
head -n "$third" logs/axes/journal.jsonl | sed '/"event":"data","cell":3/d' >logs/changed/journal.jsonl
run "$LRSEARCH" axes.yaml --run-dir logs/changed
expect_status 65
expect_err "logs/changed: the training data have changed since this campaign began"

run "$LRSEARCH" axes.yaml --run-dir logs/short --set 'search.horizons=[8k, 1M]'
expect_status 65
expect_err "data.text, vocabulary of 256: search.horizons: the longest, 1M tokens, is more than the text gives"

# ---- tables ----

awk 'BEGIN {
    print "bs,width,steps_tokens,lr,loss"
    for (b = 64; b <= 256; b *= 2)
        for (d = 1; d <= 4; d *= 2)
            for (i = 0; i < 8; i++) {
                t = i - 3.5 - log(b / 128) / log(2) / 2 + log(d) / log(2) / 4
                printf "%d,w%d,%d,%.6g,%.6f\n", b, 1, d * 1000000, 0.001 * 2 ^ i, 3 - d / 10 + 0.03 * t * t
            }
}' >table.csv
tiny_plan table.yaml "name: table" "model: {arch: gpt}" "data: {val_tokens: 1024}" \
    "trainer: {kind: replay, table: table.csv, where: {width: w1}, columns: {tokens: steps_tokens, batch_tokens: bs}}" \
    "training: {batch_tokens: [64, 128, 256]}" \
    "search: {lr: [1e-3, 1.28e-1], horizons: [1M, 2M, 4M], policy: grid}" "target: {tokens: 8M}"
run "$LRSEARCH" table.yaml
good
expect_err "table: 24 trainings of batch_tokens 256"
[ "$(grep -c '"event":"data"' logs/table/journal.jsonl)" -eq 2 ] || fail "not one table a cell"
# 3 horizons, 8 LRs, each batch with its own losses: 1.28e-1 at 1M tokens
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
         $at["horizon_tokens"] == 1000000 && $at["lr"] > 0.127 {
             printf "%d %.4f\n", $at["batch_tokens"], $at["val_loss"] }' logs/table/trials.csv | sort -n >seen
printf '64 3.3800\n128 3.2675\n256 3.1700\n' | diff - seen || fail "a batch sees the losses of another"
run "$LRSEARCH" check table.yaml --set 'training.batch_tokens=[64, 512]'
expect_status 65
expect_err "no row is left where width is w1 and bs is 512; column bs has: 64, 128, 256"
run "$LRSEARCH" check table.yaml --set 'search.horizons=[1M, 3M]'
expect_status 65
expect_err "batch_tokens 64: search.horizons: the table has no trainings on 3000000 tokens, only on"

# ---- made-up losses ----

tiny_plan made.yaml "name: made" "trainer: {kind: simulate}" "training: {batch_tokens: 2Ki}" \
    "data: {val_tokens: 1024}" "simulate: {delta: 0.7, misfit: 0.1}" \
    "model: {d_model: [64, 128], n_layers: 2, n_heads: 2, context: 64, vocab: [512, 2048], parametrization: [sp, mup]}" \
    "search: {lr: [1e-3, 1.6e-2], horizons: [1M, 2M], policy: grid}" "target: {tokens: 8M}"
run "$LRSEARCH" made.yaml
good
alone=$status
[ "$(grep -c '"event":"data"' logs/made/journal.jsonl)" -eq 0 ] || fail "made-up losses need no data"
run_mpi 3 made.yaml --run-dir logs/made3
expect_status "$alone"
expect_same_result logs/made/result.json logs/made3/result.json
trials logs/made >made.csv
trials logs/made3 >made3.csv
cmp made.csv made3.csv || fail "a made-up trial of 3 ranks differs"
