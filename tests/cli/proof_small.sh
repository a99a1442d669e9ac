#!/bin/sh
# plans/proof.sh --small adamw trains, is interrupted in its sweep, goes on, and shows what came
# out.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
command -v python3 >/dev/null || skip "no python3"
make_story story
# fp32: a CPU without AVX512-BF16 takes many times as long for bf16
set -- "$LRSEARCH_SOURCE_DIR/plans/proof.sh" --small adamw --dir "$work/runs" -- \
    --set "data.text=[$work/story]" --set training.precision=fp32 --set trainer.matmul=own

# Ctrl-C reaches the whole process group. A shell starts what is in the background deaf to it.
start python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.setsid()
os.execv(sys.argv[1], sys.argv[1:])' "$@"
wait_for_events runs/adamw/sweep-1/journal.jsonl ended 2 1500
[ ! -e runs/adamw/table.md ] || fail "a table before the sweep is over"
kill -INT "-$pid"
wait "$pid"
status=$?
expect_status 75
expect_err "proof.sh: interrupted; the same command goes on"
for run in search sweep-1; do
    cp "runs/adamw/$run/journal.jsonl" "$run.jsonl"
done

limit_s=1500
run "$@"
expect_status 0
cmp runs/adamw/search/journal.jsonl search.jsonl || fail "the search was run again"
head -n "$(wc -l <sweep-1.jsonl)" runs/adamw/sweep-1/journal.jsonl | cmp - sweep-1.jsonl ||
    fail "the sweep did not go on where it stopped"
expect_file runs/adamw/table.md runs/adamw/law.dat runs/adamw/horizons.dat
expect_out "| **measured at the target** | **"
expect_out "| predicted | "
trained=$(awk 'NF == 0 { n = 0 } NF { n++; last = n } END { print last }' runs/adamw/basins.dat) # the last block
[ "$trained" -ge 10 ] || fail "fewer than five LRs of two seeds"
if command -v gnuplot >/dev/null 2>&1; then
    expect_file runs/adamw/proof.svg
fi
