#!/bin/sh
# usage: valgrind.sh PROGRAM: the quick start under valgrind, on less text: no error, no leak of
# ours. PROGRAM is lrsearch with tests/lib/plain_kernels.c.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

command -v valgrind >/dev/null || skip "no valgrind"
limit_s=1500
export LRSEARCH_PLAIN_KERNELS=1
run valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
    "$1" "$LRSEARCH_SOURCE_DIR/plans/quickstart.yaml" --set data.source=synthetic \
    --set data.val_tokens=256 --set trainer.matmul=own --set "search.horizons=[2k,4k]" \
    --set search.seeds=1 --set training.batch_tokens=128 --set target.tokens=32k
[ "$status" -ne 99 ] || fail "valgrind found something"
expect_no_err "definitely lost"
expect_file logs/quickstart/result.json
