#!/bin/sh
# usage: group_training.sh PROGRAM: trainings by groups of 1, 2, 4 and 8 ranks over MPI, one that
# grows, and groups that lose a member; the bits are those of one rank (group_training.c).
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
mpi_environment
limit_s=280
program=${1:?}

for mode in sizes grow killed; do
    rm -f good
    # shellcheck disable=SC2046 # words
    run $(mpi_command 9) "$program" "$mode"
    [ -f good ] || fail "$mode"
done
