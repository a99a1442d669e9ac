#!/bin/sh
# The commands in plans/ run as they are; the PyTorch one where python3 has it.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
plans=$LRSEARCH_SOURCE_DIR/plans

run "$LRSEARCH" "$plans/command-shell.yaml"
expect_status 0
expect_json identified logs/command-shell/result.json status

export PATH="/usr/bin:$PATH" # Debian's python3 has python3-torch
python3 -c 'import torch' 2>/dev/null || skip "python3 has no torch (python3-torch)"

# Told to stop it saves where it is, and goes on to the same loss.
set -- python3 "$plans/command-pytorch.py" --lr 1e-2 --tokens 256000
export OMP_NUM_THREADS=1 LRSEARCH_CHECKPOINT="$work/state"
"$@" >whole || fail "no training"
rm out
start "$@"
until [ -s "$work/out" ]; do sleep 0.1; done
kill -TERM "$pid"
wait "$pid"
expect_file state
run "$@"
expect_status 0
expect_out '"begun_tokens": '
[ "$(wc -l <out)" -lt "$(wc -l <whole)" ] || fail "it began at its beginning"
[ "$(tail -n 1 out | sed 's/, "begun_tokens": [0-9]*//')" = "$(tail -n 1 whole)" ] ||
    fail "another loss: $(tail -n 1 out) instead of $(tail -n 1 whole)"
unset LRSEARCH_CHECKPOINT

limit_s=900
run "$LRSEARCH" "$plans/command-pytorch.yaml"
expect_status 0
expect_json identified logs/command-pytorch/result.json status
[ "$(sed -n '$=' logs/command-pytorch/curves/trial-0001.csv)" -gt 8 ] || fail "no loss curve"

# The same script, with nothing but a regular expression.
run "$LRSEARCH" train "$plans/command-pytorch.yaml" --lr 1e-2 --tokens 64k
expect_status 0
cp out by_descriptor
run env -u LRSEARCH_REPORT_FD "$LRSEARCH" train "$plans/command-pytorch.yaml" --lr 1e-2 --tokens 64k \
    --set "trainer.report={regex: '\"tokens\": (?<tokens>\\d+), \"loss\": (?<loss>[^,}]+)'}"
expect_status 0
[ "$(head -n 1 out | cut -d' ' -f1-4)" = "$(head -n 1 by_descriptor | cut -d' ' -f1-4)" ] ||
    fail "another loss by regex: $(head -n 1 out)"
