#!/bin/sh
# trainer.report: {file: ...}: losses from a file that the program writes. A campaign gets the
# answer that reports on a descriptor give, on one rank and on three, though an attempt fails; each
# kind of file; what was there before; plans that cannot be right.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
empty_figures

# A training made up in awk: best at 8e-3 on 1M tokens. It adds JSON lines to a file in the folder
# $1, or reports on the descriptor. The first attempt at trial 2 fails after a loss that is wrong.
cat >train.sh <<'END'
#!/bin/sh
if [ "$1" ]; then
    mkdir -p "$1"
    exec >>"$1/metrics.jsonl"
    if [ "$LRSEARCH_TRIAL.$LRSEARCH_ATTEMPT" = 2.1 ]; then
        echo "{\"iter\": $((LRSEARCH_TOKENS / 1000)), \"val/loss\": 99}"
        exit 3
    fi
else
    exec >&"$LRSEARCH_REPORT_FD"
fi
awk -v lr="$LRSEARCH_LR" -v d="$LRSEARCH_TOKENS" -v file="$1" 'BEGIN {
    t = log(lr / (8e-3 * (d / 1e6) ^ -.3)) / log(2)
    loss = t > 3.5 ? "NaN" : sprintf("%.17g", 2 + .02 * t * t)
    if (file) {
        for (k = 1; k <= 8; k++)
            printf "{\"iter\": %d, \"train/loss\": %.6f}\n", d / 1000 * k / 8, 4 - k / 8
        printf "{\"iter\": %d, \"val/loss\": %s}\n", d / 1000, loss
    } else printf "{\"tokens\": %d, \"loss\": %s, \"final\": true}\n", d, loss
}'
END
chmod +x train.sh
cat >fd.yaml <<'END'
version: 1
name: fd
trainer: {kind: command, argv: [./train.sh]}
training: {batch_tokens: 1000}
search: {lr: [2e-3, 1.28e-1], horizons: [1M, 2M], policy: grid}
target: {tokens: 64M}
END
sed 's/fd/file/; s|train.sh\]|train.sh, "runs/{trial}"], report: {file: "runs/{trial}/metrics.jsonl", loss: val/loss, steps: iter}|' \
    fd.yaml >file.yaml

run "$LRSEARCH" fd.yaml
expect_status 0
run "$LRSEARCH" file.yaml
expect_status 0
expect_err "trial 2, attempt 1: failed: exit status 3; it printed nothing"
grep -q ',diverged,' logs/file/trials.csv || fail "NaN is no divergence"
expect_same_answer logs/fd/result.json logs/file/result.json
# An earlier run has left its files there, to which the program adds its rows: only those count.
echo '{"val/loss": NaN}' >>runs/1/metrics.jsonl
run "$LRSEARCH" file.yaml --run-dir logs/again --set budget.trials=2
expect_status 4
losses() # RUN_DIR: of its trainings
{
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["state"] == "done" { print $at["lr"], $at["tokens"], $at["val_loss"] }' "$1/trials.csv"
}
losses logs/fd >wanted
losses logs/again >found
[ "$(grep -cxF -f wanted found)" -eq 2 ] || fail "other losses: $(cat found)"

# ---- one training ----

one() # SCRIPT FILE NAMES [--set ...]
{
    printf '%s\n' '#!/bin/sh' 'mkdir -p "$1"' "$1" >one.sh
    chmod +x one.sh
    told="trainer.report={file: \"runs/{trial}/$2\", $3}"
    shift 3
    rm -rf runs
    run "$LRSEARCH" train file.yaml --lr 0.01 --tokens 100k --set 'trainer.argv=[./one.sh, "runs/{trial}"]' \
        --set "$told" "$@"
}
csv="loss: val_loss, steps: step"

one 'state() {
    mkdir -p "$1"
    printf "{\n  \"global_step\": %d,\n  \"log_history\": [\n    {\n      \"eval_loss\": %s,\n      \"step\": %d\n    }\n  ]\n}\n" \
        "$3" "$2" "$3" >"$1/trainer_state.json"
}
state "$1/checkpoint-50" 4.5 50
state "$1/checkpoint-100" 3.25 100' 'checkpoint-*/trainer_state.json' \
    'loss: log_history/eval_loss, steps: log_history/step'
