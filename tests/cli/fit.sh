#!/bin/sh
# The answer again from the losses of a run, and at another horizon and width.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
empty_figures

model="model: {arch: gpt, d_model: 16, n_layers: 1, head_size: 8, context: 16, vocab: 64, parametrization: mup}"
tiny_plan tiny.yaml "$model" "target: {tokens: 1M, d_model: 32}" \
    "search: {lr: [1e-3, 3e-1], horizons: [8k, 16k, 32k], min_gain: 0.2}"
run "$LRSEARCH" tiny.yaml -q
first_status=$status
[ "$first_status" -eq 0 ] || [ "$first_status" -eq 3 ] || fail "exit status $first_status"
cp out summary
result=logs/tiny/result.json

# ---- fit RUN_DIR: what the run said, from what it left; nothing is written ----
mv tiny.yaml away.yaml
chmod -R a-w logs/tiny
ls -lR --time-style=full-iso logs >before
run "$LRSEARCH" fit logs/tiny
expect_status "$first_status"
cmp -s out summary || fail "fit does not print what run printed"
run "$LRSEARCH" fit logs/tiny/ --json
expect_status "$first_status"
cmp -s out $result || fail "fit --json and result.json differ"
[ ! -s err ] || fail "fit has something to say"

# ---- predict ----
run "$LRSEARCH" predict logs/tiny --tokens 1M --json
expect_status "$first_status"
expect_json "$(json $result target lr)" out target lr
expect_json "$(json $result target ci90)" out target ci90
cmp -s out $result || fail "predict at the plan's target and result.json differ"
run "$LRSEARCH" predict logs/tiny --tokens 64k
expect_out "64k tokens: "
expect_said "32k -> 64k tokens (2x longer)"
expect_out "  best LR ~ tokens^"
run "$LRSEARCH" predict logs/tiny --tokens 16k --width 64
expect_said "16k tokens lie within the lengths that were trained, up to 32k"
expect_out "Target    width 64, "
expect_said "Width the learning rate is that at base_width 16"
expect_said "mup divides it by 4 for"
run "$LRSEARCH" predict logs/tiny --tokens 100T
expect_status 3
expect_said "No peak learning rate for 100T tokens: the target is not known well enough: it is 3.12e+09 times as long as the longest horizon"
ls -lR --time-style=full-iso logs >after
cmp -s before after || fail "fit or predict wrote into the run's directory"
chmod -R u+w logs/tiny

refused 65 "--tokens 4k: is less than the shortest horizon of the campaign, 8k" \
    predict logs/tiny --tokens 4k
refused 65 "--width 60: cannot be shared out among model.head_size 8" \
    predict logs/tiny --tokens 1M --width 60
refused 2 "predict: name a run's directory and --tokens" predict logs/tiny
mkdir none
cd none || exit 1
refused 2 "predict: name a run's directory and --tokens" predict --tokens 1M
cd ..
refused 2 "--width 0: must be a width" predict logs/tiny --tokens 1M --width 0
refused 2 "one run's directory is expected, found also 'x'" predict logs/tiny x --tokens 1M
refused 2 "--target-tokens, --columns, --where and --prior-beta are for a --table" \
    fit logs/tiny --target-tokens 2M
refused 2 "--set: has no meaning for lrsearch fit" fit logs/tiny --set seed=3

# ---- what is no run, or no longer one ----
refused 2 "fit: name a run's directory" fit
refused 65 "logs: is no directory of a run: it has no plan.resolved.json" fit logs
refused 65 "nowhere: is no directory of a run" predict nowhere --tokens 1M
cp -r logs/tiny broken
rm broken/journal.jsonl
refused 74 "broken/journal.jsonl: cannot open the journal: No such file" fit broken
: >broken/journal.jsonl
refused 65 "broken/journal.jsonl: holds no campaign yet" fit broken
sed '3s/[0-9]/x/' logs/tiny/journal.jsonl >broken/journal.jsonl
refused 74 "broken/journal.jsonl:3: the checksum does not fit" fit broken
cp logs/tiny/journal.jsonl broken/journal.jsonl
sed 's/"seeds": 1/"seeds": 2/' logs/tiny/plan.resolved.json >broken/plan.resolved.json
refused 74 "broken/plan.resolved.json: is not the plan that the campaign began with" fit broken
sed 's/"seeds"/"seed"/' logs/tiny/plan.resolved.json >broken/plan.resolved.json # now 3, the default
refused 74 "broken/plan.resolved.json: is not the plan that the campaign began with" fit broken
echo '{' >broken/plan.resolved.json
refused 65 "broken/plan.resolved.json: line 2: " fit broken

