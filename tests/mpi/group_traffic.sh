#!/bin/sh
# usage: group_traffic.sh PROGRAM: group traffic over MPI (group_traffic.c): random groups and
# sizes, the leftovers of a group that was given up, a member that is killed in the middle of a
# transfer.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
mpi_environment
program=${1:?}

traffic() # NP MODE GOOD-RANKS
{
    rm -f good.*
    # shellcheck disable=SC2046 # words
    run $(mpi_command "$1") "$program" "$2"
    good=$(find . -name 'good.*' | wc -l)
    [ "$good" -eq "$3" ] || fail "$2 with $1 ranks: $good of $3 are good"
}

for ranks in 2 3 8; do
    traffic $ranks random $ranks
done
traffic 2 leftovers 2
for _ in 1 2 3; do
    traffic 4 killed 3
done
