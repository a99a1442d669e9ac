#!/bin/sh
# lrsearch ask and tell: a campaign whose trials others train. The answer is that of `run` with the
# same losses, told in another order; results are taken once; what is not told is handed out again;
# ten processes at once get different trials and lose no result. The Python module does the same.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
empty_figures

cat >sim.yaml <<'END'
version: 1
name: sim
trainer: {kind: simulate}
search: {lr: [1e-3, 2.56e-1], horizons: [1M, 2M, 4M]}
target: {tokens: 64M}
END
sed 's/simulate/external/; s/name: sim/name: ext/' sim.yaml >ext.yaml
sed 's/^search: .*/search: {lr: [4e-3, 1.6e-2], horizons: [1M, 2M, 4M], policy: grid}/' ext.yaml >few.yaml

python=
! command -v python3 >/dev/null || python="env PYTHONPATH=$LRSEARCH_SOURCE_DIR/contrib \
    PYTHONDONTWRITEBYTECODE=1 LRSEARCH=$LRSEARCH python3"

# ---- the same answer as run, by the Python module, told last first ----

cat >loop.py <<'END'
import csv, sys
import lrsearch

class Tensor: # as those of torch, whose repr() is no number
    def __init__(self, value):
        self.value = value
    def __float__(self):
        return self.value

known = {int(row["id"]): row for row in csv.DictReader(open("logs/run/trials.csv"))}
while True:
    trials = lrsearch.ask("logs/asked", "sim.yaml", n=3)
    if trials.state == "finished":
        break
    assert trials, trials.state
    for t in reversed(trials):
        row = known[t["trial"]]
        assert float(row["lr"]) == t["lr"] and int(row["horizon_tokens"]) == t["tokens"]
        result = {"diverged": True} if row["outcome"] == "diverged" else {"loss": Tensor(float(row["val_loss"]))}
        for _ in range(2 if t["trial"] in (1, 3, 5, 8) else 1): # the second is known
            lrsearch.tell("logs/asked", t, tokens=int(row["tokens"]), seconds=float(row["seconds"]),
                          curve=[(1000 * k, Tensor(3.5 - k / 100)) for k in range(1, 100)]
                          + [(100000, float("nan"))], **result)
assert trials.result == lrsearch.result("logs/asked")
assert lrsearch.report("logs/asked") == "logs/asked/report.html"
try:
    lrsearch.tell("logs/asked", 1, failed="\0x" * 100000)
except lrsearch.LrsearchError as error:
    assert error.status == 65, error
try:
    lrsearch.tell("logs/asked", 1, loss=9.0)
    sys.exit("another result was taken")
except lrsearch.LrsearchError as error:
    assert error.status == 65 and "has ended already" in str(error), error
END
if [ "$python" ]; then
    run "$LRSEARCH" sim.yaml --run-dir logs/run -q
    expect_status 0
    run $python loop.py
    expect_status 0
    cmp logs/run/result.json logs/asked/result.json || fail "another answer than that of run"
    [ "$(sed -n '$=' logs/asked/curves/trial-0001.csv)" -eq 34 ] || fail "a curve without its 33 points"
    expect_file logs/asked/trials.csv logs/asked/report.html
    run "$LRSEARCH" ask logs/asked
    expect_status 0
    expect_out "Peak learning rate for 64M tokens"
    run $python "$LRSEARCH_SOURCE_DIR/contrib/ask_tell_example.py" logs/example few.yaml
    expect_status 0
    expect_out "identified: learning rate"
fi

# ---- what is refused ----

refused 65 "trainer.kind: external is trained by you" run ext.yaml
refused 65 "trainer.kind: external is trained by you" train ext.yaml --lr 1e-3 --tokens 1M
refused 65 "is no directory of a run" ask logs/none
refused 65 "is no directory of a run" tell logs/none --trial 1 --loss 3
refused 2 "give one of --loss, --diverged and --failed" tell logs/ext --trial 1
refused 2 "--set: needs a PLAN" ask logs/ext --set seed=2
sed 's/external/transformer/' ext.yaml >bad.yaml
run "$LRSEARCH" ask logs/bad bad.yaml
expect_status 65
[ ! -e logs/bad ] || fail "a bad plan made a directory"

# ---- once, again, and too late ----

run "$LRSEARCH" ask logs/ext ext.yaml -n 2
expect_status 0
expect_out "trial 1, attempt 1: lr 0.001, tokens 1000000, seed 1"
expect_out "trial 2, attempt 1: lr 0.004"
refused 65 "trial 3: was not handed out" tell logs/ext --trial 3 --loss 3
refused 65 "trial 9: there is none; the last one is trial 5" tell logs/ext --trial 9 --loss 3
refused 65 "trial 1: attempt 2 was not handed out" tell logs/ext --trial 1 --attempt 2 --loss 3
refused 65 "trial 1: 2000000 tokens are beyond its horizon" tell logs/ext --trial 1 --loss 3 --tokens 2M
refused 65 "a loss at 1000 tokens is told" tell logs/ext --trial 1 --loss 3 --tokens 1k
run "$LRSEARCH" tell logs/ext --trial 1 --loss 3.25
expect_status 0
expect_out "trial 1, attempt 1: recorded"
lines=$(wc -l <logs/ext/journal.jsonl)
run "$LRSEARCH" tell logs/ext --trial 1 --loss 3.25
expect_status 0
expect_out "trial 1, attempt 1: is known already"
[ "$(grep -c '"ended"' logs/ext/journal.jsonl)" -eq 1 ] || fail "a result was recorded twice"
refused 65 "has ended already, with loss 3.25 at 1000000 tokens; what is told now, loss 3.5" \
    tell logs/ext --trial 1 --loss 3.5
