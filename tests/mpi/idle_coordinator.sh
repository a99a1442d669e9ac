#!/bin/sh
# While workers train, the coordinator takes less than 2 % of a core.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
mpi_environment

# One long trial a worker: nothing happens but progress reports.
tiny_plan tiny.yaml "search: {lr: [1e-3, 3e-1], horizons: [20M, 40M, 80M], policy: grid}" \
    "target: {tokens: 100M}"
# shellcheck disable=SC2046 # words
start $(mpi_command 3) "$LRSEARCH" tiny.yaml
wait_for_events logs/tiny/journal.jsonl started 2
coordinator=$(rank_pid "$pid" 0)
[ -n "$coordinator" ] || fail "rank 0 was not found among the children of mpirun"

cpu_ticks() # PID: user + system time, in 1/100 s
{
    # shellcheck disable=SC2046 # words
    set -- $(sed 's/.*) //' "/proc/$1/stat")
    echo $((${12} + ${13}))
}
sleep 1
before=$(cpu_ticks "$coordinator")
sleep 8
after=$(cpu_ticks "$coordinator")
kill -USR1 "$pid"
wait_gone "$pid" 30 || fail "mpirun did not end within 30 s of the signal"
echo "the coordinator took $((after - before)) ms x 10 in 8 s"
[ $((after - before)) -le 16 ] || fail "the coordinator took more than 2 % of a core"