# ---- a campaign that is under way, or was interrupted: its first lines, the last of them torn ----
cp -r logs/tiny half
lines=$(wc -l <logs/tiny/journal.jsonl)
head -n $((lines / 2)) logs/tiny/journal.jsonl >half/journal.jsonl
printf '{"event":"pla' >>half/journal.jsonl
cp half/journal.jsonl before
run "$LRSEARCH" fit half --json
expect_status 75
expect_json interrupted out status
run "$LRSEARCH" predict half --tokens 2M
expect_said "the campaign is not finished: more trials may move this"
cmp -s before half/journal.jsonl || fail "the torn journal was mended"

# ---- sp holds at its own width only ----
tiny_plan sp.yaml "name: sp" "search: {lr: [1e-3, 3e-1], horizons: [8k], policy: grid}"
run "$LRSEARCH" sp.yaml -q
run "$LRSEARCH" predict logs/sp --tokens 8k --width 16
expect_out "eak learning rate for 8k tokens"
refused 65 "--width 32: the campaign trained width 16 with parametrization sp" \
    predict logs/sp --tokens 8k --width 32

# ---- tables: 0.03 octave^2 around an optimum that falls as tokens^-0.3, two seeds ----
awk 'BEGIN {
    print "opt,D,LR,L,s"
    for (D = 1e6; D <= 16e6; D *= 2)
        for (i = -4; i <= 4; i++)
            for (s = 0; s < 2; s++) {
                lr = 3e-3 * 2 ^ (i / 1.5)
                x = log(lr / (5e-3 * (D / 1e6) ^ -0.3)) / log(2)
                loss = 3 - 0.1 * log(D / 1e6) + 0.03 * x * x + 0.001 * (s - (i + 4) % 2)
                printf "adam,%d,%.5g,%s,%d\n", D, lr, i == 4 ? "nan" : loss, s
                printf "sgd,%d,%.5g,inf,%d\n", D, lr, s
            }
}' >table.csv
columns=lr=LR,tokens=D,loss=L
table() # TARGET OPTION...
{
    target=$1
    shift
    run "$LRSEARCH" fit --table table.csv --target-tokens "$target" --columns $columns "$@"
}
table 100M --where opt=adam
expect_status 0
expect_out "Peak learning rate for 100M tokens: 1.2e-3" # the truth: 1.256e-3
expect_out "90 % sure between "
expect_said " 2.2e-3 ("
expect_out "  best LR ~ tokens^-0.31"
expect_out "Cost      90 runs, 558M tokens"
expect_out "Campaign  table.csv"
! grep -E 'width|Next|nan|Stopped|core time|FLOPs|target run' out >not || fail "stdout must not say: $(cat not)"
table 100M --where opt=adam --json
expect_json table.csv out name
expect_json 16000000 out horizons 4 tokens
expect_json "" out target width # null: it is not known
expect_json "" out cost flops
expect_json 90 out cost trials
table 5M --where opt=adam # longer rows do not count
expect_status 0
expect_out "Cost      54 runs"
expect_out "eak learning rate for 5M tokens"
table 4M --where opt=adam --where D=4000000 # measured there: no law is needed
expect_status 0
expect_out "Peak learning rate for 4M tokens: 3.4e-3"
table 8M --where opt=adam --where D=4000000 # one horizon alone: the slope is assumed
expect_status 0
expect_out "Confidence: weak"
expect_said "is mostly an assumption ("
table 64M --where opt=adam --where D=4000000
expect_status 3
expect_said "the target is not known well enough: it is 16 times as long"
table 100M --where opt=sgd
expect_status 3
expect_said "every trial diverged"
table 100M --where opt=adam --prior-beta 0.9 --prior-beta-sd 0.001
expect_out "  best LR ~ tokens^-0.9"

table 100M --where opt=adam --prior-beta auto --prior-beta-sd auto
expect_out "  best LR ~ tokens^-0.31"

