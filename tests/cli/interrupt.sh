#!/bin/sh
# Signals, the end of a job, forks, and what a trial that fails for good does to the campaign.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
empty_figures

# Trainings of parts of a second to seconds; AddressSanitizer makes them 14 times as long.
horizons='[100k, 1M]' lengthy_horizon=1600k
if grep -q __asan_init "$LRSEARCH"; then
    horizons='[20k, 80k]' lengthy_horizon=200k
fi
tiny_plan long.yaml "model: {arch: gpt, d_model: 32, n_layers: 1, n_heads: 2, context: 32, vocab: 64}" \
    "search: {lr: [4e-3, 8e-3], horizons: $horizons, policy: grid}" "limits: {checkpoint_every: none}"
run "$LRSEARCH" long.yaml --run-dir logs/whole
whole_status=$status

column() # NAME RUN_DIR: of trials.csv
{
    awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { print $at[name] }' \
        "$2/trials.csv"
}

# SIGUSR1, and in the next start SIGUSR2: the training writes down where it is, and goes on from
# there.
journal=logs/drained/journal.jsonl
curves=0 saved=0
for signal in USR1 USR2; do
    start "$LRSEARCH" long.yaml --run-dir logs/drained
    wait_for_events $journal curve $((curves + 4))
    kill -$signal "$pid"
    wait "$pid"
    status=$?
    expect_status 75
    expect_err "SIG$signal: no new trainings; 1 that run may write their checkpoint, 60 s at most"
    expect_json interrupted logs/drained/result.json status
    expect_file logs/drained/checkpoints/trial-*.safetensors
    saved=$((saved + 1))
    [ "$(grep -c '"message":"canceled at token [0-9]*, saved at token' $journal)" -eq $saved ] ||
        fail "the training was not saved"
    curves=$(grep -c '"event":"curve"' $journal)
done
run "$LRSEARCH" long.yaml --run-dir logs/drained
expect_status "$whole_status"
expect_same_answer logs/whole/result.json logs/drained/result.json
expect_json "$(json logs/whole/result.json cost tokens)" logs/drained/result.json cost tokens
expect_json 0 logs/drained/result.json cost lost_tokens
# Two trainings, or one twice.
attempts=$(grep '"event":"ended"' $journal | grep -c '"begun_tokens":[1-9]')
[ "$attempts" -eq 2 ] || fail "$attempts attempts instead of 2 went on from a checkpoint"
[ ! -e logs/drained/checkpoints ] || fail "checkpoints are left behind"
[ ! -e logs/drained/lock ] || fail "the lock is left behind"

# A kill: what was written down on the way holds; a file that was damaged meanwhile costs only work,
# and the same loss comes from the beginning. One training of some seconds, because checkpoints are
# a second apart.
lengthy() # run|start RUN_DIR
{
    "$1" "$LRSEARCH" long.yaml --run-dir "$2" --set limits.checkpoint_every=1s --set budget.trials=1 \
        --set search.lr='[2e-3, 4e-3]' --set "search.horizons=[$lengthy_horizon]" --set target.tokens=4M
}
saved()
{
    [ -s logs/killed/checkpoints/trial-0001.safetensors ] ||
        has_events logs/killed/journal.jsonl finished 1 # a fast machine needs none
}
lengthy start logs/killed
wait_until 60 saved
kill -KILL "$pid" 2>/dev/null
wait "$pid" 2>/dev/null
if [ -s logs/killed/checkpoints/trial-0001.safetensors ]; then
    cp -r logs/killed logs/damaged
    lengthy run logs/killed
    expect_status 4
    [ "$(column begun_tokens logs/killed)" -gt 0 ] || fail "it began at its beginning"
    head -c 3000 /dev/zero >logs/damaged/checkpoints/trial-0001.safetensors
    lengthy run logs/damaged
    expect_status 4
    expect_err "checkpoint not used"
    [ "$(column begun_tokens logs/damaged)" -eq 0 ] || fail "it went on from a damaged checkpoint"
    expect_same_answer logs/damaged/result.json logs/killed/result.json
    for column in val_loss train_loss tokens; do
        [ "$(column $column logs/killed)" = "$(column $column logs/damaged)" ] ||
            fail "another $column: $(column $column logs/killed), $(column $column logs/damaged)"
    done
fi

# A signal at any time leaves 75, or nothing to be done; never 0 for half a campaign.
for moment in 0.02 0.05 0.2; do
    rm -rf logs/early
    start env --default-signal=INT "$LRSEARCH" long.yaml --run-dir logs/early
    until [ "$(readlink "/proc/$pid/exe")" = "$(readlink -f "$LRSEARCH")" ]; do
        sleep 0.01 # before that SIGINT may still be ignored, as the shell has it in the background
    done
    sleep $moment
    kill -INT "$pid"
    wait "$pid"
    status=$?
    case $status in
    75 | 130) ;; # 130: the shell had not begun the program
    *) fail "interrupted after $moment s: exit status $status" ;;
    esac
