#!/bin/sh
# Every rank on a host of its own, as far as it can tell, and nobody is lost for being silent: a
# worker that is killed is found by what MPI reports alone, soon, and so is a killed coordinator.
# Needs Open MPI 5.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
mpi_environment
[ "$mpi_survival" = "--with-ft ulfm" ] || skip "this MPI reports no deaths"
unshare -u true 2>/dev/null || skip "may not give a rank a host name of its own"

tiny_plan tiny.yaml "search: {lr: [1e-3, 3e-1], horizons: [128k, 256k, 512k], policy: grid}" \
    "limits: {silence: none}"
run_mpi 3 tiny.yaml --run-dir logs/whole
whole_status=$status

# shellcheck disable=SC2016,SC2046 # expanded by the rank's shell; words
start_ranks() # RUN_DIR
{
    rm -f "$LRSEARCH_EXIT_FILE"
    start $(mpi_command 4) unshare -u sh -c 'hostname node$OMPI_COMM_WORLD_RANK && exec "$@"' sh \
        "$LRSEARCH" tiny.yaml --run-dir "$1"
    wait_for_events "$1/journal.jsonl" ended 3
}

# A worker in the midst of a training, and at the end of the campaign mpirun returns what rank 0
# does.
for try in 1 2 3 4 5; do
    rm -rf logs/worker
    start_ranks logs/worker
    rank=$(sed -n 's/.*"event":"started".*"rank":\([0-9]*\),.*/\1/p' logs/worker/journal.jsonl | tail -n 1)
    kill -KILL "$(rank_pid "$pid" "$rank")"
    begin=$(date +%s%N)
    until grep -q "rank $rank on node$rank: its process is gone" err; do
        [ $((($(date +%s%N) - begin) / 1000000)) -lt 5000 ] || fail "a worker's death was not found within 5 s"
        sleep 0.05
    done
    echo "the death of rank $rank was found within $((($(date +%s%N) - begin) / 1000000)) ms"
    wait_gone "$pid" 120 || fail "mpirun did not end within 120 s of a worker's death"
    wait "$pid"
    mpirun_status=$?
    status=$(cat "$LRSEARCH_EXIT_FILE")
    expect_status "$whole_status"
    [ "$mpirun_status" -eq "$status" ] || fail "mpirun returned $mpirun_status, rank 0 returned $status"
    expect_same_result logs/whole/result.json logs/worker/result.json
    ! grep -q '"outcome":3' logs/worker/journal.jsonl || break
done
grep -q '"event":"started".*"attempt":2' logs/worker/journal.jsonl ||
    fail "the lost trial was not given to another worker in any of $try tries"

start_ranks logs/coordinator
others=$(rank_pid "$pid" 1; rank_pid "$pid" 2; rank_pid "$pid" 3)
kill -KILL "$(rank_pid "$pid" 0)"
wait_gone "$pid" 20 || fail "mpirun did not end within 20 s of the coordinator's death"
for other in $others; do
    wait_gone "$other" 5 || fail "a worker outlived the coordinator"
done
