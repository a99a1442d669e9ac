#!/bin/sh
# lrsearch train: one training, its checkpoints, and every way to get them wrong.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

export OMP_WAIT_POLICY=passive # the test may have one core: waiting must not take it
tiny_plan tiny.yaml
train() # ARGUMENT...
{
    run "$LRSEARCH" train tiny.yaml "$@"
}

# Straight through, and stopped in the middle: the same file, byte for byte.
train --lr 3e-3 --tokens 32k --save whole.safetensors
expect_status 0
expect_out "val_loss"
expect_out "nats per token"
expect_out "checkpoint whole.safetensors"
train --lr 3e-3 --tokens 32k --save part.safetensors --until 10k
expect_status 0
expect_out "canceled: stopped at token 10240, saved in part.safetensors"
train --lr 3e-3 --tokens 32k --init part.safetensors --save again.safetensors --json
expect_status 0
cmp whole.safetensors again.safetensors || fail "going on is not the same training"
cp out again.json
expect_json done again.json outcome
expect_json 32000 again.json tokens
train --lr 3e-3 --tokens 32k --json --set trainer.threads_per_worker=2
cp out threads.json
[ "$(json threads.json val_loss)" = "$(json again.json val_loss)" ] || fail "threads change the loss"

# With decay_rule timescale a training has the weight decay of the campaign's of its length.
run "$LRSEARCH" run tiny.yaml --set training.decay_rule=timescale --set training.weight_decay=0.01 \
    --set search.policy=grid --run-dir timescale -q
of_shortest() # COLUMN: of the first trial of the shortest horizon
{
    awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        !least || $at["horizon_tokens"] < least { least = $at["horizon_tokens"]; found = $at[name] }
        END { print found }' timescale/trials.csv
}
train --lr "$(of_shortest lr)" --tokens "$(of_shortest horizon_tokens)" --json \
    --set training.decay_rule=timescale --set training.weight_decay=0.01
expect_status 0
[ "$(json out val_loss | cut -c -14)" = "$(of_shortest val_loss | cut -c -14)" ] ||
    fail "the loss is $(json out val_loss), the campaign's $(of_shortest val_loss)"
train --lr "$(of_shortest lr)" --tokens "$(of_shortest horizon_tokens)" --json \
    --set training.weight_decay=0.01
[ "$(json out val_loss | cut -c -14)" != "$(of_shortest val_loss | cut -c -14)" ] ||
    fail "decay_rule changes nothing"

# A longer horizon goes on from the end, and says what is new.
train --lr 1e-3 --tokens 48k --init whole.safetensors
expect_status 0
expect_err "whole.safetensors was saved with another lr (0.0030000000000000001 -> 0.001"

# An interrupted training is saved and exits 75; the same command with --init ends it.
"$LRSEARCH" train tiny.yaml --lr 3e-3 --tokens 50M --save cut.safetensors >out 2>err &
pid=$!
background="$background $pid"
wait_until 60 grep -q 'training: ' err
kill -TERM "$pid"
wait "$pid"
status=$?
expect_status 75
expect_out "saved in cut.safetensors"

train --lr 300 --tokens 32k
expect_status 5
expect_out "diverged: "
expect_out "at token"

refused() # STATUS TEXT ARGUMENT...: one line on stderr, nothing on stdout
{
    wanted=$1
    text=$2
    shift 2
    train -q "$@"
    expect_status "$wanted"
    expect_err "$text"
    expect_err_lines 1
    expect_out_empty
}
refused 2 "needs --lr and --tokens, as in: lrsearch train" --tokens 32k
refused 2 "--lr 0: must be a number above 0" --lr 0 --tokens 32k
refused 2 "--tokens 1.5: must be a whole count" --lr 1e-3 --tokens 1.5
refused 2 "--run-dir: has no meaning for lrsearch train" --lr 1e-3 --tokens 32k --run-dir x
run "$LRSEARCH" check tiny.yaml --lr 1e-3
expect_status 2
expect_err "--lr: has no meaning for lrsearch check"
refused 74 "nowhere.safetensors: cannot open it: No such file" --lr 1e-3 --tokens 32k --init nowhere.safetensors
refused 65 "no safetensors file" --lr 1e-3 --tokens 32k --init tiny.yaml
head -c 5000 whole.safetensors >short.safetensors
refused 65 "short.safetensors" --lr 1e-3 --tokens 48k --init short.safetensors
refused 65 "wte.weight is 64 x 16 of F32, the model's is 64 x 32" --lr 1e-3 --tokens 48k \
    --init whole.safetensors --set model.d_model=32
refused 65 "has 125 steps behind it, more than the 40 of this training" --lr 1e-3 --tokens 10k \
    --init whole.safetensors
: >a_file
refused 73 "a_file/x.safetensors" --lr 1e-3 --tokens 8k --save a_file/x.safetensors
mkfifo pipe.safetensors # and no device: the new file would take its place
refused 73 "pipe.safetensors: is no regular file, and a new file would take its place" \
    --lr 1e-3 --tokens 8k --save pipe.safetensors
[ -p pipe.safetensors ] || fail "the pipe was replaced"
