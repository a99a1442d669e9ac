#!/bin/sh
# The coordinator and the worker as two threads of one process: a campaign, and one that is drained
# and gone on with; and decisions, on a third. Short, because ThreadSanitizer is slow.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

tiny_plan tiny.yaml "search: {lr: [4e-3, 1e-1], horizons: [8k, 16k], policy: grid}" \
    "limits: {checkpoint_every: 1s}"
run "$LRSEARCH" tiny.yaml --run-dir logs/whole
whole_status=$status
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"
start "$LRSEARCH" tiny.yaml --run-dir logs/drained
wait_for_events logs/drained/journal.jsonl ended 3
kill -USR1 "$pid"
wait "$pid"
status=$?
[ "$status" -eq 75 ] || [ "$status" -eq "$whole_status" ] || fail "exit status $status"
run "$LRSEARCH" tiny.yaml --run-dir logs/drained
expect_status "$whole_status"
expect_same_result logs/whole/result.json logs/drained/result.json

# Decisions of several cells, and the answer, on a third thread.
cat >cells.yaml <<'END'
version: 1
name: cells
trainer: {kind: simulate}
model: {d_model: [16, 32], n_layers: 1, base_width: 16}
search: {lr: [1e-2, 1e-1], horizons: [32k, 64k], policy: design}
target: {tokens: 1M}
END
run "$LRSEARCH" cells.yaml
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"
