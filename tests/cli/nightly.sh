#!/bin/sh
# Night after night: the baseline and the drift from it, the history of the runs and what becomes of
# it when it is lost or damaged, two runs side by side, and the summary line.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
drawing_path=$PATH
empty_figures

cat >night.yaml <<'END'
version: 1
name: night
trainer: {kind: simulate}
simulate: {noise: 0.001}
search: {lr: [1e-3, 6.4e-2], horizons: [1M, 2M], resolution: 0.5}
target: {tokens: 16M}
baseline: previous
END
night() # RUN [OPTION...]
{
    name=$1
    shift
    run "$LRSEARCH" night.yaml --run-dir "logs/$name" "$@"
}
summary() # the JSON of the last line on stderr, into summary.json
{
    tail -n 1 err | sed -n 's/^lrsearch: summary //p' >summary.json
    [ -s summary.json ] || fail "the last line on stderr is no summary"
}

# ---- nights that agree, and one that does not ----

night n1
expect_status 0
expect_err "baseline: there is no earlier run of night in $work/logs/history.db: nothing is compared"
expect_out "not compared: there is no earlier run of night"
summary
expect_json "" summary.json drift
expect_json night summary.json name
expect_json 0 summary.json exit
expect_json logs/n1 summary.json run_dir

night n2 -q
expect_status 0
expect_err_lines 1 # the summary
summary
expect_json 1.0 summary.json drift lr
expect_json OFF summary.json drift beyond
expect_json "$work/logs/n1" logs/n2/result.json baseline run_dir
expect_json OFF logs/n2/result.json baseline drift lr beyond
cp logs/n2/result.json n2.json

night n3 --set simulate.lr=2.4e-2 --json
expect_status 7
expect_json "$work/logs/n2" out baseline run_dir
expect_json ON out baseline drift lr beyond
expect_json identified out status
! grep -q summary out || fail "the summary line is on stdout"
summary
expect_json 7 summary.json exit
expect_json ON summary.json drift beyond
night n3 --set simulate.lr=2.4e-2 # again: the same verdict
expect_status 7
expect_out "; beyond"
tr -s '\n ' ' ' <out | grep -q "the learning rate has moved from that of the baseline, $work/logs/n2, by more than tolerance.lr, a factor of 1.5" ||
    fail "no warning tells of the drift"

# A night that is given again is compared with the one before it, not with a later one; tolerances
# may change.
night n2
expect_status 0
cmp -s logs/n2/result.json n2.json || fail "another verdict, later"
night n3 --set simulate.lr=2.4e-2 --set tolerance.lr=9
expect_status 0
night n3 --set simulate.lr=2.4e-2 --set tolerance.lr=none --set tolerance.loss=none
expect_status 0
night n3 --set simulate.lr=2.4e-2 --set baseline=none
expect_status 0
expect_json "" logs/n3/result.json baseline
night n3 --set simulate.lr=2.4e-2
expect_status 7

# ---- a baseline by its folder ----

run "$LRSEARCH" night.yaml --run-dir logs/named --set baseline=logs/n1 --set simulate.lr=2.4e-2 --set name=named
expect_status 7
expect_json "$work/logs/n1" logs/named/result.json baseline run_dir
run "$LRSEARCH" night.yaml --run-dir logs/slash --set baseline=logs/n1/ --set name=slash -q
expect_status 0
run "$LRSEARCH" history --name slash --json
expect_json n1 out runs 0 baseline
refused() # TEXT BASELINE
{
    run "$LRSEARCH" night.yaml --run-dir logs/bad --set "baseline=$2"
    expect_status 65
    expect_err "$1"
    summary
    expect_json failed summary.json status
    [ ! -e logs/bad ] || fail "something was begun"
}
refused "error: baseline: $work/logs/none: is no directory of a run" logs/none
mkdir logs/part && cp logs/n1/plan.resolved.json logs/part && head -n 5 logs/n1/journal.jsonl >logs/part/journal.jsonl
refused "error: baseline: $work/logs/part: that run is not finished; finish it, or name another" logs/part
run "$LRSEARCH" check night.yaml --set 'baseline=~/n1'
expect_status 65
expect_err "baseline=~/n1: ~ is not expanded"
sed '/^baseline/d' night.yaml >bare.yaml
run "$LRSEARCH" check bare.yaml --set tolerance.lr=2
expect_status 65
expect_err "tolerance.lr=2: there is no baseline that this could be measured from; add baseline: previous, or leave it out"
run "$LRSEARCH" check night.yaml --set tolerance.lr=1
expect_status 65
expect_err "tolerance.lr=1: "

# ---- what cannot be compared ----

night far --set target.tokens=64M --set name=far --set baseline=logs/n1
expect_status 0
tr -s '\n ' ' ' <out | grep -qF "LR at the target not compared: other target.tokens (16000000 -> 64000000)" ||
    fail "the targets are compared"
expect_out "loss at 1M tokens"
tiny_plan tiny.yaml "search: {lr: [1e-3, 3e-1], horizons: [4k, 8k], policy: grid, resolution: 2}" \
    "baseline: logs/n1"
run "$LRSEARCH" tiny.yaml
tr -s '\n ' ' ' <out | grep -qF "loss not compared: other trainer.kind (simulate -> transformer)" ||
    fail "the trainers are compared"
run "$LRSEARCH" compare logs/n1 logs/tiny --lr-factor 1.01 --loss 0.001
expect_status 0
expect_out "loss not compared: other trainer.kind (simulate -> transformer)"

