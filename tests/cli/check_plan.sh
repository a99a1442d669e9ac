#!/bin/sh
# lrsearch check, and bad plans: every error in one pass, with its place, and exit status 65.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

# Policy grid is simulated in no time; estimate.sh looks at the other one.
tiny_plan tiny.yaml "search: {lr: [1e-3, 3e-1], horizons: [8k, 16k, 32k], policy: grid}"
run "$LRSEARCH" check tiny.yaml
expect_status 0
for text in tiny "stage" "trials" "tokens" "FLOPs" "core-hours" "8k" "16k" "32k" "total"; do
    expect_out "$text"
done
# tau = 256 / (sqrt(1e-3 x 3e-1) x .1 x 8000) and the same at 1M tokens
expect_out "decay_rule constant: the same weight decay at every horizon"
expect_out "  shortest  8k                0.1      18.5 "
expect_out "  target    1M                0.1     0.148 "
expect_out "1.084 (tokens / parameters)^-0.527, arXiv 2505.13738"
! grep -q "optimizer" out || fail "AdamW alone, and its tensors have a column for it"
[ ! -e logs ] || fail "check must leave nothing behind"

# Muon: who trains which tensor; timescale: one tau, at any length.
run "$LRSEARCH" check tiny.yaml --set training.optimizer=muon --set training.decay_rule=timescale \
    --set training.weight_decay=0.02 --set training.muon_momentum=0.9
expect_status 0
expect_out "fp32, muon, policy grid"
grep -q '^hidden  *attn.qkv.* muon$' out || fail "hidden matrices are not Muon's"
grep -q '^embedding .* 0\.3 .* adamw$' out || fail "the embedding is not AdamW's"
grep -q '^output .* 0\.2 .* adamw$' out || fail "the output matrix is not AdamW's"
expect_out "muon's steps are multiplied by sqrt(rows / columns) besides (unit_rms), momentum 0.9"
expect_out "  shortest  8k                2.5     0.739 "
expect_out "  target    1M               0.02     0.739 "

for plan in "$LRSEARCH_SOURCE_DIR"/plans/*.yaml "$LRSEARCH_SOURCE_DIR"/plans/recipes/*.yaml; do
    run "$LRSEARCH" check "$plan" --json # says the plan, and takes no time for estimates
    expect_status 0
done
run "$LRSEARCH" check "$LRSEARCH_SOURCE_DIR/plans/replay.yaml" --set search.policy=grid
expect_status 0
expect_out "replay: replay, nothing is trained"

run "$LRSEARCH" check tiny.yaml --json --set search.seeds=3
expect_status 0
cp out resolved.json
expect_json 3 resolved.json search seeds
expect_json 16 resolved.json model d_model

cat >five.yaml <<'END'
version: 1
name: five
trainer: {kind: transformer}
model:
  arch: gpt
  d_modell: 16
  n_layers: many
  n_layers: 2
  n_heads: 2
  context: 16
  vocab: 64
data: {source: synthetic}
training: {batch_tokens: 256, clip: -1}
search: {lr: [1e-3, 1e-1], horizons: [8k, 16k, 32k]}
END
five_errors()
{
    expect_status 65
    expect_err "five.yaml:6:3: model.d_modell: unknown key (did you mean d_model?)"
    expect_err "five.yaml:7:13: model.n_layers:"
    expect_err "five.yaml:8:3: model.n_layers: "
    expect_err "five.yaml:13:37: training.clip:"
    expect_err "target"
    expect_out_empty
    [ ! -e logs ] || fail "a bad plan must leave nothing behind"
}
run "$LRSEARCH" check five.yaml
five_errors
expect_err_lines 5
cp err err.check
run "$LRSEARCH" five.yaml
five_errors
cmp -s err err.check || fail "run and check report a bad plan differently"

run "$LRSEARCH" check nowhere.yaml
expect_status 65
expect_err "nowhere.yaml"
run "$LRSEARCH" check .
expect_status 65
run "$LRSEARCH" check tiny.yaml --set model.d_modell=32
expect_status 65
expect_err "did you mean d_model?"
printf 'version: 1\nname: \377\376\n' >bytes.yaml
run "$LRSEARCH" check bytes.yaml
expect_status 65
: >empty.yaml
run "$LRSEARCH" check empty.yaml
expect_status 65

# Under mpirun a bad plan ends all ranks, and is reported once, though rank 0 begins last.
mpi_environment
cat >late.sh <<END
#!/bin/sh
[ "\$OMPI_COMM_WORLD_RANK" -gt 0 ] || sleep 0.5
exec "$LRSEARCH" "\$@"
END
chmod +x late.sh
LRSEARCH=$work/late.sh run_mpi 3 five.yaml
five_errors
[ "$(grep -c 'd_modell' err)" -eq 1 ] || fail "the ranks repeat the errors"
