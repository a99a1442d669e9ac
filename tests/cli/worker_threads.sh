#!/bin/sh
# Threads of a worker: no more than its share of the cores, with a warning that has both numbers;
# the same losses; and libgomp waits passively unless the user chose otherwise.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
command -v taskset >/dev/null 2>&1 || skip "there is no taskset"
taskset -c 0 true 2>/dev/null || skip "core 0 is not ours"

tiny_plan tiny.yaml "search: {lr: [4e-3, 1e-1], horizons: [8k, 16k], policy: grid}"
train="train tiny.yaml --lr 1e-2 --tokens 8k"
# shellcheck disable=SC2086 # words
run "$LRSEARCH" $train
expect_status 0
cp out one
# shellcheck disable=SC2086 # words
run taskset -c 0 "$LRSEARCH" $train --set trainer.threads_per_worker=2
expect_status 0
grep -q "built without OpenMP" err && skip "built without OpenMP"
expect_err "trainer.threads_per_worker is 2, but this host has 1 core for 1 worker: each has 1 thread; start fewer ranks a host, or set the key to 1"
[ "$(grep -c 'threads_per_worker is' err)" -eq 1 ] || fail "said more than once"

# Ranks of one host share its cores, all but the coordinator.
ranks="OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_SIZE=4"
# shellcheck disable=SC2086 # words
run taskset -c 0 env $ranks "$LRSEARCH" $train --set trainer.threads_per_worker=8
expect_err "trainer.threads_per_worker is 8, but this host has"
expect_err "for 3 workers: each has 1 thread;"

[ "$(nproc)" -ge 2 ] || exit 0
# What OpenMP says of its settings when it starts the second time, in the process that trains.
for policy in "" active; do
    # shellcheck disable=SC2086 # words
    run env OMP_DISPLAY_ENV=true ${policy:+OMP_WAIT_POLICY=$policy} "$LRSEARCH" $train \
        --set trainer.threads_per_worker=2
    expect_status 0
    wanted=PASSIVE
    [ -z "$policy" ] || wanted=ACTIVE
    grep "OMP_WAIT_POLICY" err | tail -n 1 | grep -q "'$wanted'" || fail "OpenMP waits otherwise than $wanted"
    expect_no_err "threads_per_worker is"
done
