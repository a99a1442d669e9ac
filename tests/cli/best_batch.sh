#!/bin/sh
# predict --batch auto: the best batch at a horizon and its learning rate, from a campaign whose
# plan has several batches; and where the losses do not tell it.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
empty_figures

# The best batch is 2^16 at 1B tokens and goes as tokens^.5; the best LR as the batch's root.
table() # FILE BASIN: nats at an octave from the best batch
{
    awk -v basin="$2" 'BEGIN {
        print "tokens,batch,lr,loss"
        for (h = 0; h < 3; h++)
            for (b = 14; b <= 20; b++)
                for (k = 0; k < 9; k++) {
                    lr = 2.5e-4 * 2 ^ k
                    x = log(lr / (4e-3 * 2 ^ ((b - 17) / 2))) / log(2)
                    t = b - 16 - h
                    noise = .0005 * ((k * 7 + b * 5 + h * 3) % 5 - 2)
                    printf "%de9,%d,%.17g,%.6f\n", 4 ^ h, 2 ^ b, lr, 3 - .1 * h + .02 * x * x + basin * t * t + noise
                }
    }' >"$1"
}
batches_plan() # FILE NAME TABLE BATCHES
{
    cat >"$1" <<END
version: 1
name: $2
trainer: {kind: replay, table: $3, columns: {batch_tokens: batch}}
training: {batch_tokens: $4}
search: {lr: [2.5e-4, 6.4e-2], horizons: [1B, 4B, 16B], policy: grid}
target: {tokens: 256B}
END
}
table table.csv .01
batches_plan batches.yaml batches table.csv "[32768, 65536, 131072, 262144, 524288]"
run "$LRSEARCH" batches.yaml -q
expect_status 0

find logs/batches -type f -exec cksum {} + >before
run "$LRSEARCH" predict logs/batches --tokens 64B --batch auto
expect_status 0
expect_out "Peak learning rate for 64B tokens: "
expect_said "Best batch for 64B tokens: "
expect_said "tokens a step, 90 % sure between "
expect_said "best LR there: "
expect_said "fitted at 16B tokens: 2"
expect_said ", of 5 batches"
expect_said "best batch ~ tokens^0."
run "$LRSEARCH" predict logs/batches --tokens 64B --batch auto --json
expect_status 0
expect_json ON out best_batch known
expect_json "" out best_batch reason
expect_json "$(json out target tokens)" out target tokens
within() # KEY... LOW HIGH: is the number between?
{
    low=$1
    high=$2
    shift 2
    json out "$@" | awk -v low="$low" -v high="$high" '{ exit !($1 > low && $1 < high) }' ||
        fail "$*: $(json out "$@") is not between $low and $high"
}
within 370e3 745e3 best_batch batch_tokens # the truth: 2^19
within 370e3 745e3 target batch_tokens
within 5.6e-3 1.1e-2 target lr # 8e-3
within 0.3 0.7 best_batch exponent
json out best_batch ci90 | tr -d '[],' | awk '{ exit !($1 < 524288 && 524288 < $2) }' ||
    fail "the interval does not hold the best batch"
cp out first
run "$LRSEARCH" predict logs/batches --tokens 64B --batch auto --json
cmp -s first out || fail "given again, another answer"
# Its interval holds more than that of one given batch.
batch=$(json out target batch_tokens)
wide=$(json out target ci90 | tr -d '[],' | awk '{ print $2 / $1 }')
run "$LRSEARCH" predict logs/batches --tokens 64B --batch "$batch" --json
expect_json "$(json first target lr)" out target lr
expect_json "" out best_batch
json out target ci90 | tr -d '[],' | awk -v wide="$wide" '{ exit !($2 / $1 < wide) }' ||
    fail "the batch's uncertainty is not in the interval"
run "$LRSEARCH" predict logs/batches --tokens 1T --batch auto
expect_said "lies beyond those that were trained, 32.8k to 524k"
find logs/batches -type f -exec cksum {} + >after
cmp -s before after || fail "predict wrote into the run's directory"

# ---- where the losses do not tell it ----

unknown() # NAME TABLE BATCHES REASON
{
    batches_plan "$1.yaml" "$1" "$2" "$3"
    run "$LRSEARCH" "$1.yaml" -q
    run "$LRSEARCH" predict "logs/$1" --tokens 64B --batch auto
    expect_status 3
    expect_said "No peak learning rate for 64B tokens: the best batch for 64B tokens is not known: $4"
    ! grep -q "guess" out || fail "a learning rate of no batch"
    run "$LRSEARCH" predict "logs/$1" --tokens 64B --batch auto --json
    expect_status 3
    expect_json not_identified out status
    expect_json OFF out best_batch known
    expect_json "" out target lr
    expect_json "" out target ci90 0
}
unknown two table.csv "[131072, 262144]" "2 batches with a fitted best learning rate cannot show a lowest loss; 3 can"
unknown low table.csv "[16384, 32768, 65536]" "at 16B tokens, the longest horizon, the loss still falls towards the largest batch tried, 65.5k: try larger ones"
unknown high table.csv "[524288, 1048576, 262144]" "at 16B tokens, the longest horizon, the loss still falls towards the smallest batch tried, 262k: try smaller ones"
table flat.csv 0
unknown flat flat.csv "[32768, 131072, 524288]" "the losses do not show that the batch matters"

batches_plan one.yaml one table.csv 65536
run "$LRSEARCH" one.yaml -q
run "$LRSEARCH" predict logs/one --tokens 64B --batch auto
expect_status 65
expect_err "--batch auto: the campaign trained one batch; the best one shows only where several were"
run "$LRSEARCH" predict logs/batches --tokens 64B --batch best
expect_status 2
expect_err "--batch best: must be the tokens of a step, such as 4M, or auto"
run "$LRSEARCH" predict logs/batches --tokens 64B --batch 1
expect_status 2
run "$LRSEARCH" audit --lr 3e-4 --tokens 1T --params 7B --batch auto
expect_status 2
expect_err "--batch auto: must be the tokens of a step, such as 4M"