# ---- compare ----

run "$LRSEARCH" compare logs/n1 logs/n3
expect_status 0
expect_out "simulate.lr (0.008 -> 0.024)"
run "$LRSEARCH" compare logs/n1 logs/n3 --lr-factor 1.5 --json
expect_status 7
expect_json ON out drift lr beyond
expect_json identified out a status
run "$LRSEARCH" compare logs/n1 logs/n2 --lr-factor 1.5 --loss 0.02
expect_status 0
expect_out "the same"
run "$LRSEARCH" compare logs/n1 logs/part
expect_status 0
expect_err "logs/part: is not finished"
run "$LRSEARCH" compare logs/n1
expect_status 2
expect_err "compare: name two runs' directories, the earlier one first"
run "$LRSEARCH" compare logs/n1 logs/none
expect_status 65
expect_err "logs/none: is no directory of a run"
run "$LRSEARCH" compare logs/n1 night.yaml
expect_status 65
expect_err "night.yaml: is no directory of a run"
rm -r logs/part

# ---- history ----

run "$LRSEARCH" history
expect_status 0
[ "$(grep -c identified out)" -ge 5 ] || fail "runs are missing"
grep 'n3 .*BEYOND' out >/dev/null || fail "n3 did not drift"
run "$LRSEARCH" history logs --name night --json
expect_status 0
cp out written.json
expect_json n2 written.json runs 2 baseline
expect_json ON written.json runs 2 drifted
run "$LRSEARCH" history --name nobody
expect_status 0
expect_err "no run is named nobody"
run env PATH="$drawing_path" "$LRSEARCH" history --name night --plot nights.svg
expect_status 0
[ -s nights.svg ] || [ -s nights.svg.gp ] || fail "nothing was drawn"

same_when_rebuilt()
{
    run "$LRSEARCH" history --rebuild --json
    expect_status 0
    cmp -s out all.json || fail "another history: $(diff out all.json)"
}
run "$LRSEARCH" history --json
cp out all.json
rm logs/history.db
run "$LRSEARCH" history
expect_status 65
expect_err "logs/history.db: there is none"
same_when_rebuilt
same_when_rebuilt # and where nothing was lost
echo "this is no database, but it is long enough to look like one" >logs/history.db
run "$LRSEARCH" history
expect_status 74
expect_err "logs/history.db: is damaged"
night n2 # its answer is whole; that it was not compared, and cannot be later, is in the exit status
expect_status 74
expect_err "error: baseline: nothing is compared: $work/logs/history.db: is damaged"
expect_err "error: the run is not in the history: $work/logs/history.db: is damaged"
expect_said "not compared: $work/logs/history.db: is damaged"
summary
expect_json identified summary.json status
expect_json 74 summary.json exit
expect_json identified logs/n2/result.json status
night n2 --set baseline=none # nobody asked for a comparison
expect_status 0
expect_err "warning: the run is not in the history: $work/logs/history.db: is damaged"
same_when_rebuilt
expect_file logs/history.db.damaged
mv logs/history.db kept.db
mkdir logs/history.db
night n2
expect_status 74
expect_err "error: the run is not in the history: $work/logs/history.db: is no regular file"
night n2 --set baseline=logs/n1 # compared, but the next night will not find it
expect_status 74
expect_json OFF logs/n2/result.json baseline drift lr beyond
night edge --set 'search.lr=[1e-3, 4e-3]'
expect_status 74
expect_json not_identified logs/edge/result.json status
rm -r logs/edge
night n3 --set simulate.lr=2.4e-2 --set baseline=logs/n1 # drift comes first
expect_status 7
expect_err "error: the run is not in the history: $work/logs/history.db: is no regular file"
rmdir logs/history.db
mv kept.db logs/history.db
# Old nights are cleared away: the one before them is the previous one.
for name in g1 g2 g3; do
    run "$LRSEARCH" night.yaml --run-dir "gone/$name" -q
    expect_status 0
done
rm -r gone/g2 gone/g3
run "$LRSEARCH" night.yaml --run-dir gone/g4 -q
expect_status 0
expect_json "$work/gone/g1" gone/g4/result.json baseline run_dir
rm -r gone/g1 gone/g4
run "$LRSEARCH" night.yaml --run-dir gone/g5
expect_status 0
expect_err "baseline: there is no earlier run of night in $work/gone/history.db: nothing is compared"
# A run that is gone, and one that is damaged.
cp -r logs/n1 n1.kept
rm -r logs/n1
sed -i '3s/./x/' logs/named/journal.jsonl
run "$LRSEARCH" history --rebuild
expect_status 0
expect_err "warning: left out: logs/named/journal.jsonl:3"
! grep -q ' n1 \| named ' out || fail "rows of runs that are not there"
run "$LRSEARCH" history none
expect_status 65
run "$LRSEARCH" history logs logs
expect_status 2
expect_err "history: one folder of runs is expected, found also 'logs'"
run "$LRSEARCH" history --rebuild none
expect_status 65
expect_err "none: is no folder"

# ---- two that finish at once ----

rm -r logs
pids=
for i in 1 2 3 4; do
    "$LRSEARCH" night.yaml --run-dir logs/at-once-$i -q >/dev/null 2>once.$i &
    pids="$pids $!"
done
for pid in $pids; do
    wait "$pid" || fail "a run failed: $(cat once.*)"
done
run "$LRSEARCH" history
expect_status 0
[ "$(grep -c at-once out)" -eq 4 ] || fail "a run is missing: $(cat once.*)"
