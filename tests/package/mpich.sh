#!/bin/sh
# MPICH in place of Open MPI (Debian has both side by side): the build, the unit tests, what
# `lrsearch run -n` starts, and four ranks with the result that Open MPI's have, bit for bit. A
# worker that dies ends the job there; the next start goes on. The build stays.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
command -v mpicc.mpich >/dev/null 2>&1 || skip "needs libmpich-dev"
command -v mpirun.mpich >/dev/null 2>&1 || skip "needs mpich"
mpi_environment
build=$LRSEARCH_SOURCE_DIR/build-mpich
limit_s=3000

run cmake --preset release -S "$LRSEARCH_SOURCE_DIR" -B "$build" -DMPI_C_COMPILER=mpicc.mpich
expect_status 0
run cmake --build "$build" --parallel "$(nproc)"
expect_status 0
ldd "$build/lrsearch" | grep -q 'libmpich\.so' || fail "it is not linked with MPICH"
! ldd "$build/lrsearch" | grep -q 'libmpi\.so' || fail "it is linked with Open MPI too"
run ctest --test-dir "$build" -R '^(test_|cli_start_ranks$)' -LE long -j "$(nproc)" --output-on-failure
expect_status 0
grep '^100% tests passed' out
limit_s=300

# ---- the same result ----

tiny_plan tiny.yaml
run_mpi 4 tiny.yaml --run-dir logs/open-mpi
answered=$status
expect_file logs/open-mpi/result.json
hydra="mpirun.mpich -np 4 $build/lrsearch"
# shellcheck disable=SC2086 # words
run $hydra tiny.yaml --run-dir logs/mpich
expect_status "$answered"
expect_same_result logs/open-mpi/result.json logs/mpich/result.json
for run in mpich started; do
    [ $run = mpich ] || run "$build/lrsearch" run tiny.yaml -n 4 --run-dir logs/started
    expect_status "$answered"
    expect_same_result logs/open-mpi/result.json logs/$run/result.json
    grep -q '"event":"session".*"ranks":4' logs/$run/journal.jsonl || fail "$run: not four ranks"
    grep -q '"MPICH' logs/$run/provenance.json || fail "$run: not MPICH's"
done
# The launcher of the other library starts ranks that do not see each other.
run mpirun --oversubscribe -np 4 "$build/lrsearch" tiny.yaml --run-dir logs/other
expect_err "use the mpirun of the MPI library that lrsearch is linked with"

# ---- deaths and signals ----

tiny_plan tiny.yaml "search: {lr: [1e-2, 1.6e-1], horizons: [64k, 128k, 256k], policy: grid}"
run_mpi 3 tiny.yaml --run-dir logs/whole
answered=$status

hydra_rank() # MPIRUN-PID RANK: the pid, a child of mpirun's proxy
{
    for proxy in $(children_of "$1"); do
        for child in $(children_of "$proxy"); do
            tr '\0' '\n' <"/proc/$child/environ" 2>/dev/null | grep -q "^PMI_RANK=$2\$" &&
                echo "$child"
        done
    done
}

# shellcheck disable=SC2086 # words
start $hydra tiny.yaml --run-dir logs/killed
wait_for_events logs/killed/journal.jsonl ended 3
victim=$(hydra_rank "$pid" 2)
others="$(hydra_rank "$pid" 0) $(hydra_rank "$pid" 1) $(hydra_rank "$pid" 3)"
[ "$(echo "$victim $others" | wc -w)" -eq 4 ] || fail "the ranks were not found"
kill -KILL "$victim"
wait_gone "$pid" 60 || fail "mpirun did not end within 60 s of a worker's death"
for other in $others; do
    wait_gone "$other" 10 || fail "a rank outlived the job"
done
# shellcheck disable=SC2086 # words
run $hydra tiny.yaml --run-dir logs/killed
expect_status "$answered"
expect_same_result logs/whole/result.json logs/killed/result.json

start "$build/lrsearch" run tiny.yaml -n 4 --run-dir logs/run-n
wait_for_events logs/run-n/journal.jsonl ended 3
kill -KILL "$(hydra_rank "$(children_of "$pid")" 1)"
wait "$pid"
status=$?
expect_status 75
expect_err "the coordinator was stopped before it was done; the same command goes on from there"
start "$build/lrsearch" run tiny.yaml -n 4 --run-dir logs/run-n
wait_for_events logs/run-n/journal.jsonl session 2
kill -TERM "$pid"
wait "$pid"
status=$?
expect_status 75
run "$build/lrsearch" run tiny.yaml -n 4 --run-dir logs/run-n
expect_status "$answered"
expect_same_result logs/whole/result.json logs/run-n/result.json
