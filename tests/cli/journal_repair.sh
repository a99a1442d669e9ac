#!/bin/sh
# A damaged journal: the run refuses it and names the command that cuts it off; after that the same
# run ends with the same answer.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
empty_figures

tiny_plan tiny.yaml "search: {lr: [1e-2, 8e-2], horizons: [4k, 8k], policy: grid}"
run "$LRSEARCH" tiny.yaml --run-dir logs/whole
whole_status=$status
lines=$(wc -l <logs/whole/journal.jsonl)
[ "$lines" -gt 30 ] || fail "the journal has $lines lines only"

# In the middle, at the first line of a trial's end, and at the very first line.
for damaged in $((lines / 2)) "$(grep -n '"event":"ended"' logs/whole/journal.jsonl | head -n 1 | cut -d: -f1)" 1; do
    rm -rf logs/damaged
    cp -r logs/whole logs/damaged
    sed -i "${damaged}s/[0-9]/x/" logs/damaged/journal.jsonl
    cp logs/damaged/journal.jsonl before
    run "$LRSEARCH" tiny.yaml --run-dir logs/damaged
    expect_status 74
    expect_err "logs/damaged/journal.jsonl:$damaged: the checksum does not fit: the line was changed. Restore the file from a copy, or cut it off before this line: lrsearch journal repair logs/damaged"
    run "$LRSEARCH" journal repair logs/damaged
    expect_status 0
    expect_out "logs/damaged/journal.jsonl:$damaged: the checksum does not fit: the line was changed"
    expect_out "kept      $((damaged - 1)) lines"
    expect_out "dropped   $((lines - damaged + 1)) lines"
    expect_out "copy      logs/damaged/journal.jsonl.damaged-1"
    cmp -s before logs/damaged/journal.jsonl.damaged-1 || fail "the copy is not what was there"
    head -n $((damaged - 1)) before | cmp -s - logs/damaged/journal.jsonl ||
        fail "the wrong lines were cut off"
    # What it promises to train again is what the run then trains.
    sed -n 's/^again  *trials *//p' out | tr ' ' '\n' | sort >again
    run "$LRSEARCH" tiny.yaml --run-dir logs/damaged
    expect_status "$whole_status"
    expect_same_answer logs/whole/result.json logs/damaged/result.json
    tail -n "+$damaged" logs/damaged/journal.jsonl |
        sed -n 's/.*"event":"started","trial_id":\([0-9]*\),.*/\1/p' | sort -u >trained
    cmp -s again trained || fail "trained again: $(cat trained); foretold: $(cat again)"
done

# A second damage does not overwrite the first copy; --json tells the same.
sed -i '4s/[0-9]/x/' logs/damaged/journal.jsonl
run "$LRSEARCH" journal repair logs/damaged --json
expect_status 0
cp out repaired.json
expect_json 3 repaired.json kept
expect_json logs/damaged/journal.jsonl.damaged-2 repaired.json copy
cmp -s before logs/damaged/journal.jsonl.damaged-1 || fail "the first copy was changed"

# Events that do not follow, in lines that are whole.
rm -rf logs/damaged
cp -r logs/whole logs/damaged
sed '3d' logs/whole/journal.jsonl >logs/damaged/journal.jsonl
run "$LRSEARCH" tiny.yaml --run-dir logs/damaged
expect_status 74
expect_err "lrsearch journal repair logs/damaged"
run "$LRSEARCH" journal repair logs/damaged
expect_status 0
run "$LRSEARCH" tiny.yaml --run-dir logs/damaged
expect_status "$whole_status"
expect_same_answer logs/whole/result.json logs/damaged/result.json

# Nothing damaged, a torn last line, somebody who writes, another plan, no run: nothing is changed.
cp -r logs/whole logs/torn
printf '{"event":"ended","tri' >>logs/torn/journal.jsonl
for folder in whole torn; do
    cp logs/$folder/journal.jsonl before
    run "$LRSEARCH" journal repair logs/$folder
    expect_status 0
    expect_out "logs/$folder/journal.jsonl: nothing is damaged; its $lines lines are as they were"
    cmp -s before logs/$folder/journal.jsonl || fail "the journal was changed"
    [ ! -e logs/$folder/journal.jsonl.damaged-1 ] || fail "a copy was made for nothing"
done
rm -rf logs/damaged
cp -r logs/whole logs/damaged
sed -i '9s/[0-9]/x/' logs/damaged/journal.jsonl
cp logs/damaged/journal.jsonl before
sed -i 's/"seed": 7/"seed": 8/' logs/damaged/plan.resolved.json
run "$LRSEARCH" journal repair logs/damaged
expect_status 65
expect_err "journal.jsonl:1: the campaign began with another plan than plan.resolved.json"
cp logs/whole/plan.resolved.json logs/damaged/
if command -v flock >/dev/null; then
    flock -F logs/damaged/journal.jsonl sleep 30 >flock.out 2>&1 &
    background=$!
    is_locked()
    {
        ! flock -n -F logs/damaged/journal.jsonl true
    }
    wait_until 60 is_locked
    run "$LRSEARCH" journal repair logs/damaged
    expect_status 74
    expect_err "journal.jsonl: another lrsearch is writing it"
    kill "$background"
fi
cmp -s before logs/damaged/journal.jsonl || fail "the journal was changed"
run "$LRSEARCH" journal repair logs/nowhere
expect_status 65
expect_err "logs/nowhere: is no directory of a run"

for arguments in "" "repair" "repair logs/whole logs/torn" "mend logs/whole"; do
    # shellcheck disable=SC2086 # words
    run "$LRSEARCH" journal $arguments
    expect_status 2
    expect_err "journal: use lrsearch journal repair RUN_DIR"
done