run "$LRSEARCH" tell logs/ext --trial 2 --failed "no GPU $(printf '\033')[2J here"
expect_status 0
! grep -q "$(printf '\033')" logs/ext/journal.jsonl || fail "an escape in the journal"
run "$LRSEARCH" ask logs/ext --json
expect_json 2 "$work/out" trials 0 trial
expect_json 2 "$work/out" trials 0 attempt
run "$LRSEARCH" ask logs/ext --again-after 0s
expect_out "trial 2, attempt 3"
run "$LRSEARCH" tell logs/ext --trial 2 --attempt 2 --loss 3.125
expect_out "trial 2, attempt 2: recorded"
run "$LRSEARCH" tell logs/ext --trial 2 --attempt 3 --loss nan
expect_status 65
run "$LRSEARCH" ask logs/ext --again-after 6h -n 9 --json
expect_json 3 "$work/out" out
run "$LRSEARCH" ask logs/ext
expect_status 0
expect_out "nothing to hand out until results are told; trials without a result: 3"

# ---- a changed plan ----

refused 65 "the plan has changed since this campaign began" ask logs/ext ext.yaml --set 'search.lr=[2e-3, 2.56e-1]'
run "$LRSEARCH" ask logs/ext ext.yaml --set 'search.lr=[5e-4, 2.56e-1]' --fork wider
expect_status 0
[ "$(grep -c '"ended"' logs/wider/journal.jsonl)" -eq 2 ] || fail "the fork does not have the 2 results"
! grep -q "trial [12]," "$work/out" || fail "the fork hands out what is known"

# ---- ten at once ----

cat >grid.yaml <<'END'
version: 1
name: grid
trainer: {kind: command, argv: [train, '--lr={lr}', '{tokens}'], env: {MODE: a b}, cwd: /}
search: {lr: [1e-3, 6.4e-2], horizons: [1M, 2M], policy: grid}
target: {tokens: 64M}
END
refused 65 "--json gives the command of each trial: trainer.argv[1]: at byte 2: {port} has no value" \
    ask logs/grid grid.yaml --json --set 'trainer.argv=[train, "{port}"]'
[ ! -e logs/grid ] || fail "a trial was handed out without its command"
children=
for i in 0 1 2 3 4 5 6 7 8 9; do
    "$LRSEARCH" ask logs/grid grid.yaml --json >asked.$i 2>err.$i &
    children="$children $!"
done
for child in $children; do
    wait "$child" || fail "an ask failed: $(cat err.*)"
done
grep -h '"trial":' asked.* | tr -dc '0-9\n' | sort -n >ids
seq 10 | cmp - ids || fail "ten asks did not get ten trials: $(tr '\n' ' ' <ids)"
expect_json "--lr=$(json asked.0 trials 0 env LRSEARCH_LR)" asked.0 trials 0 argv 1
expect_json "a b" asked.0 trials 0 env MODE
expect_json "$(json asked.0 trials 0 trial)" asked.0 trials 0 env LRSEARCH_TRIAL
expect_json / asked.0 trials 0 cwd
! grep -q LRSEARCH_REPORT_FD asked.0 || fail "a descriptor that the caller does not have"
children=
for i in $(cat ids); do
    "$LRSEARCH" tell logs/grid --trial "$i" --loss "3.$i" >told.$i 2>err.$i &
    children="$children $!"
done
for child in $children; do
    wait "$child" || fail "a tell failed: $(cat err.*)"
done
[ "$(grep -c '"ended"' logs/grid/journal.jsonl)" -eq 10 ] || fail "a result is lost"
[ ! -e logs/grid/lock ] || fail "a lock is left behind"

# ---- after a run that was killed: its trials are handed out, and failures alike do not end it ----

sed 's/argv: .*/argv: [sleep, 99], report: {prefix: x}}/' grid.yaml >slow.yaml
start "$LRSEARCH" slow.yaml --run-dir logs/killed --set trainer.concurrent_trials=2
wait_for_events logs/killed/journal.jsonl started 2
kill -KILL "$pid"
wait "$pid" || :
run "$LRSEARCH" ask logs/killed -n 9
expect_status 0
expect_out "trial 1, attempt 2:"
expect_out "trial 2, attempt 2:"
expect_out "trial 9, attempt 1:"
for i in 1 2 3; do
    run "$LRSEARCH" tell logs/killed --trial $i --failed "no GPU"
    expect_status 0
done
run "$LRSEARCH" ask logs/killed -n 9
expect_status 0
expect_out "trial 1, attempt 3:"
expect_out "trial 10, attempt 1:"
