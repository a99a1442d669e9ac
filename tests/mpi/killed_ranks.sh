#!/bin/sh
# Ranks die. A worker: the campaign goes on and gives the same answer; without recovery the job
# ends, and the next start goes on. The coordinator: every rank and mpirun end soon, and the same
# command goes on.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
mpi_environment
empty_figures

tiny_plan tiny.yaml "search: {lr: [1e-2, 8e-2], horizons: [128k, 512k], policy: grid}" \
    "limits: {silence: 5s}"
run "$LRSEARCH" tiny.yaml --run-dir logs/whole
whole_status=$status
expect_file logs/whole/result.json

# In the midst of the campaign; the ranks are looked up before, which takes a while.
start_ranks() # RUN_DIR COMMAND...: leaves $pids, a line "RANK PID" each
{
    rm -f "$LRSEARCH_EXIT_FILE"
    dir=$1
    shift
    start "$@" "$LRSEARCH" tiny.yaml --run-dir "$dir"
    wait_for_events "$dir/journal.jsonl" started 2
    pids=$(for rank in 0 1 2; do echo "$rank $(rank_pid "$pid" $rank)"; done)
    wait_for_events "$dir/journal.jsonl" ended 3
}

pid_of() # RANK
{
    echo "$pids" | sed -n "s/^$1 //p"
}

# The rank that got the newest trial is the likeliest to be in the midst of one. When the trial
# ended just before the kill, nothing was lost, and it is tried again.
for try in 1 2 3 4 5; do
    rm -rf logs/worker
    # shellcheck disable=SC2046 # words
    start_ranks logs/worker $(mpi_command 3)
    rank=$(sed -n 's/.*"event":"started".*"rank":\([0-9]*\),.*/\1/p' logs/worker/journal.jsonl | tail -n 1)
    victim=$(pid_of "$rank")
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

# shellcheck disable=SC2046 # words
start_ranks logs/coordinator $(mpi_command 3)
kill -KILL "$(pid_of 0)" || fail "the coordinator ended before it was killed"
wait_gone "$pid" 60 || fail "mpirun did not end within 60 s of the coordinator's death"
for other in $(pid_of '[12]'); do
    wait_gone "$other" 5 || fail "a worker outlived the coordinator"
done
[ ! -s "$LRSEARCH_EXIT_FILE" ] || fail "a killed coordinator left an exit status"
run_mpi 3 tiny.yaml --run-dir logs/coordinator
expect_status "$whole_status"
expect_same_result logs/whole/result.json logs/coordinator/result.json

# Without recovery MPI ends the whole job with a worker; nothing of it is left, and nothing is lost.
start_ranks logs/plain mpirun --oversubscribe --bind-to none -np 3
kill -KILL "$(pid_of 2)" || fail "the worker ended before it was killed"
wait_gone "$pid" 60 || fail "mpirun did not end within 60 s of a worker's death"
for rank in $(pid_of '[0-2]'); do
    wait_gone "$rank" 10 || fail "a rank outlived its job"
done
run_mpi 3 tiny.yaml --run-dir logs/plain
expect_status "$whole_status"
expect_same_result logs/whole/result.json logs/plain/result.json
