#!/bin/sh
# A rank dies before MPI has started: the others would wait in MPI_Init for ever. The job ends by
# itself, says why, and leaves the status of too few workers; the same command then begins the
# campaign.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
mpi_environment
export LRSEARCH_START_TIMEOUT=1 OMPI_MCA_odls_base_sigkill_timeout=1

cat >simulate.yaml <<'END'
version: 1
name: simulate
trainer: {kind: simulate}
search: {lr: [1e-3, 3e-1], horizons: [32k, 64k], policy: grid}
target: {tokens: 1M}
END

# shellcheck disable=SC2016 # for the shell of each rank
die='[ "$OMPI_COMM_WORLD_RANK" != "$VICTIM" ] || kill -KILL $$; exec "$@"'
for victim in 0 2; do
    : >"$LRSEARCH_EXIT_FILE" # as run.sh makes it
    # shellcheck disable=SC2046 # words
    VICTIM=$victim start $(mpi_command 3) sh -c "$die" sh "$LRSEARCH" simulate.yaml --run-dir logs/early
    wait_gone "$pid" 60 || fail "rank $victim died before MPI started, and mpirun did not end in 60 s"
    status=$(cat "$LRSEARCH_EXIT_FILE")
    expect_status 69
    expect_err "MPI did not start within 1 s: a rank died or hangs while it starts; run the same command"
    [ ! -e logs/early ] || fail "a job that did not start left files"
done

# With a shell between mpirun and the rank, which is what the rank then ends: its own end by that is
# no interruption.
# shellcheck disable=SC2016 # for the shell of each rank
die='[ "$OMPI_COMM_WORLD_RANK" = 0 ] || kill -KILL $$; "$@"; exit $?'
: >"$LRSEARCH_EXIT_FILE"
# shellcheck disable=SC2046 # words
start $(mpi_command 2) sh -c "$die" sh "$LRSEARCH" simulate.yaml --run-dir logs/early
wait_gone "$pid" 60 || fail "mpirun did not end in 60 s"
status=$(cat "$LRSEARCH_EXIT_FILE")
expect_status 69

unset LRSEARCH_START_TIMEOUT
run_mpi 3 simulate.yaml --run-dir logs/early
expect_file logs/early/result.json