expect_status 0
expect_out "val_loss   3.250000"

one 'printf "epoch,step,train_loss,val_loss\r\n0,49,5.25,\r\n0,99,,3.5\r\n" >"$1/metrics.csv"' metrics.csv "$csv"
expect_status 0
expect_out "val_loss   3.500000"
one 'printf "step,val_loss\n49,nan\n" >"$1/metrics.csv"; exit 1' metrics.csv "$csv"
expect_status 5
expect_out "diverged: it reported a loss of nan at token 49000"
# It is read while the program runs, and a program whose file grows is not silent.
one 'echo step,val_loss >"$1/metrics.csv"
for n in 1 2 3 4 5 6; do sleep 0.3; echo "$n,4" >>"$1/metrics.csv"; done
echo 9,inf >>"$1/metrics.csv"; exec sleep 60' metrics.csv "$csv" --set limits.silence=1s
expect_out "diverged: it reported a loss of inf at token 9000"

went_wrong() # TEXT SCRIPT
{
    one "$2" metrics.csv "$csv"
    expect_status 5
    expect_err "$1"
}
went_wrong "its final loss is of 50000 tokens, the horizon is 100000" 'printf "step,val_loss\n50,3.5\n" >"$1/metrics.csv"'
went_wrong "it reported a loss for 101000 tokens, beyond the horizon of 100000" 'printf "step,val_loss\n101,3\n" >"$1/metrics.csv"'
went_wrong "exit status 0, but runs/0/metrics.csv has no val_loss; it has step, loss" 'printf "step,loss\n101,3.5\n" >"$1/metrics.csv"'
went_wrong "exit status 0, but runs/0/metrics.csv was not written" 'exit 0'
went_wrong "runs/0/metrics.csv is a folder, and no regular file" 'mkdir "$1/metrics.csv"; exec sleep 60'
went_wrong "runs/0/metrics.csv is a pipe, and no regular file" 'mkfifo "$1/metrics.csv"; exec sleep 60'
went_wrong "runs/0/metrics.csv is a device or a socket, and no regular file" 'ln -s /dev/zero "$1/metrics.csv"; exec sleep 60'
went_wrong "exit status 3; it printed nothing" 'printf "{}\n{" >"$1/metrics.csv"; exit 3'
went_wrong "exit status 0, but runs/0/metrics.csv has no step; it has val_loss" 'printf "val_loss\n3\n" >"$1/metrics.csv"'
went_wrong "runs/0/metrics.csv, line 2 is no JSON" 'printf "{}\n{\033[31m\n" >"$1/metrics.csv"'

# ---- plans that cannot be right ----

refused() # TEXT KEY=VALUE
{
    run "$LRSEARCH" check fd.yaml --set "$2"
    expect_status 65
    expect_err "$1"
}
refused 'would write the same file; put {trial} into the folder that argv gives the program, and here, such as out/{trial}/m.csv' \
    'trainer.report={file: m.csv, loss: loss}'
refused 'would write the same file' 'trainer.report={file: "{attempt}{lr}.csv", loss: loss}'
refused 'file needs the name that the loss has in it' 'trainer.report={file: "{trial}"}'
refused 'give one of tokens and steps' 'trainer.report={file: "{trial}", loss: a, tokens: b, steps: c}'
refused 'give one of fd, prefix, regex and file' 'trainer.report={file: "{trial}", loss: a, regex: b}'
refused 'loss, tokens and steps are names in a file: give file, too' 'trainer.report={loss: a}'
refused 'file: at byte 2: {trail} is not known; there are ' 'trainer.report={file: "{trail}", loss: a}'
sed '/batch_tokens/d' fd.yaml >batch.yaml
run "$LRSEARCH" check batch.yaml --set 'trainer.report={file: "{trial}", loss: a, steps: b}'
expect_status 65
expect_err 'steps needs training.batch_tokens, the tokens of a step; give it, or tokens'

# ---- ranks ----

mpi_environment
run_mpi 3 file.yaml --run-dir logs/three
expect_status 0
expect_same_result logs/file/result.json logs/three/result.json
