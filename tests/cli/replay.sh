#!/bin/sh
# trainer.kind replay and simulate: campaigns without training, the same on one rank and on three;
# tables that cannot be used are refused before anything is looked up.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
empty_figures

# ---- a table made up here: a basin around 4e-3, 3e-3, 2.25e-3 ----

awk 'BEGIN {
    print "width;x,steps,peak lr,final"
    for (width = 1; width <= 2; width++)
        for (h = 0; h < 3; h++)
            for (k = 0; k < 9; k++) {
                lr = 2.5e-4 * 2 ^ k
                t = log(lr / (4e-3 * .75 ^ h)) / log(2)
                printf "%d,%de5,%.17g,%s\n", width * 64, 2 ^ h, lr,
                    (t > 3 ? "" : 3 - .2 * h + .02 * t * t + .001 * ((k * 7 + h) % 3))
            }
}' >table.csv
replay_plan() # FILE [SECTION...]: as tiny_plan
{
    file=$1
    shift
    cat >"$file" <<'END'
version: 1
name: replay
trainer: {kind: replay, table: table.csv, columns: {lr: peak lr, tokens: steps, loss: final}, where: {width;x: 64.0}}
search: {lr: [2.5e-4, 6.4e-2], horizons: [100k, 200k, 400k], resolution: 0.5}
target: {tokens: 3.2M}
END
    for section in "$@"; do
        grep -v "^${section%%:*}:" "$file" >"$file.new"
        printf '%s\n' "$section" >>"$file.new"
        mv "$file.new" "$file"
    done
}

replay_plan replay.yaml
minor_faults() # of the commands so far: field 11 of proc(5)
{
    cut -d' ' -f11 "/proc/$$/stat"
}
before=$(minor_faults)
run "$LRSEARCH" check replay.yaml
faults=$(($(minor_faults) - before))
expect_status 0
expect_out "nothing is trained"
# It simulates campaigns: 169,000 where each posterior has its pages anew, 6,000 where they stay.
grep -q __asan_init "$LRSEARCH" || [ "$faults" -lt 60000 ] || fail "$faults page faults"
[ ! -e logs ] || fail "check must leave nothing behind"
run "$LRSEARCH" replay.yaml
expect_status 0
expect_err "table: 27 trainings"
expect_no_err "warning"
expect_json identified logs/replay/result.json status
grep -q '"width": null' logs/replay/result.json || fail "a width that nobody gave"
! grep -q '"event":"curve"' logs/replay/journal.jsonl || fail "something was trained"
cp logs/replay/result.json alone.json

# Given again: the same answer; another table is refused.
run "$LRSEARCH" replay.yaml
expect_status 0
run "$LRSEARCH" replay.yaml --set trainer.where.width\;x=128
expect_status 65
expect_err 'trainer.where.width;x ("64.0" -> "128")'

run "$LRSEARCH" train replay.yaml --lr 4e-3 --tokens 100k
expect_status 0
expect_out "val_loss   3.001"
run "$LRSEARCH" train replay.yaml --lr 1 --tokens 100k
expect_status 65
expect_out "refused: the table has no loss at learning rate 1 on 100000 tokens; it knows 0.00025 to 0.064"
run "$LRSEARCH" train replay.yaml --lr 4e-3 --tokens 100k --save x
expect_status 2
expect_err "--init, --save and --until need trainer.kind: transformer, this one is replay"
run "$LRSEARCH" coord-check replay.yaml
expect_status 65
expect_err "coord-check needs trainer.kind: transformer, this one is replay"

# ---- beyond the table ----

replay_plan beyond.yaml "name: beyond" "search: {lr: [1e-4, 1], horizons: [100k, 200k, 400k], resolution: 0.5}"
run "$LRSEARCH" beyond.yaml
expect_status 0
expect_err "warning: search.lr, 0.0001 to 1, reaches beyond the table, which knows 0.00025 to 0.064 on 100000 tokens, "
expect_said "failed after all retries"
grep -q ',refused,' logs/beyond/trials.csv || fail "nothing was refused"
! grep -q '"attempt":2' logs/beyond/journal.jsonl || fail "a refused trial was tried again"

# ---- tables that cannot be used ----

refused() # TEXT [SECTION...]: check and run say the same
{
    text=$1
    shift
    replay_plan bad.yaml "name: bad" "$@"
    for command in check run; do
        run "$LRSEARCH" "$command" bad.yaml
        expect_status 65
        expect_err "$text"
        expect_out_empty
    done
    ! grep -q '"event":"started"' logs/bad/journal.jsonl 2>/dev/null || fail "a trial was started"
    rm -rf logs/bad
}

columns="columns: {lr: peak lr, tokens: steps, loss: final}"
refused "trainer.table: $work/none.csv: No such file" "trainer: {kind: replay, table: none.csv, $columns}"
refused "table.csv:1: no column lr, tokens, kind; there are: width;x, steps, peak lr, final" \
    "trainer: {kind: replay, table: table.csv, columns: {loss: final}, where: {kind: a}}"
refused "no row is left where width;x is 65; column width;x has: 64, 128" \
    "trainer: {kind: replay, table: table.csv, $columns, where: {width;x: 65}}"
refused "search.horizons: the table has no trainings on 300000, 800000 tokens, only on 100000, 200000, 400000" \
    "search: {lr: [1e-3, 1e-2], horizons: [100k, 300k, 800k]}"
