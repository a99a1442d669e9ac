#!/bin/sh
# A run in the formats of other programs, and earlier trainings as a prior: what is written, what is
# refused. What TensorBoard's format makes of it is export_readers.sh's matter.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
empty_figures

tiny_plan tiny.yaml "search: {lr: [2e-3, 1.28e-1], horizons: [8k, 16k, 32k], policy: grid}"
run "$LRSEARCH" tiny.yaml -q
first_status=$status
chmod -R a-w logs/tiny
ls -lR --time-style=full-iso logs >before

# ---- export ----
for format in csv sqlite tensorboard; do
    run "$LRSEARCH" export logs/tiny --format $format -o out.$format
    expect_status 0
    expect_out_empty
    expect_err "out.$format: "
done
ls -lR --time-style=full-iso logs >after
cmp -s before after || fail "export changed the run's directory"
cmp -s out.csv/trials.csv logs/tiny/trials.csv || fail "trials.csv is not the run's own"
for curve in logs/tiny/curves/*.csv; do
    id=$(echo "$curve" | sed 's/.*-0*//; s/\.csv//')
    tail -n +2 "$curve" >rows
    sed -n "s/^$id,//p" out.csv/curves.csv | cmp -s - rows || fail "curve $id differs"
done
grep -q '^tiny,identified,' out.csv/answer.csv || [ "$first_status" -ne 0 ] || fail "answer.csv"
expect_file out.sqlite out.tensorboard/trial-0001/events.out.tfevents.0.lrsearch
[ "$(head -c 15 out.sqlite)" = "SQLite format 3" ] || fail "out.sqlite is no database"

refused 2 "--format xml: must be csv, sqlite or tensorboard" export logs/tiny --format xml -o x
refused 2 "--format optuna: contrib/optuna_bridge.py export RUN_DIR STORAGE writes Optuna's studies" \
    export logs/tiny --format optuna -o x
refused 2 "export: name a run's directory, --format and --out" export logs/tiny -o x
mkdir none
cd none || exit 1
refused 2 "export: name a run's directory, --format and --out" export --format csv -o x
cd ..
refused 2 "export: one run's directory is expected" export logs/tiny logs --format csv -o x
refused 73 "out.csv: is there already; name another, or remove it" \
    export logs/tiny --format csv -o out.csv
refused 65 "logs: is no directory of a run" export logs --format csv -o x
refused 73 "/dev/null/x: cannot create it" export logs/tiny --format sqlite -o /dev/null/x
refused 73 "nowhere/x.tmp: cannot create it" export logs/tiny --format sqlite -o nowhere/x

# ---- import: what fit says ----
columns="tokens=horizon_tokens,loss=val_loss"
run "$LRSEARCH" import csv logs/tiny/trials.csv --columns $columns --json
expect_status 0
mv out by_csv
run "$LRSEARCH" fit --table logs/tiny/trials.csv --columns $columns --target-tokens 32k --json
expect_json "$(json by_csv search prior_lr)" out horizons 2 lr_opt

# a plan takes what import prints
run "$LRSEARCH" import csv logs/tiny/trials.csv --columns $columns --where purpose=search
expect_status 0
expect_out "  prior_tokens: 32000"
sed -n 's/^  \(prior_[a-z_]*: .*\)/\1/p' out | tr '\n' ',' >keys
tiny_plan next.yaml "search: {lr: [1e-3, 3e-1], horizons: [4k, 8k], policy: grid, $(sed 's/,$//' keys)}"
run "$LRSEARCH" run next.yaml --run-dir next -q --json
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"

# ---- what is no prior, or no table ----
printf 'tokens,lr,loss\n1e6,1e-3,3\n1e6,2e-3,2.9\n1e6,4e-3,2.7\n' >edge.csv
run "$LRSEARCH" import csv edge.csv
expect_status 3
expect_out_empty
expect_err "edge.csv: there is no prior in these losses: "
run "$LRSEARCH" import csv edge.csv --json
expect_status 3
expect_json "" out search
refused 2 "import: use lrsearch import csv FILE" import
refused 2 "import: use lrsearch import csv FILE" import sqlite out.sqlite
refused 2 "studies of Optuna come by contrib/optuna_bridge.py import STORAGE STUDY -o FILE" \
    import optuna study.log
refused 65 "nowhere: No such file or directory" import csv nowhere
refused 65 "logs/tiny/trials.csv:1: no column nothing, loss; there are" import csv logs/tiny/trials.csv \
    --columns tokens=nothing

# ---- the keys of a plan ----
for case in "prior_lr: 1e-3|say at which: search.prior_tokens" \
    "prior_tokens: 1M|is the horizon of search.prior_lr, which is not there" \
    "prior_lr_sd: 2|is of search.prior_lr, which is not there" \
    "prior_lr: -1, prior_tokens: 1M|search.prior_lr"; do
    tiny_plan bad.yaml "search: {lr: [1e-3, 3e-1], horizons: [8k, 16k], ${case%%|*}}"
    run "$LRSEARCH" check bad.yaml
    expect_status 65
    expect_err "${case#*|}"
done
