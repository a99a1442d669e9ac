#!/bin/sh
# plans/proof.sh on made-up losses, whose best LR is known: the sweep finds it, is widened where the
# prediction is far off, and goes on; options that are wrong are told. cli_proof_small trains.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
command -v python3 >/dev/null || skip "no python3"
proof=$LRSEARCH_SOURCE_DIR/plans/proof.sh
limit_s=300 # several campaigns each, on a busy machine

# ---- bad options ----

bad() # TEXT ARGUMENT...
{
    text=$1
    shift
    run "$proof" "$@"
    expect_status 2
    expect_err "proof.sh: $text (usage: plans/proof.sh"
    expect_err_lines 1
    expect_out_empty
}
bad "--wide: unknown option" --wide
bad "'sgd': unknown trainer" sgd
bad "'muon': one trainer at a time" adamw muon
bad "--dir: needs a folder" --dir
bad "--dir: needs a folder" --dir ""
: >file
run "$proof" --dir "$work/file"
[ "$status" -eq 73 ] || fail "exit status $status for a folder that cannot be made"
run "$proof" --small --dir runs -- --set search.seds=1 # lrsearch's own message
expect_status 65
expect_err "did you mean seeds?"
expect_err "proof.sh: search ended with exit status 65"
mkdir no_torch
printf '#!/bin/sh\nexit 1\n' >no_torch/python3
chmod +x no_torch/python3
run env PATH="$work/no_torch:$PATH" "$proof" command --dir runs
expect_status 69
expect_err "install python3-torch"

# ---- what it finds ----

measured() # TABLE: "LR LOW HIGH"
{
    sed -n 's/^| \*\*measured at the target\*\* | \*\*\([0-9.e-]*\) (\([0-9.e-]*\) \.\. \([0-9.e-]*\)).*/\1 \2 \3/p' "$1"
}
# At 2Mi tokens the best LR is 8e-3 * 2.097^-.3 = 6.4e-3.
made_up="--set trainer.kind=simulate --set simulate.asymmetry=0 --set search.lr=[5e-4,1e-1]"
folder="it's \$(a) folder"
# shellcheck disable=SC2086 # words
run "$proof" --small --dir "$folder" -- -q $made_up
expect_status 0
expect_file "$folder/adamw/table.md" "$folder/adamw/horizons.dat" "$folder/adamw/law.dat"
blocks=$(awk 'NF == 0 && was { n++ } { was = NF } END { print n + 0 }' "$folder/adamw/basins.dat")
[ "$blocks" -eq 4 ] || fail "$blocks lengths in the figure, not three short ones and the target"
cmp -s "$folder/adamw/table.md" out || grep -q '^figure: \|^no gnuplot' out || fail "the table is not shown"
expect_out "Target: 2,097,152 tokens, 16 times"
measured "$folder/adamw/table.md" | awk '
    { seen = 1; exit !($1 > 6.4e-3 / 1.1 && $1 < 6.4e-3 * 1.1 && $2 < 6.4e-3 && $3 > 6.4e-3) }
    END { if (!seen) exit 1 }' || fail "the sweep does not find 6.4e-3: $(cat "$folder/adamw/table.md")"
for text in "| predicted | " "kept" "Bjorck 2024, as published" "Step Law 2025, times the root of the batch"; do
    expect_out "$text"
done
[ "$(grep -c '^[^|]*| [0-9.e-]* | [0-9.]* | [0-9.]* [0-9.]* |$' out)" -ge 5 ] || fail "fewer than five LRs of two seeds"
if command -v gnuplot >/dev/null 2>&1; then
    expect_file "$folder/adamw/proof.svg"
    expect_no_err "warning:" # of gnuplot
fi

# Again: nothing is trained, the same table.
cp "$folder/adamw/table.md" first.md
cat "$folder"/adamw/*/journal.jsonl >first.jsonl
# shellcheck disable=SC2086
run "$proof" adamw --small --dir "$work/$folder" -- -q $made_up
expect_status 0
cmp "$folder/adamw/table.md" first.md || fail "another table"
cat "$folder"/adamw/*/journal.jsonl | cmp - first.jsonl || fail "something was trained again"

# The search predicts by a wrong assumption, two octaves too low: the sweep is widened upward.
# shellcheck disable=SC2086
run "$proof" --small --dir wide -- -q $made_up --set search.horizons=[32Ki] --set budget.trials=6 \
    --set search.prior_beta=0.9 --set search.prior_beta_sd=0.01
expect_status 0
[ -d wide/adamw/sweep-3 ] || fail "the sweep was not widened: $(cat out)"
measured wide/adamw/table.md | awk '{ seen = 1; exit !($1 > 6.4e-3 / 1.15 && $1 < 6.4e-3 * 1.15) }
    END { if (!seen) exit 1 }' || fail "the widened sweep does not find 6.4e-3: $(cat out)"

# Only the shortest horizon was trained, at the end of the range; and a figure of the target alone.
# shellcheck disable=SC2086
run "$proof" --small --dir edge -- -q $made_up --set 'search.lr=[4e-4,1.6e-3]'
expect_status 0
expect_out "64 times the longest short training"
measured edge/adamw/table.md | awk '{ seen = 1; exit !($1 > 6.4e-3 / 1.15 && $1 < 6.4e-3 * 1.15) }
    END { if (!seen) exit 1 }' || fail "the sweep does not find 6.4e-3: $(cat out)"
if command -v gnuplot >/dev/null 2>&1; then
    sed -n "/^gnuplot <<'END'/,/^END/{/END/!p;}" "$proof" >edge/adamw/figure.gp
    cd edge/adamw || fail "no edge/adamw"
    : >law.dat
    : >horizons.dat
    awk 'BEGIN { RS = "\n\n\n" } NR == 2' basins.dat >basins.new && mv basins.new basins.dat
    sed -i "s/^lengths = .*/lengths = 1/; s/^names = .*/names = '2.1M'/" marks.gp
    run gnuplot figure.gp
    cd "$work" || fail "no $work"
    expect_status 0
fi

# ---- the quick start ----

# Seven LRs around 2e-3 with three seeds each, whatever the prediction; the best at 2Mi tokens is
# 2.5e-3 * 2.097^-.3 = 2e-3.
# shellcheck disable=SC2086
run "$proof" quickstart --small --dir quick -- -q $made_up --set simulate.lr=2.5e-3
expect_status 0
grep -q '"wall": null' quick/quickstart/sweep-1/plan.resolved.json || fail "the sweep has the budget of the search"
[ "$(grep -c '^| [0-9.e-]* | [0-9.]* | [0-9.]* [0-9.]* [0-9.]* |$' out)" -ge 7 ] || fail "fewer than seven LRs of three seeds"
for lr in 7.07e-4 1.00e-3 1.41e-3 2.00e-3 2.83e-3 4.00e-3 5.66e-3; do
    expect_out "| $lr | "
done
measured quick/quickstart/table.md | awk '
    { seen = 1; exit !($1 > 2e-3 / 1.1 && $1 < 2e-3 * 1.1) }
    END { if (!seen) exit 1 }' || fail "the sweep does not find 2e-3: $(cat out)"
