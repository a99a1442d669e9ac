#!/bin/sh
# A campaign that was killed goes on where it stopped and ends with the same answer; a finished one
# answers at once; one with another plan is refused.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
empty_figures

# Several rounds, also where few trials would do for an answer.
tiny_plan tiny.yaml "search: {lr: [1e-3, 3e-1], horizons: [32k, 64k, 128k], min_gain: 1e-5, precision: 1e-6}" \
    "budget: {trials: 16}"
run "$LRSEARCH" tiny.yaml --run-dir logs/whole
whole_status=$status
trials=$(json logs/whole/result.json cost trials) || fail "the whole run left no result"
[ "$trials" -gt 9 ] || fail "too few trials for three kills"

# Killed in three starts, each of which goes on from the one before it.
for stop in 1 4 9; do
    start "$LRSEARCH" tiny.yaml --run-dir logs/killed
    wait_for_events logs/killed/journal.jsonl ended "$stop"
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
    ! grep -q '"event":"finished"' logs/killed/journal.jsonl || fail "it had ended before the kill"
    [ "$stop" -eq 1 ] || expect_err "going on"
done
run "$LRSEARCH" tiny.yaml --run-dir logs/killed
expect_status "$whole_status"
expect_err "going on"
expect_same_answer logs/whole/result.json logs/killed/result.json
# What was done before a kill was not done again.
again=$(sed -nE 's/.*"event":"(started)","trial_id":([0-9]*),.*/\1 \2/p
    s/.*"event":"(ended)","trial_id":([0-9]*),.*"outcome":[01],.*/\1 \2/p' logs/killed/journal.jsonl |
    awk '$1 == "ended" { ended[$2] = 1; count++ } $1 == "started" && ended[$2] { print $2 }
        END { if (!count) print "none ended" }')
[ -z "$again" ] || fail "trials trained again: $again"

# A torn last line is dropped with a warning.
sed -i '/"event":"finished"/,$d' logs/killed/journal.jsonl
printf '{"event":"ended","trial_id":3,"att' >>logs/killed/journal.jsonl
run "$LRSEARCH" tiny.yaml --run-dir logs/killed
expect_status "$whole_status"
expect_err "journal.jsonl"
expect_same_answer logs/whole/result.json logs/killed/result.json

# SIGTERM and SIGINT: 75, a partial answer, and the same command goes on.
ended=2
for signal in TERM INT; do
    # An interactive shell would let SIGINT through; a script's background job ignores it.
    start env --default-signal=INT "$LRSEARCH" tiny.yaml --run-dir logs/stopped
    wait_for_events logs/stopped/journal.jsonl ended $ended
    kill -$signal "$pid"
    wait "$pid"
    status=$?
    expect_status 75
    expect_err "SIG$signal"
    expect_json interrupted logs/stopped/result.json status
    ended=$(($(grep -c '"event":"ended"' logs/stopped/journal.jsonl) + 1))
done
# While it goes on, a second start in its directory is turned away.
start "$LRSEARCH" tiny.yaml --run-dir logs/stopped
first=$pid
wait_for_events logs/stopped/journal.jsonl ended $ended
kill -STOP "$first" # holds on to the directory longer than the second one waits for it
"$LRSEARCH" tiny.yaml --run-dir logs/stopped >second.out 2>second.err
second_status=$?
kill -CONT "$first"
wait "$first"
status=$?
expect_status "$whole_status"
[ "$second_status" -eq 73 ] || [ "$second_status" -eq 74 ] ||
    fail "a second run in the same directory: exit status $second_status, $(cat second.err)"
expect_same_answer logs/whole/result.json logs/stopped/result.json

# Finished: nothing is trained again.
lines=$(wc -l <logs/whole/journal.jsonl)
cp logs/whole/result.json before.json
run "$LRSEARCH" tiny.yaml --run-dir logs/whole
expect_status "$whole_status"
[ "$(wc -l <logs/whole/journal.jsonl)" -eq "$lines" ] || fail "a finished journal grew"
cmp -s before.json logs/whole/result.json || fail "result.json changed"

run "$LRSEARCH" tiny.yaml --run-dir logs/whole --resume=never
expect_status 73
expect_err "already holds a campaign"

run "$LRSEARCH" tiny.yaml --run-dir logs/whole --set search.seeds=2 --set seed=9
expect_status 65
expect_err "search.seeds (1 -> 2)"
expect_err "seed (7 -> 9)"
# Budgets and limits may change.
run "$LRSEARCH" tiny.yaml --run-dir logs/whole --set budget.tokens=1B
expect_status "$whole_status"

# Damage in the middle is found, not trained upon.
cp -r logs/whole logs/damaged
sed -i '5s/"trial_id":[0-9]*/"trial_id":77/;5s/"round":[0-9]*/"round":77/' logs/damaged/journal.jsonl
run "$LRSEARCH" tiny.yaml --run-dir logs/damaged
expect_status 74
expect_err "journal.jsonl:5"