# Optimizers, weight decays and batches as columns, under their own names or others.
awk 'BEGIN {
    print "optimizer,weight_decay,batch_tokens,tokens,lr,loss"
    split("adamw muon", name, " ")
    for (o = 1; o <= 2; o++)
        for (D = 1e9; D <= 4e9; D *= 2)
            for (i = -3; i <= 3; i++)
                for (w = 1; w <= 2; w++) {
                    lr = 3e-3 * 2 ^ i
                    x = log(lr / (4e-3 * (D / 1e9) ^ -(.2 + .1 * o))) / log(2)
                    printf "%s,%g,32768,%.0f,%g,%.6f\n", name[o], w / 10, D, lr, 3 + .03 * x * x + .001 * w
                }
    printf "\"\033]0;PWN\007\",NaN,32768,1e9,1e-3,3\n"
}' >optimizers.csv
known() # OPTION...
{
    run "$LRSEARCH" fit --table optimizers.csv --target-tokens 16B "$@"
}
known
expect_status 65
expect_err "optimizers.csv: column optimizer has several optimizers: adamw, muon, ?]0;PWN?; say by a condition (where) which"
! grep -q "$(printf '\033')" err || fail "an escape from a table reaches the terminal"
known --where optimizer=muon
expect_said "at 1B tokens the table has several weight decays, 0.1, 0.2, which count alike: choose one by --where"
known --where optimizer=muon --where weight_decay=.2
expect_status 0
! grep -q "count alike" out || fail "one weight decay is left"
expect_said "assumed: tokens^-0.36 for the optimizer muon, because a batch of 32.8k tokens is below the best one"
expect_said "where published exponents for Muon are -0.32 to -0.56"
known --where optimizer=adamw --where weight_decay=.2 --json
expect_json identified out status
grep -q '"assumed": "tokens^-0.26 for the optimizer adamw, because' out || fail "the JSON names no optimizer"
known --where optimizer=adamw --where weight_decay=.2 --prior-beta 0.5
! grep -q "assumed:" out || fail "--prior-beta says what is assumed"
sed '1s/optimizer/opt/; 1s/weight_decay/wd/; 1s/batch_tokens/bs/' optimizers.csv >named.csv
run "$LRSEARCH" fit --table named.csv --target-tokens 16B --columns optimizer=opt,weight_decay=wd,batch_tokens=bs
expect_status 65
expect_err "named.csv: column opt has several optimizers: adamw, muon"
run "$LRSEARCH" fit --table named.csv --target-tokens 16B --columns optimizer=opt \
    --where opt=muon --where wd=0.1
expect_said "for the optimizer muon at an unknown batch, which decides"
refused 65 "named.csv:1: no column optimizer; there are: opt, wd, bs" \
    fit --table named.csv --target-tokens 16B --columns optimizer=optimizer
run "$LRSEARCH" import csv optimizers.csv --where optimizer=muon --where weight_decay=0.1
expect_status 0
expect_out "# assumed of the exponent: tokens^-0.35 for the optimizer muon, because"
run "$LRSEARCH" import csv optimizers.csv
expect_status 65
expect_err "column optimizer has several optimizers"

# A campaign on such a table: its plan has maps, and no model.
cat >replay.yaml <<'END'
version: 1
name: replay
trainer: {kind: replay, table: table.csv, columns: {lr: LR, tokens: D, loss: L}, where: {opt: adam}}
search: {lr: [5e-4, 1.5e-2], horizons: [1M, 2M, 4M], policy: grid}
target: {tokens: 16M}
END
run "$LRSEARCH" replay.yaml -q
first_status=$status
run "$LRSEARCH" fit logs/replay --json
expect_status "$first_status"
cmp -s out logs/replay/result.json || fail "fit --json and result.json of a replayed table differ"
run "$LRSEARCH" predict logs/replay --tokens 32M
expect_out "for 32M tokens"
refused 65 "--width 64: the campaign's losses are those of another program" \
    predict logs/replay --tokens 32M --width 64

