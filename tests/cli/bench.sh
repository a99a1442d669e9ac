#!/bin/sh
# lrsearch bench: what it says adds up; wrong words. Speed itself is not tested.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

mkdir scratch
TMPDIR=$PWD/scratch run "$LRSEARCH" bench train --size XS --json
expect_status 0
cp out xs.json
expect_json XS xs.json sizes 0 size
expect_json 141056 xs.json sizes 0 parameters
expect_json 1811939328.0 xs.json sizes 0 flops_per_step # (72 L d^2 + 12 L d T + 6 d V) 2048
# the parts are the whole step, and the peak is one that no step reaches
awk '/"tokens_per_s"/ { rate = $2 } /"step_s":/ { step = $2 } /"share_of_peak"/ { share = $2 }
     /"(linear_.*|attention|head_cross_entropy|elementwise|adamw|data)": [0-9]/ { sum += $2; parts++ }
     END { exit !(parts == 8 && sum > .5 * step && sum < 3 * step && share > 0 && share < 1 &&
                  rate * step > 2047 && rate * step < 2049) }' xs.json || fail "the numbers do not add up"
instructions=$(sed -n 's/.*"blas": "own \([a-z0-9]*\).*/\1/p' xs.json)
expect_json "$instructions" xs.json sizes 0 instructions
expect_json fp32 xs.json sizes 0 precision
expect_json adamw xs.json sizes 0 optimizer
# how OpenBLAS took the CPU
if ! grep -q '"blas": "own plain;' xs.json; then
    expect_json "" xs.json openblas_warning
    # without a place for its tokens nothing is measured
    TMPDIR=$PWD/nowhere OPENBLAS_CORETYPE=Prescott run "$LRSEARCH" bench train
    expect_out "OpenBLAS is not considered: OPENBLAS_CORETYPE makes OpenBLAS 0."
fi
# bf16 is measured by its own peak, if there is one
TMPDIR=$PWD/scratch run "$LRSEARCH" bench train --size XS --precision bf16 --json
expect_status 0
expect_json bf16 out sizes 0 precision
expect_json 141056 out sizes 0 parameters
awk -F '[ ",:]+' -v fp32="$instructions" '
    $2 == "instructions" { found = $3 } $2 == "share_of_peak" { share = $3 } $2 == "matmul" { matmul = $3 }
    END { exit !((found == "amx_bf16" || found == "avx512_bf16" || found == fp32) &&
                 matmul ~ /^(h+|x+)$/ && share > 0 && share < 1) }' out ||
    fail "not the products or the peak of bf16"
# Muon is in the FLOPs: 2 (4 x 6 + 2 x 18) 64^3 x 5 more a step; and it is measured by its name
TMPDIR=$PWD/scratch run "$LRSEARCH" bench train --size XS --optimizer muon --json
expect_status 0
expect_json muon out sizes 0 optimizer
expect_json 1969225728.0 out sizes 0 flops_per_step
grep -q '"muon": [0-9]' out || fail "the update has no time of its own"
TMPDIR=$PWD/scratch run "$LRSEARCH" bench train --size XS --optimizer muon
expect_out "XS fp32 muon "
[ -z "$(ls scratch)" ] || fail "the token file is left behind"

refused() # TEXT ARGUMENT...
{
    text=$1
    shift
    run "$LRSEARCH" bench "$@"
    expect_status 2
    expect_err "$text"
    expect_err_lines 1
    expect_out_empty
}
refused "bench: use lrsearch bench train"
refused "bench: use lrsearch bench train" plan.yaml
refused "--threads 0: must be a whole count" train --threads 0
refused "--precision fp16: must be fp32 or bf16" train --precision fp16
refused "--optimizer sgd: must be adamw or muon" train --optimizer sgd
refused "--lr: has no meaning for lrsearch bench" train --lr 1
refused "--size XXL: must be XS, S, M, L or all" train --size XXL
TMPDIR=$PWD/nowhere run "$LRSEARCH" bench train
expect_status 73
expect_err "nowhere/lrsearch-bench-"
