#!/bin/sh
# training.precision: bf16 learns what fp32 learns, is a trial of its own everywhere, and says so.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
empty_figures

# 200 steps on text: the losses differ, by less than .5 %; threads do not show.
make_story story.txt
tiny_plan text.yaml "data: {text: [story.txt], tokenizer: bytes, val_tokens: 8Ki}" \
    "model: {arch: gpt, d_model: 64, n_layers: 2, n_heads: 2, context: 128, vocab: 256}" \
    "training: {batch_tokens: 512}" "search: {lr: [1e-3, 3e-1], horizons: [100Ki]}" \
    "trainer: {matmul: auto}"
loss_in() # PRECISION ARGUMENT...
{
    precision=$1
    shift
    run "$LRSEARCH" train text.yaml --lr 4e-3 --tokens 100Ki --json \
        --set "training.precision=$precision" "$@"
    expect_status 0
    cp out loss.json
    json loss.json val_loss
}
export OMP_WAIT_POLICY=passive # waiting must not take the only core
fp32=$(loss_in fp32)
bf16=$(loss_in bf16 --save bf16.safetensors)
echo "$fp32 $bf16" | awk '{ off = $2 / $1 - 1; exit !(off != 0 && off < .005 && off > -.005) }' ||
    fail "loss $bf16 in bf16, $fp32 in fp32"
[ "$bf16" = "$(loss_in bf16 --set trainer.threads_per_worker=2)" ] || fail "threads change the loss"

# Going on in another precision is said.
run "$LRSEARCH" train text.yaml --lr 4e-3 --tokens 110Ki --init bf16.safetensors
expect_status 0
expect_err "was saved with another horizon_tokens (102400 -> 112640), precision (1 -> 0)"

# What a plan costs is that of its precision.
run "$LRSEARCH" check text.yaml --set training.precision=bf16 --set search.policy=grid
expect_status 0
expect_said "parameters, bf16, policy"
expect_said "ms a step in bf16"
run "$LRSEARCH" check text.yaml --set training.precision=bf16 --set trainer.matmul=openblas
expect_status 65
expect_err "trainer.matmul=openblas: openblas does not multiply in training.precision bf16"

grep -q amx_bf16 /proc/cpuinfo || {
    run "$LRSEARCH" train text.yaml --lr 4e-3 --tokens 100Ki --set training.precision=bf16 \
        --set trainer.matmul=bf16-amx
    expect_status 65
    expect_err "trainer.matmul: bf16-amx: this CPU has no AMX for bf16; use bf16, whose bits every CPU has"
}

# A campaign: in its provenance and its tables; another precision is another campaign, and its
# losses do not count in a fork.
tiny_plan tiny.yaml "training: {batch_tokens: 256, precision: bf16}" "trainer: {matmul: bf16}" \
    "search: {lr: [1e-2, 1e-1], horizons: [8k], policy: grid}"
run "$LRSEARCH" tiny.yaml --run-dir logs/bf16
expect_json bf16 logs/bf16/provenance.json matmul_by
grep -q '"products":"hhhhhhhhhhhhhhh"' logs/bf16/journal.jsonl || fail "not in the journal"
head -1 logs/bf16/trials.csv | grep -q ',precision,' || fail "no column precision"
grep -q ',bf16,' logs/bf16/trials.csv || fail "no precision in trials.csv"
fp32_of="--set training.precision=fp32 --set trainer.matmul=own"
# shellcheck disable=SC2086 # words
run "$LRSEARCH" tiny.yaml --run-dir logs/bf16 $fp32_of
expect_status 65
expect_err 'training.precision ("bf16" -> "fp32")'
# shellcheck disable=SC2086
run "$LRSEARCH" tiny.yaml --run-dir logs/bf16 $fp32_of --fork fp32
expect_json 0 logs/fp32/result.json cost reused_tokens
expect_json own logs/fp32/provenance.json matmul_by
run "$LRSEARCH" tiny.yaml --run-dir logs/fp32 --fork again
expect_json 0 logs/again/result.json cost reused_tokens
expect_json bf16 logs/again/provenance.json matmul_by
expect_same_answer logs/bf16/result.json logs/again/result.json
