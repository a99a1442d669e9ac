#!/bin/sh
# usage: same_answer.sh NP...: one process and mpirun with each NP give the same target, law and
# horizons, bit for bit.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
mpi_environment

tiny_plan tiny.yaml
run "$LRSEARCH" tiny.yaml --run-dir logs/thread
alone_status=$status
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"
expect_file logs/thread/result.json
cut -d, -f1-4 logs/thread/trials.csv >thread.csv
for np in "$@"; do
    run_mpi "$np" tiny.yaml --run-dir "logs/np$np"
    expect_status "$alone_status"
    expect_same_answer logs/thread/result.json "logs/np$np/result.json"
    expect_json "$(json logs/thread/result.json cost trials)" "logs/np$np/result.json" cost trials
    expect_no_err "orphan"
done
