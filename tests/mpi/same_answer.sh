#!/bin/sh
# usage: same_answer.sh [bf16] NP...: one process and mpirun with each NP give the same target, law
# and horizons, and every trial the same losses, bit for bit; with one thread a worker and with two.
# bf16: in training.precision bf16.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
mpi_environment
empty_figures

# Every column of every trial but the wall clock; rows in the order of their ids.
trials() # RUN_DIR
{
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "seconds") clock = i }
             clock { $clock = ""; print }' "$1/trials.csv"
}

tiny_plan tiny.yaml "search: {lr: [1e-3, 3e-1], horizons: [8k, 16k, 32k], min_gain: 0.2}"
if [ "$1" = bf16 ]; then
    tiny_plan tiny.yaml "training: {batch_tokens: 256, precision: bf16}" "trainer: {matmul: auto}" \
        "search: {lr: [1e-2, 8e-2], horizons: [8k, 16k], policy: grid}"
    shift
fi
run "$LRSEARCH" tiny.yaml --run-dir logs/thread
alone_status=$status
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"
expect_file logs/thread/result.json
trials logs/thread >thread.csv
[ "$(wc -l <thread.csv)" -gt 5 ] || fail "no trials to compare"
threads=2 # of few workers: not more than there are cores
for np in "$@"; do
    run_mpi "$np" tiny.yaml --run-dir "logs/np$np" --set "trainer.threads_per_worker=$threads"
    expect_status "$alone_status"
    expect_same_answer logs/thread/result.json "logs/np$np/result.json"
    expect_json "$(json logs/thread/result.json cost trials)" "logs/np$np/result.json" cost trials
    expect_no_err "orphan"
    trials "logs/np$np" >"np$np.csv"
    cmp thread.csv "np$np.csv" || fail "a trial of $np ranks with $threads threads differs"
    threads=$((3 - threads))
done