done

# A decision over 64 cells and 16 horizons takes seconds, and so does a fit: a signal waits for
# neither.
cat >cells.yaml <<'END'
version: 1
name: cells
trainer: {kind: simulate}
model: {d_model: [16, 32, 64, 128, 256, 512, 1024, 2048], n_layers: [1, 2, 3, 4, 5, 6, 7, 8], base_width: 16}
search: {lr: [1e-3, 3e-1], horizons: [32k, 64k, 128k, 256k, 512k, 1M, 2M, 4M, 8M, 16M, 32M, 64M, 128M, 256M, 512M, 1000M]}
target: {tokens: 10000M}
END
for signal in TERM USR1; do
    rm -rf logs/cells
    start "$LRSEARCH" -v cells.yaml
    wait_for_events logs/cells/journal.jsonl ended 5 # the first round: the second is being decided
    kill -$signal "$pid"
    wait_gone "$pid" 6 || fail "SIG$signal waits for a decision" # 22 s without the interruption
    wait "$pid"
    status=$?
    expect_status 75
    expect_json interrupted logs/cells/result.json status
    expect_out "Not finished"
    ! grep -q '"event":"round","round":2' logs/cells/journal.jsonl || fail "a dropped decision was journalled"
    held=$(sed -n 's/.*the event loop was held for \([0-9]*\) ms at most/\1/p' err)
    [ "${held:-9999}" -lt 1000 ] || fail "a decision held the event loop for $held ms" # 10 without load
done

# A signal while a finished campaign is fitted: its files come with the next start, and its journal
# is complete.
fitted() # run|start
{
    "$1" "$LRSEARCH" cells.yaml --run-dir logs/fitted --set model.n_layers='[1, 2]' \
        --set search.lr='[1e-2, 3e-2]' --set search.horizons='[32k]' --set search.policy=grid
}
fitted start
wait_for_events logs/fitted/journal.jsonl finished 1
kill -TERM "$pid" 2>/dev/null
wait_gone "$pid" 6 || fail "SIGTERM waits for the last fit"
wait "$pid"
status=$?
case $status in
75 | 0 | 3) ;; # 0, 3: the fit was faster than the signal
*) fail "SIGTERM in the last fit: exit status $status" ;;
esac
cp logs/fitted/journal.jsonl journal.before
fitted run
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "the finished campaign: exit status $status"
expect_file logs/fitted/result.json
cmp -s journal.before logs/fitted/journal.jsonl || fail "the journal of a finished campaign was written to"

# While it waits for a checkpoint, a second signal does not wait.
rm -rf logs/twice
start env --default-signal=INT "$LRSEARCH" long.yaml --run-dir logs/twice
wait_for_events logs/twice/journal.jsonl curve 1
kill -USR1 "$pid"
kill -INT "$pid"
wait_gone "$pid" 5 || fail "the second signal had to wait"
wait "$pid"
status=$?
expect_status 75

# Slurm says when the job ends: it stops in time by itself, and does not begin what cannot be saved.
last_command="SLURM_JOB_END_TIME"
sleep 0.$(((15 - $(date +%1N)) % 10)) # to the middle of a second: half a second of work
SLURM_JOB_END_TIME=$(($(date +%s) + 3)) "$LRSEARCH" long.yaml --run-dir logs/job --grace 2s \
    >out 2>err </dev/null
