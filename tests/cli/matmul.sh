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

# The machine of every start is kept; one kind of CPU gives no warning.
start_of() # START KEY
{
    json logs/pinned/provenance.json starts "$1" "$2"
}
first=$(json logs/pinned/provenance.json starts 0)
run "$LRSEARCH" tiny.yaml --run-dir logs/pinned --set trainer.matmul=ooooooobooooooo \
    --set budget.trials=3
[ "$(json logs/pinned/provenance.json starts 0)" = "$first" ] || fail "another first start"
[ "$(start_of 0 cpu)" = "$(start_of 1 cpu)" ] || fail "another CPU"
[ "$(start_of 1 host)" = "$(uname -n)" ] || fail "another host: $(start_of 1 host)"
grep -q "kinds of CPU" logs/pinned/result.json && fail "a warning about one kind of CPU"

# With other ranks, on another kind of CPU as OpenBLAS sees it.
mpi_environment
OPENBLAS_CORETYPE=Nehalem run_mpi 3 tiny.yaml --run-dir logs/pinned \
    --set trainer.matmul=ooooooobooooooo --set budget.trials=4
[ "$(json logs/pinned/provenance.json starts 0)" = "$first" ] || fail "another first start"
[ "$(start_of 2 ranks)" = 3 ] || fail "ranks: $(start_of 2 ranks)"
start_of 0 mpi | grep -q MPI && fail "MPI without mpirun"
start_of 2 mpi | grep -q "Open MPI" || fail "the MPI of the last start"
start_of 2 blas | grep -q "core Nehalem" || fail "the core of the last start"
grep '"event":"session"' logs/pinned/journal.jsonl | grep -q '"ranks":3,.*core Nehalem' ||
    fail "not in the journal"
warning='the trials ran on 2 kinds of CPU ('
json logs/pinned/result.json warnings | grep -qF "$warning" || fail "no warning about two kinds of CPU"
rm logs/pinned/result.json
run "$LRSEARCH" fit logs/pinned # by the journal alone
expect_said "$warning"
expect_said "OpenBLAS 0."
run "$LRSEARCH" tiny.yaml --run-dir logs/own --set trainer.matmul=own --set budget.trials=2
OPENBLAS_CORETYPE=Nehalem run "$LRSEARCH" tiny.yaml --run-dir logs/own --set trainer.matmul=own \
    --set budget.trials=3
expect_not_said "kinds of CPU" # our own products have the same bits on both

# Where OpenBLAS takes the CPU for one without AVX2, auto leaves it out, and who asks for it is
# told.
OPENBLAS_CORETYPE=Prescott
export OPENBLAS_CORETYPE
run "$LRSEARCH" tiny.yaml --run-dir logs/auto --set budget.trials=2
if ! grep -q '"blas": "own plain;' logs/auto/provenance.json; then
    warning="OPENBLAS_CORETYPE makes OpenBLAS"
    expect_err "trainer.matmul auto does not consider OpenBLAS: $warning"
    expect_err "its kernels for Prescott, without AVX2, though this CPU has avx"
    expect_err ": unset OPENBLAS_CORETYPE, or set it to "
    [ "$(grep -c "not consider OpenBLAS" err)" -eq 1 ] || fail "said more than once"
    json logs/auto/provenance.json matmul | grep -q b && fail "auto took OpenBLAS"
    grep -q 'core Prescott' logs/auto/provenance.json || fail "the core is not recorded"
    loss_of --set trainer.matmul=openblas >/dev/null
    expect_err "warning: matrix products by OpenBLAS are slow here: $warning"
    loss_of --set trainer.matmul=own >/dev/null
    expect_no_err "OpenBLAS"
fi
unset OPENBLAS_CORETYPE

run "$LRSEARCH" check tiny.yaml --set trainer.matmul=mkl
expect_status 65
expect_err 'trainer.matmul=mkl: "mkl" is not known: use auto, own, openblas or onednn'
