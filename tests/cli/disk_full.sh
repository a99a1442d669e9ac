#!/bin/sh
# The disk fills up under RUN_DIR: exit status 74 that says so; with room again the campaign goes on
# to the same answer.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

mkdir disk
if [ "$(id -u)" -ne 0 ] || ! mount -t tmpfs -o size=384k tmpfs disk 2>/dev/null; then
    skip "a small tmpfs cannot be mounted here"
fi
trap 'umount -l "$work/disk"; cleanup' EXIT

tiny_plan tiny.yaml
run "$LRSEARCH" tiny.yaml --run-dir whole
whole_status=$status
expect_file whole/result.json

for room in 8 24; do # kB for the journal to grow in
    rm -rf disk/*
    head -c $(((384 - room) * 1024)) /dev/zero >disk/ballast
    run "$LRSEARCH" tiny.yaml --run-dir disk/run
    expect_status 74
    expect_err "No space left on device"
    expect_err "disk/run"
    rm disk/ballast
    run "$LRSEARCH" tiny.yaml --run-dir disk/run
    expect_status "$whole_status"
    expect_same_answer whole/result.json disk/run/result.json
    [ ! -e disk/run/checkpoints ] || fail "states are left: $(ls disk/run/checkpoints)"
done
