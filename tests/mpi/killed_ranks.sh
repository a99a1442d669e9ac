#!/bin/sh
# Ranks die. A worker: the campaign goes on and gives the same answer; without recovery the job
# ends, and the next start goes on. The coordinator: every rank and mpirun end soon, and the same
# command goes on.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
mpi_environment

tiny_plan tiny.yaml "search: {lr: [1e-2, 1.6e-1], horizons: [64k, 128k, 256k], policy: grid}" \
    "limits: {silence: 10s}"
run_mpi 3 tiny.yaml --run-dir logs/whole
whole_status=$status
expect_file logs/whole/result.json

# shellcheck disable=SC2046 # words
start_ranks() # RUN_DIR
{
    rm -f "$LRSEARCH_EXIT_FILE"
    start $(mpi_command 4) "$LRSEARCH" tiny.yaml --run-dir "$1"
    wait_for_events "$1/journal.jsonl" ended 3
}

# The rank that got the newest trial is the likeliest to be in the midst of one. When the trial
# ended just before the kill, nothing was lost, and it is tried again.
for try in 1 2 3 4 5; do
    rm -rf logs/worker
    start_ranks logs/worker
    rank=$(sed -n 's/.*"event":"started".*"rank":\([0-9]*\),.*/\1/p' logs/worker/journal.jsonl | tail -n 1)
    victim=$(rank_pid "$pid" "$rank")
    [ -n "$victim" ] || fail "rank $rank was not found among the children of mpirun"
    kill -KILL "$victim"
    wait_gone "$pid" 120 || fail "mpirun did not end within 120 s of a worker's death"
    status=$(cat "$LRSEARCH_EXIT_FILE")
    expect_status "$whole_status"
    expect_same_result logs/whole/result.json logs/worker/result.json
    ! grep -q '"outcome":3' logs/worker/journal.jsonl || break
done
expect_err "lost"
grep -q '"event":"started".*"attempt":2' logs/worker/journal.jsonl ||
    fail "the lost trial was not given to another worker in any of $try tries"

start_ranks logs/coordinator
victim=$(rank_pid "$pid" 0)
others=$(rank_pid "$pid" 1; rank_pid "$pid" 2; rank_pid "$pid" 3)
kill -KILL "$victim"
wait_gone "$pid" 60 || fail "mpirun did not end within 60 s of the coordinator's death"
for other in $others; do
    wait_gone "$other" 5 || fail "a worker outlived the coordinator"
done
[ ! -s "$LRSEARCH_EXIT_FILE" ] || fail "a killed coordinator left an exit status"
run_mpi 4 tiny.yaml --run-dir logs/coordinator
expect_status "$whole_status"
expect_same_result logs/whole/result.json logs/coordinator/result.json


# Without recovery MPI ends the whole job with a worker; nothing of it is left, and nothing is lost.
rm -f "$LRSEARCH_EXIT_FILE"
start mpirun --oversubscribe --bind-to none -np 4 "$LRSEARCH" tiny.yaml --run-dir logs/plain
wait_for_events logs/plain/journal.jsonl ended 3
ranks=$(rank_pids "$pid")
kill -KILL "$(rank_pid "$pid" 2)"
wait_gone "$pid" 60 || fail "mpirun did not end within 60 s of a worker's death"
for rank in $ranks; do
    wait_gone "$rank" 10 || fail "a rank outlived its job"
done
run_mpi 4 tiny.yaml --run-dir logs/plain
expect_status "$whole_status"
expect_same_result logs/whole/result.json logs/plain/result.json