refused "search.lr: 0.1 to 1 is not in the table, which has 0.00025 to 0.064 on 100000 tokens" \
    "search: {lr: [.1, 1], horizons: [100k]}"
sed 's/^64,1e5,0.001,.*/64,1e5,NaN,3/' table.csv >nan.csv
refused "nan.csv:4: column peak lr: 'NaN' is no learning rate: it must be a positive number" \
    "trainer: {kind: replay, table: nan.csv, $columns}"
printf 'tokens,lr,loss\n1e5,1e-3,3\n1e5,1e-3,3.1\n' >one.csv
refused "one.csv: has one learning rate only (0.001) on 100000 tokens" \
    "trainer: {kind: replay, table: one.csv}" "search: {lr: [1e-4, 1e-2], horizons: [100k]}"

# ---- optimizers and weight decays as columns ----

awk 'BEGIN {
    print "optimizer,wd,tokens,lr,loss"
    for (w = 1; w <= 2; w++)
        for (o = 1; o <= 2; o++)
            for (h = 0; h < 3; h++)
                for (k = 0; k < 9; k++) {
                    lr = 2.5e-4 * 2 ^ k
                    t = log(lr / (4e-3 * .75 ^ h)) / log(2)
                    printf "%s,%g,%de5,%.17g,%s\n", (o == 1 ? "adamw" : "muon"), w / 10, 2 ^ h, lr,
                        3 - .2 * h + .02 * t * t + .1 * w
                }
}' >settings.csv
refused "settings.csv: column optimizer has several optimizers: adamw, muon; say by a condition (where) which of them counts" \
    "trainer: {kind: replay, table: settings.csv}"
refused "trainer.columns: names a column for weight_decay, but training.weight_decay does not say" \
    "trainer: {kind: replay, table: settings.csv, columns: {weight_decay: wd}, where: {optimizer: muon}}"
refused "no row is left where optimizer is muon and wd is 0.3; column wd has: 0.1, 0.2" \
    "trainer: {kind: replay, table: settings.csv, columns: {weight_decay: wd}, where: {optimizer: muon}}" \
    "training: {weight_decay: 0.3}"
replay_plan muon.yaml "name: muon" "training: {weight_decay: 0.2}" \
    "trainer: {kind: replay, table: settings.csv, columns: {weight_decay: wd}, where: {optimizer: muon}}"
run "$LRSEARCH" train muon.yaml --lr 4e-3 --tokens 100k
expect_status 0
expect_out "val_loss   3.2000"
run "$LRSEARCH" muon.yaml
expect_status 0
expect_err "table: 27 trainings"
expect_no_err "warning"
replay_plan decays.yaml "name: decays" "training: {weight_decay: [0.1, 0.2]}" \
    "trainer: {kind: replay, table: settings.csv, columns: {weight_decay: wd}, where: {optimizer: muon}}"
run "$LRSEARCH" decays.yaml
expect_status 0
expect_err "table: 27 trainings of weight_decay 0.1"
expect_err "table: 27 trainings of weight_decay 0.2"
sed '1s/wd/weight_decay/' settings.csv >mixed.csv
replay_plan mixed.yaml "name: mixed" "trainer: {kind: replay, table: mixed.csv, where: {optimizer: muon}}" \
    "search: {lr: [2.5e-4, 6.4e-2], horizons: [100k, 200k, 400k], policy: grid}"
run "$LRSEARCH" check mixed.yaml
expect_err "the table has several weight decays on 100000 tokens, 0.1, 0.2, which count alike; choose one by trainer.where"

# ---- tables that give no optimum ----

printf 'tokens,lr,loss\n1e5,1e-3,3\n1e5,1e-2,3.1\n' >two.csv
replay_plan two.yaml "name: two" "trainer: {kind: replay, table: two.csv}" \
    "search: {lr: [1e-4, 1e-1], horizons: [100k]}"
run "$LRSEARCH" two.yaml
expect_status 3
expect_json not_identified logs/two/result.json status
printf 'tokens,lr,loss\n1e5,1e-3,\n1e5,1e-2,inf\n' >hot.csv
replay_plan hot.yaml "name: hot" "trainer: {kind: replay, table: hot.csv}" \
    "search: {lr: [1e-3, 1e-2], horizons: [100k]}"
run "$LRSEARCH" hot.yaml
expect_status 3
expect_json not_identified logs/hot/result.json status

# ---- made-up losses ----

cat >simulate.yaml <<'END'
version: 1
name: simulate
trainer: {kind: simulate}
simulate: {noise: 0.001, crash: 0.2, delay: 0.3}
search: {lr: [1e-3, 6.4e-2], horizons: [1M, 2M, 4M], resolution: 0.5}
target: {tokens: 64M}
END
run "$LRSEARCH" simulate.yaml
expect_status 0
expect_err "failed: a simulated crash (simulate.crash)"
expect_json identified logs/simulate/result.json status

# ---- ranks ----

mpi_environment
run_mpi 3 replay.yaml --run-dir logs/three
expect_status 0
cmp alone.json logs/three/result.json || fail "three ranks give another result.json"
run_mpi 3 simulate.yaml --run-dir logs/three-simulate
expect_status 0
expect_same_answer logs/simulate/result.json logs/three-simulate/result.json
