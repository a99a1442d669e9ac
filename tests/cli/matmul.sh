#!/bin/sh
# Who multiplies: measured once and kept, pinned by name or by letters, refused when not known.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

tiny_plan tiny.yaml "trainer: {matmul: auto}" \
    "model: {d_model: 32, n_layers: 1, n_heads: 2, context: 32, vocab: 64}" \
    "training: {batch_tokens: 512}"
loss_of() # ARGUMENT...
{
    run "$LRSEARCH" train tiny.yaml --lr 3e-3 --tokens 16k --json "$@"
    expect_status 0
    cp out loss.json
    json loss.json val_loss
}

# Measured, and the second time not again: the same bits whatever the clock says.
first=$(loss_of)
[ -s logs/cache/products.json ] || fail "the choice is not kept"
cp logs/cache/products.json kept.json
second=$(loss_of)
cmp -s kept.json logs/cache/products.json || fail "measured anew"
[ "$first" = "$second" ] || fail "another loss: $first, $second"

# What is kept is what is used, and what cannot be used is measured anew.
sed 's/: "[odb]*"/: "bbbbbbbbbbbbbbb"/' kept.json >logs/cache/products.json
openblas=$(loss_of)
[ "$openblas" = "$(loss_of --set trainer.matmul=openblas)" ] || fail "the kept choice is not used"
[ "$openblas" = "$(loss_of --set trainer.matmul=bbbbbbbbbbbbbbb)" ] || fail "letters are not names"
echo "no json" >logs/cache/products.json
loss_of >/dev/null
grep -q '"[odb]\{15\}"' logs/cache/products.json || fail "a damaged cache stays damaged"

# A campaign says who multiplied, and a restart keeps to it.
run "$LRSEARCH" tiny.yaml --run-dir logs/pinned --set trainer.matmul=ooooooobooooooo \
    --set budget.trials=2
expect_json ooooooobooooooo logs/pinned/provenance.json matmul
expect_json "own; openblas: mlp.fc d_in" logs/pinned/provenance.json matmul_by
grep -q '"products":"ooooooobooooooo"' logs/pinned/journal.jsonl || fail "not in the journal"

run "$LRSEARCH" check tiny.yaml --set trainer.matmul=mkl
expect_status 65
expect_err 'trainer.matmul=mkl: "mkl" is not known: use auto, own, openblas or onednn'