status=$?
expect_status 75
expect_err "the job's time limit: no new trainings"
SLURM_JOB_END_TIME=$(($(date +%s) + 1)) "$LRSEARCH" long.yaml --run-dir logs/late >out 2>err </dev/null
status=$?
expect_status 75
! grep -q '"event":"started"' logs/late/journal.jsonl || fail "a training began that could not end"
run "$LRSEARCH" long.yaml --run-dir logs/job
expect_status "$whole_status"
expect_same_answer logs/whole/result.json logs/job/result.json
cat >simulated.yaml <<'END'
version: 1
name: simulated
trainer: {kind: simulate}
search: {lr: [1e-3, 1e-1], horizons: [1M, 2M], policy: grid}
target: {tokens: 4M}
END
export SLURM_JOB_END_TIME=9223372036854775807 # a job without an end
run "$LRSEARCH" simulated.yaml --run-dir logs/endless
unset SLURM_JOB_END_TIME
expect_no_err "time limit"
[ "$status" -ne 75 ] || fail "a job without an end ended at once"
run "$LRSEARCH" long.yaml --run-dir logs/job --grace soon
expect_status 2
expect_err "--grace soon: must be a time such as 60s, 1h at most"

# A changed plan: refused, or forked with the trainings that still hold.
tiny_plan few.yaml "search: {lr: [3e-2, 1e-1], horizons: [8k, 16k], policy: grid}"
tiny_plan more.yaml "search: {lr: [3e-2, 1e-1], horizons: [8k, 16k, 32k], policy: grid}"
run "$LRSEARCH" few.yaml --run-dir logs/few
run "$LRSEARCH" more.yaml --run-dir logs/few
expect_status 65
expect_err "search.horizons ([8000, 16000] -> [8000, 16000, 32000])"
expect_err "with --fork NAME"
run "$LRSEARCH" more.yaml --run-dir logs/few --fork more
fork_status=$status
expect_json "$(json logs/few/result.json cost tokens)" logs/more/result.json cost reused_tokens
run "$LRSEARCH" more.yaml --run-dir logs/new
expect_status "$fork_status"
expect_same_answer logs/new/result.json logs/more/result.json
expect_json "$(json logs/new/result.json cost tokens)" logs/more/result.json cost tokens
cmp -s logs/few/curves/trial-0001.csv logs/more/curves/trial-0001.csv || fail "curves differ"
tiny_plan other.yaml "training: {batch_tokens: 128}" \
    "search: {lr: [3e-2, 1e-1], horizons: [8k, 16k], policy: grid}"
run "$LRSEARCH" other.yaml --run-dir logs/few --fork other
expect_json 0 logs/other/result.json cost reused_tokens
run "$LRSEARCH" more.yaml --run-dir logs/few --fork ../away
expect_status 2
expect_err "--fork ../away: must be a name"
run "$LRSEARCH" more.yaml --run-dir logs/nowhere --fork away
expect_status 65
expect_err "logs/nowhere: holds no campaign to fork from"
[ ! -e logs/away ] || fail "a fork of nothing left a directory"
sed -i '1s/"version":"[^"]*"/"version":"0.0.1"/' logs/few/journal.jsonl
run "$LRSEARCH" more.yaml --run-dir logs/few --fork damaged
expect_status 74
expect_err "logs/few/journal.jsonl:1: the checksum does not fit"

# A trial that fails for good: the campaign goes on without it, or stops and tries it again.
cat >crash.yaml <<'END'
version: 1
name: crash
trainer: {kind: simulate}
simulate: {crash: 1}
search: {lr: [1e-3, 3e-1], horizons: [32k, 64k], policy: grid}
target: {tokens: 1M}
limits: {max_failures: 1000}
on_fail: {retries: 0, then: stop}
END
run "$LRSEARCH" crash.yaml
expect_status 5
expect_err "trial 1 failed in 1 attempt, and on_fail.then is stop"
expect_err "it is tried again"
expect_file logs/crash/faults.csv
grep -q ",failed,.*simulated crash" logs/crash/faults.csv || fail "faults.csv has no reason"
run "$LRSEARCH" crash.yaml
expect_status 5
[ "$(grep -c '"event":"started","trial_id":1,' logs/crash/journal.jsonl)" -eq 2 ] ||
    fail "the trial was not tried again"
run "$LRSEARCH" crash.yaml --set on_fail.then=mark
expect_status 3
expect_json not_identified logs/crash/result.json status
run "$LRSEARCH" crash.yaml --run-dir logs/many --set on_fail.then=mark --set limits.max_failures=3
expect_status 5
expect_err "4 attempts failed or were lost, limits.max_failures is 3"