# Optima that somebody has found.
printf 'D,best\n1e6,5e-3\n2e6,4.06e-3\n4e6,3.2e-3\n8e6,2.7e-3\n64e6,1\n' >optima.csv
run "$LRSEARCH" fit --table optima.csv --target-tokens 20M --columns tokens=D,lr_opt=best
expect_status 0
expect_out "Peak learning rate for 20M tokens: 2.0e-3"
expect_out "  best LR ~ tokens^-0.30"
expect_said "8M -> 20M tokens (2.5x longer)"
expect_said "each optimum is taken"
run "$LRSEARCH" fit --table optima.csv --target-tokens 100T --columns tokens=D,lr_opt=best
expect_status 3
expect_said "and the 90 % interval reaches a factor"
run "$LRSEARCH" fit --table optima.csv --target-tokens 1500k --columns tokens=D,lr_opt=best
expect_status 0 # one optimum: the slope is assumed
expect_out "Confidence: weak"
expect_said "this slope is an assumption alone: your runs say nothing about it"
! grep -q "makes no difference" out || fail "a table without losses says nothing about that"
run "$LRSEARCH" fit --table optima.csv --target-tokens 1900k --columns tokens=D,lr_opt=best
expect_status 3
expect_said "the target is not known well enough: it is 1.9 times as long"
printf 'D,best,e\n1e6,5e-3,0.2\n2e6,4.06e-3,0.05\n4e6,3.2e-3,\n' >errors.csv
run "$LRSEARCH" fit --table errors.csv --target-tokens 8M --columns tokens=D,lr_opt=best,se=e --json
expect_status 0
expect_json "" out horizons 0 loss_min
! grep -q "no standard errors" out || fail "the table has standard errors"
awk 'BEGIN { print "D,best"; for (i = 1; i <= 40; i++) print i "e6," 5e-3 * i ^ -0.3 }' >many.csv
run "$LRSEARCH" fit --table many.csv --target-tokens 50M --columns tokens=D,lr_opt=best
expect_status 0
expect_said "the table has more than 32 horizons: the shortest do not count"
awk 'BEGIN { print "tokens,lr,loss"
    for (i = 1; i <= 40; i++) for (x = -3; x <= 3; x++)
        print i "e6," 5e-3 * 2 ^ x * i ^ -0.3 "," 3 + 0.03 * x * x }' >many.csv
run "$LRSEARCH" fit --table many.csv --target-tokens 50M
expect_status 0
expect_said "the table has more than 32 horizons: the shortest do not count"
expect_said "Cost 224 runs"
sed 's/0.05/-1/' errors.csv >negative.csv
refused 65 "negative.csv: the optimum 0.00406 at 2000000 tokens has the standard error -1; it must" \
    fit --table negative.csv --target-tokens 8M --columns tokens=D,lr_opt=best,se=e

# What is no table, or the wrong one.
refused 2 "fit --table: needs --target-tokens" fit --table table.csv
refused 2 "fit: a run's directory and --table are both there" \
    fit logs/tiny --table table.csv --target-tokens 1M
refused 65 "table.csv: --target-tokens 900k is less than the shortest horizon of the table, 1M" \
    fit --table table.csv --target-tokens 900k --columns $columns --where opt=adam
refused 65 "table.csv:1: no column lr, tokens, loss; there are: opt, D, LR, L, s" \
    fit --table table.csv --target-tokens 100M
refused 65 "table.csv: no row is left where opt is lion; column opt has: adam, sgd" \
    fit --table table.csv --target-tokens 100M --columns $columns --where opt=lion
refused 65 "table.csv: lines 2 and 3 are of the same tokens, learning rate and seed" \
    fit --table table.csv --target-tokens 100M --columns $columns,seed=s
refused 65 "nowhere.csv: No such file or directory" fit --table nowhere.csv --target-tokens 1M
refused 2 "--columns: 'lr' is not understood" fit --table table.csv --target-tokens 1M --columns lr
refused 2 "--columns: 'rate' is not understood" \
    fit --table table.csv --target-tokens 1M --columns rate=LR
refused 2 "--columns: lr_opt is the best learning rate of a horizon" \
    fit --table table.csv --target-tokens 1M --columns lr_opt=LR,loss=L
refused 2 "--columns: se is of lr_opt, which is not named" \
    fit --table table.csv --target-tokens 1M --columns se=L
refused 2 "--where opt: must have the form COLUMN=VALUE" \
    fit --table table.csv --target-tokens 1M --where opt
refused 2 "--prior-beta 3: must be a number in the range of search.prior_beta (-1 to 2, or auto)" \
    fit --table table.csv --target-tokens 1M --prior-beta 3
refused 2 "--prior-beta-sd 0: must be a number in the range of search.prior_beta_sd (above 0" \
    fit --table table.csv --target-tokens 1M --prior-beta-sd 0
