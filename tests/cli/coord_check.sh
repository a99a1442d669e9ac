#!/bin/sh
# lrsearch coord-check: sp fails, mup and lvp pass; the figure; wrong options.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

for arch in gpt llama; do
    tiny_plan "$arch.yaml" \
        "model: {arch: $arch, d_model: 16, n_layers: 2, head_size: 8, context: 32, vocab: 64}" \
        "search: {lr: [1e-3, 1e-2], horizons: [8k, 16k, 32k]}"
    run "$LRSEARCH" coord-check "$arch.yaml" --set model.parametrization=sp
    expect_status 6
    expect_out "grows"
    expect_out "failed: "
    expect_out "sp is not made for that"
    for kind in mup lvp; do
        run "$LRSEARCH" coord-check "$arch.yaml" --set "model.parametrization=$kind"
        expect_status 0
        expect_out "passed: activations keep their size, and steps their effect, from width 16 to 128"
        grep -q grows out && fail "$kind passes with a layer that grows"
    done
done

# Narrow models overshoot at a high LR, the more so the longer they train: mup must not fail for it.
tiny_plan high.yaml \
    "model: {d_model: 32, n_layers: 2, n_heads: 2, context: 64, vocab: 256, parametrization: mup}"
run "$LRSEARCH" coord-check high.yaml --lr 1e-2
expect_status 0

run "$LRSEARCH" coord-check gpt.yaml --set model.parametrization=sp --json --seeds 2 --steps 3 \
    --widths 16,32,64,128,256 --lr 3e-3
expect_status 6
cp out sp.json
expect_json OFF sp.json passed
expect_json 256 sp.json widths 4
expect_json 0.0030000000000000001 sp.json lr
expect_json "output logits" sp.json layers 9 name
json sp.json layers 9 means 19 >/dev/null || fail "5 widths, the start and 3 steps are 20 means"
expect_json grows sp.json layers 9 start verdict
expect_json "hidden matrices" sp.json gains 1 name
expect_json grows sp.json gains 1 verdict
json sp.json gains 3 nats 4 >/dev/null || fail "4 kinds of tensors have gains at 5 widths"

figure="it's a figure.svg"
run "$LRSEARCH" coord-check gpt.yaml --set model.parametrization=mup --seeds 1 --plot "$figure"
expect_status 0
if command -v gnuplot >/dev/null; then
    grep -q "<svg" "$figure" || fail "no figure"
    [ ! -e "$figure.gp" ] || fail "the script of a drawn figure is left behind"
fi
mkdir bin
PATH=$PWD/bin "$LRSEARCH" coord-check gpt.yaml --seeds 1 --set model.parametrization=mup \
    --plot none.svg >out 2>err
grep -q "none.svg is not drawn: gnuplot is missing" err || fail "a missing gnuplot is passed over"
grep -q "multiplot" none.svg.gp || fail "no script for a figure drawn elsewhere"

refused() # STATUS TEXT ARGUMENT...
{
    wanted=$1
    text=$2
    shift 2
    run "$LRSEARCH" coord-check gpt.yaml "$@"
    expect_status "$wanted"
    expect_err "$text"
    expect_err_lines 1
    expect_out_empty
}
refused 2 "3 different widths tell no slope; give 4 or more" --widths 16,32,64
refused 2 "3 different widths" --widths 16,32,64,64
refused 2 "--widths x: must be widths" --widths 16,x
refused 2 "width 44 does not fit model.head_size 8; give other --widths" --widths 16,32,44,64
refused 2 "--steps 0: must be a whole count from 1 to 1000" --steps 0
refused 2 "--save: has no meaning for lrsearch coord-check" --save x
