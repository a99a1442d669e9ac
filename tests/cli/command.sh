#!/bin/sh
# trainer.kind command: a program of the user's as the trainer. The same answer on one rank and on
# three; what the program is told; each way to report; each way to go wrong is a failed attempt that
# says why, and the campaign gets the same answer all the same; nothing of a program is left behind.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
empty_figures

# A training made up in awk: best at 8e-3 on 1M tokens. In bad.sh the first attempt at each trial
# goes wrong in a way of its own.
cat >train.sh <<'END'
#!/bin/sh
exec awk -v lr="$LRSEARCH_LR" -v d="$LRSEARCH_TOKENS" 'BEGIN {
    t = log(lr / (8e-3 * (d / 1e6) ^ -.3)) / log(2)
    for (k = 1; k <= 8; k++)
        printf "{\"tokens\": %d, \"loss\": %.6f}\n", int(d * k / 8), 4 - k / 8
    if (t > 3.5) printf "{\"tokens\": %d, \"loss\": NaN}\n", d
    else printf "{\"tokens\": %d, \"loss\": %.17g, \"loss_se\": 1e-4, \"final\": true}\n", d, 2 + .02 * t * t
}' >&"$LRSEARCH_REPORT_FD"
END
cat >bad.sh <<'END'
#!/bin/sh
say() { echo "$1" >&"$LRSEARCH_REPORT_FD"; }
echo $$ >>pids
case $LRSEARCH_TRIAL.$LRSEARCH_ATTEMPT in
1.1) echo "no GPU here" >/dev/stderr && exit 3 ;;
2.1) say "step 1: 3.5" && exec sleep 60 ;;
3.1) kill -KILL $$ ;;
4.1) say '{"tokens": 10, "loss": 3}' && exit 0 ;;
5.1) say "{\"tokens\": $((LRSEARCH_TOKENS + 1)), \"loss\": 3}" && exec sleep 60 ;;
6.1)
    sleep 60 &
    echo $! >>pids
    exit 0 ;;
7.1)
    trap : TERM
    while :; do sleep 0.2; done ;;
8.1) head -c 30000000 /dev/zero ;;
*) exec ./train.sh ;;
esac
END
chmod +x train.sh bad.sh
cat >good.yaml <<'END'
version: 1
name: good
trainer: {kind: command, argv: [./train.sh]}
search: {lr: [2e-3, 1.28e-1], horizons: [1M, 2M]}
target: {tokens: 8M}
END

# Not of interest here: the cost of the search, which it simulates.
run "$LRSEARCH" check good.yaml --set search.policy=grid --set 'trainer.argv=[./train.sh, "{optimizer}", "{lr*2}"]' --set 'trainer.cwd="{checkpoint}"'
expect_status 0
expect_out "a trial at lr 0.016 on the shortest horizon runs, in $work/:"
expect_out "  ./train.sh adamw 0.032"
expect_no_err "there is no folder" # which one, a trial decides
[ ! -e logs ] || fail "check must leave nothing behind"
run "$LRSEARCH" good.yaml
expect_status 0
expect_json identified logs/good/result.json status
grep -q ',diverged,' logs/good/trials.csv || fail "NaN is no divergence"
grep -q ',1e-04,\|,0.0001,' logs/good/trials.csv || fail "loss_se is not kept"
[ "$(sed -n '$=' logs/good/curves/trial-0001.csv)" -eq 9 ] || fail "a curve without its 8 points"

# ---- everything goes wrong once ----

sed 's/good/bad/; s/train.sh\]/bad.sh], kill_grace: 1s/' good.yaml >bad.yaml
echo 'limits: {silence: 3s}' >>bad.yaml
trials=$(json logs/good/result.json cost trials)
run "$LRSEARCH" bad.yaml
expect_status 0
expect_same_answer logs/good/result.json logs/bad/result.json
expect_err "trial 1, attempt 1: failed: exit status 3; its last line: no GPU here"
expect_err "trial 2, attempt 1: failed: a report is no JSON: "
expect_err "trial 3, attempt 1: failed: signal 9 (Killed) ended it; it printed nothing"
expect_err "trial 4, attempt 1: failed: exit status 0, but it reported no final loss; it printed nothing"
expect_err "trial 5, attempt 1: failed: it reported a loss for "
expect_err " tokens, beyond the horizon of "
expect_err "trial 6, attempt 1: failed: exit status 0, but it reported no final loss"
expect_err "trial 7, attempt 1: failed: it said nothing for 3 s (limits.silence)"
[ "$trials" -lt 8 ] || expect_err "trial 8, attempt 1: failed: exit status 0, but it reported no final loss; its last line: ????"
grep -q "no GPU here" logs/bad/faults.csv || fail "faults.csv does not say why"
grep -qx "exit status 3" logs/bad/output/trial-0001.1.txt || fail "no exit status in the output"
grep -qx "no GPU here" logs/bad/output/trial-0001.1.txt || fail "no last lines in the output"
grep -qx "ended by signal 9" logs/bad/output/trial-0003.1.txt || fail "no signal in the output"
"$LRSEARCH" report logs/bad --data >bad.json || fail "no data of the report"
grep -qF '"heading":"trial 1, attempt 1: failed: exit status 3; its last line: no GPU here"' bad.json ||
    fail "the report does not say why a command failed"
told=$(grep -o '"heading":' bad.json | wc -l)
[ "$told" -eq $(($(wc -l <logs/bad/faults.csv) - 1)) ] || fail "the report tells of $told failed commands"
"$LRSEARCH" report logs/good --data >good.json || fail "no data of the report"
grep -qF '"outputs":[]' good.json || fail "the report shows commands that did not fail"
while read -r child; do
    wait_gone "$child" 1 || fail "process $child was left behind"
done <pids

# ---- the first attempts all fail ----

cat >first.sh <<'END'
#!/bin/sh
echo $$ >>first.pids
if [ -e failed.$PPID ] && mkdir hangs 2>/dev/null; then # with two workers one hangs meanwhile
    exec sleep 60
fi
: >"failed.$PPID"
seq 20
printf '\033[31mImportError: no module named torch, at %s\n' "$$" >&2
exit 1
END
chmod +x first.sh
sed 's/good/first/; s/train.sh/first.sh/' good.yaml >first.yaml
alike() # COMMAND...: it ends after few attempts, and shows what they printed
{
    "$@" first.yaml
    expect_status 5
    expect_err "error: the first 3 attempts failed in the same way; the last: trial "
    expect_err "error: the last lines of "
    expect_err "logs/first/output/trial-000"
    expect_err "error: | 12"
    expect_no_err "error: | 11"
    expect_err "error: | ?[31mImportError: no module named torch, at "
    expect_err "Fix the cause and run the same command again to go on"
    ! LC_ALL=C grep -q "$(printf '[\001-\010\013-\037]')" err || fail "control characters on stderr"
}
mkdir hangs # not with one
alike run "$LRSEARCH"
[ "$(wc -l <first.pids)" -eq 3 ] || fail "$(wc -l <first.pids) attempts instead of 3"
alike run "$LRSEARCH" # still wrong: three more, as often as it takes
[ "$(wc -l <first.pids)" -eq 6 ] || fail "$(wc -l <first.pids) attempts instead of 6"
cp first.sh wrong.sh
cp train.sh first.sh
run "$LRSEARCH" first.yaml
expect_status 0
expect_same_answer logs/good/result.json logs/first/result.json

# ---- several models, and a ratio that is searched ----

cat >axes.sh <<'END'
#!/bin/sh
exec awk -v lr="$LRSEARCH_LR" -v d="$LRSEARCH_TOKENS" -v r="$LRSEARCH_EMBEDDING_LR_RATIO" -v w="$LRSEARCH_D_MODEL" 'BEGIN {
    t = log(lr / (8e-3 * (d / 1e6) ^ -.3 * 32 / w)) / log(2)
    u = log(r / 2) / log(2)
    printf "{\"loss\": %.17g, \"final\": true}\n", 2 + .02 * t * t + .01 * u * u
}' >&"$LRSEARCH_REPORT_FD"
END
chmod +x axes.sh
sed 's/good/axes/; s/train.sh/axes.sh/' good.yaml >axes.yaml
echo 'model: {d_model: [32, 64], embedding_lr_ratio: [0.25, 16]}' >>axes.yaml
run "$LRSEARCH" axes.yaml --set search.lr=[1e-3,2.56e-1] --set search.horizons=[1M,2M,4M] \
    --set target.tokens=64M
expect_status 0
expect_out "best LR ~ width^-1.0" # the losses say -1
expect_out "Target    width 64, embedding LR "
grep -q ',64,' logs/axes/trials.csv || fail "no trial at width 64"

# ---- what it is told ----

cat >told.sh <<'END'
#!/bin/sh
env >told.env
cp "$LRSEARCH_SPEC" told.json
for word; do echo "$word"; done >told.argv
pwd >>told.argv
seq 200
echo '{"loss": 3.25, "final": true}' >&"$LRSEARCH_REPORT_FD"
END
chmod +x told.sh
mkdir inner
one() # [--set ...]: one training
{
    run env -u PYTHONUNBUFFERED SLURM_JOB_ID=7 OMPI_X=1 PMIX_RANK=0 PMI_RANK=0 LRSEARCH_LR=5 CUDA_VISIBLE_DEVICES=a,b,c \
        "$LRSEARCH" train one.yaml --lr 0.1 --tokens 100k "$@"
}
cat >one.yaml <<'END'
version: 1
name: one
seed: 5
trainer:
  kind: command
  argv: [../told.sh, "--lr={lr}", "{tokens} {seed}", "{{lr}}", "", "w{d_model}", "{parametrization}"]
  env: {MINE: "a b", EMPTY: "", OMP_NUM_THREADS: 3}
  cwd: inner
  gpus_per_trial: 2
model: {d_model: 64, embedding_lr_ratio: 0.3}
search: {lr: [1e-3, 2.56e-1], horizons: [1M, 2M, 4M]}
target: {tokens: 64M}
END
one
expect_status 0
expect_out "val_loss   3.250000"
printf '%s\n' --lr=0.1 "100000 5" "{lr}" "" w64 sp "$work/inner" | cmp - inner/told.argv ||
    fail "argv: $(cat inner/told.argv)"
for line in LRSEARCH_LR=0.1 LRSEARCH_EMBEDDING_LR_RATIO=0.3 LRSEARCH_TOKENS=100000 LRSEARCH_SEED=5 \
    LRSEARCH_D_MODEL=64 LRSEARCH_ATTEMPT=1 LRSEARCH_REPORT_FD=3 "MINE=a b" EMPTY= OMP_NUM_THREADS=3 \
    PYTHONUNBUFFERED=1 CUDA_VISIBLE_DEVICES=a,b; do
    grep -qxF "$line" inner/told.env || fail "the environment has no $line"
done
! grep -q '^\(OMPI\|PMIX\|PMI\|SLURM\)_\|^LRSEARCH_VOCAB' inner/told.env ||
    fail "the environment has what it should not"
expect_json 64 inner/told.json d_model
expect_json 100000 inner/told.json tokens
spec=$(sed -n 's/^LRSEARCH_SPEC=//p' inner/told.env)
[ -n "$spec" ] && [ ! -e "$spec" ] || fail "LRSEARCH_SPEC is still there"
mkdir temporary
run env PYTHONUNBUFFERED= "$LRSEARCH" train one.yaml --lr 0.1 --tokens 100k
grep -qx PYTHONUNBUFFERED= inner/told.env || fail "PYTHONUNBUFFERED of the caller"
run env TMPDIR=temporary "$LRSEARCH" train one.yaml --lr 0.1 --tokens 100k # runs in another folder
expect_status 0
one --set trainer.gpus_per_trial=4
expect_status 5
expect_err "worker 1 of its host needs the GPUs 1 to 4 of CUDA_VISIBLE_DEVICES, which has 3"
one --set trainer.cwd=nowhere
expect_status 5
expect_err "trainer.cwd: $work/nowhere: No such file"

# Arithmetic, and the same placeholders in env and cwd.
mkdir 'w64 7' '{x}'
one --set 'trainer.argv=[../told.sh, "{lr/10}", "{tokens/1000}", "{lr*{embedding_lr_ratio}}", "{steps}", "{max(1, steps/100)}"]' \
    --set 'trainer.env={RUN: "w{d_model}-{2*seed}", JSON: "{{\"lr\": {lr}}}"}' --set 'trainer.cwd=w{d_model} {seed+2}' \
    --set training.batch_tokens=512
expect_status 0
printf '%s\n' 0.01 100 0.03 196 1.96 "$work/w64 7" | cmp - "w64 7/told.argv" || fail "argv: $(cat "w64 7/told.argv")"
for line in RUN=w64-10 'JSON={"lr": 0.1}' LRSEARCH_STEPS=196; do
    grep -qxF "$line" "w64 7/told.env" || fail "the environment has no $line"
done
expect_json 196 "w64 7/told.json" steps
cp one.yaml '{x}/one.yaml' # the plan's folder is no placeholder
run "$LRSEARCH" train '{x}/one.yaml' --lr 0.1 --tokens 100k --set 'trainer.argv=[../told.sh]' --set trainer.cwd=./ --set trainer.gpus_per_trial=0
expect_status 0
expect_file '{x}/told.argv'
one --set 'trainer.argv=[../told.sh, "{1/trial}"]' # trial 0; a plan's check takes trial 1
expect_status 65
expect_err "trainer.argv[1]: at byte 3: division by zero"

# Whatever an argument holds, the program gets its bytes; no shell sees them.
cat >inner/bytes.sh <<'END'
#!/bin/sh
printf '%s\0' "$@" "$MINE" >bytes.told
echo '{"loss": 3.25, "final": true}' >&3
END
chmod +x inner/bytes.sh
one --set 'trainer.argv=[./bytes.sh, "a'\''b", "q\"q", "$(touch PWN) `touch PWN`", "; touch PWN |&", "two\nlines\t\r", "*", "~", "\\", "%s%n", "--", "", "é💥", " x ", "}{{", "{{{lr}}}", "{lr}{lr}", "\e[31m\x01"]' \
    --set 'trainer.env={MINE: "$(touch PWN)\n\"{{lr}}"}'
expect_status 0
printf '%s\0' "a'b" 'q"q' '$(touch PWN) `touch PWN`' '; touch PWN |&' "$(printf 'two\nlines\t\r')" '*' '~' '\' '%s%n' -- '' \
    'é💥' ' x ' '}{' '{0.1}' 0.10.1 "$(printf '\033[31m\001')" "$(printf '$(touch PWN)\n"{lr}')" | cmp - inner/bytes.told ||
    fail "argv: $(od -c inner/bytes.told)"
{ [ ! -e inner/PWN ] && [ ! -e PWN ]; } || fail "a shell has run an argument"

# ---- ways to report, and to go wrong ----

one_sh() # SCRIPT [--set ...]
{
    printf '%s\n' '#!/bin/sh' "$1" >inner/one.sh
    chmod +x inner/one.sh
    shift
    one --set 'trainer.argv=[./one.sh]' "$@"
}
# the last one of a script that knows nothing of us; progress bars end lines with \r
one_sh 'printf "10%%\rstep 1 val 4.5\n"; echo noise; echo step 2 val 3.5; echo done' \
    --set 'trainer.report={regex: "step (?<step>[0-9]+) val (?<loss>[^ ]+)"}'
expect_status 0
expect_out "val_loss   3.500000"
one_sh 'echo at 1000 val 3.5' \
    --set 'trainer.report={regex: "at (?<tokens>[0-9]+) val (?<loss>[^ ]+)"}'
expect_status 5
expect_err "its final loss is of 1000 tokens, the horizon is 100000"
# a script that counts steps: in a group steps, or under a wrong name
counting='echo step 100 val 4; echo step 196 val 3.5'
one_sh "$counting" --set 'trainer.report={regex: "step (?<steps>[0-9]+) val (?<loss>[^ ]+)"}' --set training.batch_tokens=512
expect_status 0
expect_out "val_loss   3.500000"
one_sh "$counting" --set 'trainer.report={regex: "step (?<tokens>[0-9]+) val (?<loss>[^ ]+)"}' --set training.batch_tokens=512
expect_status 5
expect_err "the group tokens grew to 196, which is the number of steps: call the group steps"
one_sh 'echo step 190 val 4' --set 'trainer.report={regex: "step (?<tokens>[0-9]+) val (?<loss>[^ ]+)"}' --set training.batch_tokens=512
expect_err "the group tokens grew to 190, which is nearly the number of steps: call the group steps"
one_sh 'echo step 100 val 4' --set 'trainer.report={regex: "step (?<steps>[0-9]+) val (?<loss>[^ ]+)"}' --set training.batch_tokens=512
expect_err "its final loss is of 51200 tokens, the horizon is 100000"
one_sh 'echo step 9007199254740992 val 4' --set 'trainer.report={regex: "step (?<steps>[0-9]+) val (?<loss>[^ ]+)"}' --set training.batch_tokens=4096
expect_err "it reported a loss for 18446744073709551615 tokens, beyond the horizon"
one_sh 'echo val 1e400' --set 'trainer.report={regex: "val (?<loss>[^ ]+)"}'
expect_out "diverged: it reported a loss of inf"
one_sh 'echo "@ {\"loss\": 1e400, \"final\": true}"' --set 'trainer.report={prefix: "@ "}'
expect_out "diverged: it reported a loss of inf"
one_sh 'echo "@ {\"loss\": -2e30, \"final\": true}"' --set 'trainer.report={prefix: "@ "}'
expect_err "a report has the loss -2e+30, and no loss is beyond 1e30"
one_sh 'echo val nan' --set 'trainer.report={regex: "val (?<loss>[^ ]+)"}'
expect_status 5
expect_out "diverged: it reported a loss of nan"
# ---- diverged, not failed ----

diverges() # TEXT SCRIPT [--set ...]
{
    text=$1
    shift
    one_sh "$@"
    expect_status 5
    expect_out "diverged: $text"
}
number='trainer.report={regex: "val_loss (?<loss>[0-9.]+)"}' # takes no nan
diverges 'it reported a loss of nan' 'echo val_loss 3; echo val_loss nan; echo Traceback >&2; exit 1' --set "$number"
diverges 'it reported a loss of nan at token 7' 'echo "{\"loss\": nan, \"tokens\": 7}" >&3; exit 1'
diverges 'exit status 3 (trainer.diverged.exit); its last line: gone' 'echo val_loss 3; echo gone; exit 3' \
    --set "$number" --set 'trainer.diverged={exit: [7, 3]}'
diverges 'it printed a line of trainer.diverged.regex: loss is INF' 'echo loss is INF >&2; exec sleep 60' \
    --set "$number" --set 'trainer.diverged.regex="(?i)loss is (nan|inf)"'
one_sh 'echo info: val_loss nancy; echo val_loss 3; exit 4' --set "$number" --set 'trainer.diverged={exit: [7, 3]}'
expect_err "exit status 4; its last line: val_loss 3"
one_sh 'echo val 3.5; exit 1' --set 'trainer.report={regex: "val (?<loss>[^ ]+)"}'
expect_status 5
expect_err "exit status 1; its last line: val 3.5"
one_sh 'echo val much' --set 'trainer.report={regex: "val (?<loss>[^ ]+)"}'
expect_err "a report fits the regex, but its group loss is no number: val much"
one_sh 'echo noise; echo "@ {\"loss\": 2.5, \"final\": true}"' --set 'trainer.report={prefix: "@ "}'
expect_status 0
expect_out "val_loss   2.500000"
one_sh 'echo "@ {\"loss\": \"Infinity\", \"tokens\": 7}"; sleep 60' --set 'trainer.report={prefix: "@ "}'
expect_status 5
expect_out "diverged: it reported a loss of inf at token 7"
one_sh 'echo "{\"loss\": 3, \"final\": true, \"tokens\": 1000}" >&3; sleep 60'
expect_status 5
expect_err "its final loss is of 1000 tokens, the horizon is 100000"
one_sh 'echo "{\"loss\": 3, \"tokens\": 9000, \"begun_tokens\": 100001}" >&3; sleep 60'
expect_err "it went on from 100001 tokens, beyond the horizon of 100000"
one_sh 'head -c 5000 /dev/zero >&3; sleep 60'
expect_status 5
expect_err "a report is longer than 4096 bytes"
printf '\303\044 oops\n' >inner/bytes
one_sh 'cat bytes >&3; exec sleep 60'
expect_err 'error: a report is no JSON: '
one --set 'trainer.argv=[no-such-program]'
expect_status 5
expect_err "cannot start no-such-program: No such file or directory; see trainer.argv"
: >inner/plain
one --set 'trainer.argv=[./plain]'
expect_status 5
expect_err "cannot start ./plain: Permission denied"
run "$LRSEARCH" check one.yaml --json --set 'trainer.argv=[./plain]'
expect_status 0
expect_err "trainer.argv[0]: ./plain is not executable; chmod +x it, or name its interpreter"
run "$LRSEARCH" check one.yaml --json --set 'trainer.argv=[no-such-program]'
expect_err "trainer.argv[0]: no-such-program is not in PATH on this host"
run "$LRSEARCH" check one.yaml --json --set trainer.cwd=nowhere
expect_err "trainer.cwd: there is no folder $work/nowhere on this host"

# ---- plans that cannot be right ----

refused() # TEXT KEY=VALUE
{
    run "$LRSEARCH" check one.yaml --set "$2"
    expect_status 65
    expect_err "$1"
}
refused '{lrr} is not known; there are lr, tokens,' 'trainer.argv=[a,"{lrr}"]'
refused '{vocab} has no value: give model.vocab' 'trainer.argv=["{vocab}"]'
refused 'is the program and cannot be empty' 'trainer.argv=["", x]'
refused 'a brace is not closed' 'trainer.argv=["{lr"]'
refused 'a brace is not closed' 'trainer.argv=[a, "{lr}{"]'
refused '[1]: at byte 4: expected a number or a name (for a brace itself write it twice)' 'trainer.argv=[a, "lr{\"a\": 1}"]'
refused 'MINE: at byte 3: {lrr} is not known; there are lr, tokens,' 'trainer.env={MINE: "a{lrr}"}'
refused '; did you mean lr?' 'trainer.env.MINE="{lrr}"'
refused 'trainer.cwd=in{steps}: at byte 4: {steps} has no value: give training.batch_tokens' 'trainer.cwd=in{steps}'
refused '[1]: at byte 3: division by zero' 'trainer.argv=[a, "{1/(seed-5)}"]'
refused 'regex: it has the groups tokens and steps' 'trainer.report={regex: "(?<tokens>.)(?<steps>.)(?<loss>.)"}'
refused 'regex: the group steps needs the tokens of a step; give training.batch_tokens' 'trainer.report={regex: "(?<steps>.)(?<loss>.)"}'
refused 'holds a NUL character' 'trainer.argv=[a, "b\0c"]'
refused 'a key holds a NUL character' 'trainer.env={"A\0B": c}'
refused '--set trainer.cwd="a\0b": holds a NUL character' 'trainer.cwd="a\0b"'
refused ': is too long (1024 bytes; at most 1023)' "trainer.argv=[a, $(printf %1024s x | tr ' ' x)]"
refused 'give one of fd, prefix, regex and file' 'trainer.report={fd: true, prefix: x}'
refused 'regex: it needs a group that is called loss' 'trainer.report={regex: val}'
refused 'regex: missing closing parenthesis, at byte 4' 'trainer.report={regex: va(}'
refused 'unknown key' 'trainer.report={socket: x}'
refused 'unknown key (did you mean regex?)' 'trainer.diverged={regexp: x}'
refused ': 256 is out of range (1 to 255)' 'trainer.diverged={exit: [256]}'
refused 'trainer.diverged={regex: va(}: regex: missing closing parenthesis, at byte 4' 'trainer.diverged={regex: va(}'
refused 'names that begin with LRSEARCH_ are lrsearch' 'trainer.env={LRSEARCH_LR: x}'
refused 'CUDA_VISIBLE_DEVICES is what trainer.gpus_per_trial gives' 'trainer.env={CUDA_VISIBLE_DEVICES: 1}'
refused 'trainer.argv: is for trainer.kind: command only; leave it out' trainer.kind=simulate
run "$LRSEARCH" check good.yaml --set 'trainer={kind: command}'
expect_status 65
expect_err 'trainer'

# ---- it does not outlive its worker ----

cat >long.sh <<'END'
#!/bin/sh
say() { echo "$1" >&"$LRSEARCH_REPORT_FD"; }
half=$((LRSEARCH_TOKENS / 2))
trap 'echo "$half" >"$LRSEARCH_CHECKPOINT.new"; mv "$LRSEARCH_CHECKPOINT.new" "$LRSEARCH_CHECKPOINT"; exit 1' TERM
if [ "$LRSEARCH_TRIAL" != 1 ]; then
    exec ./train.sh
elif [ -s "$LRSEARCH_CHECKPOINT" ]; then # what is left of it
    read -r begun <"$LRSEARCH_CHECKPOINT"
    say "{\"begun_tokens\": $begun, \"tokens\": $((begun + 1)), \"loss\": 3}"
    exec ./train.sh
fi
say "{\"tokens\": $half, \"loss\": 3}"
sleep 60 &
echo "$$ $! $LRSEARCH_SPEC" >long.pids.new
mv long.pids.new long.pids
while :; do sleep 0.1; done
END
chmod +x long.sh
sed 's/good/long/; s/train.sh/long.sh/' good.yaml >long.yaml
started() # waits for long.pids; leaves $command, $helper and $spec
{
    wait_until 60 test -s long.pids
    read -r command helper spec <long.pids
    rm long.pids
}
start "$LRSEARCH" long.yaml
started
kill -KILL "$pid"
wait_gone "$command" 5 || fail "the command outlives its worker"
wait_gone "$helper" 5 || fail "its child outlives the worker"
[ -n "$spec" ] && [ ! -e "$spec" ] || fail "LRSEARCH_SPEC outlives the worker"

# Preempted: SIGTERM to the command, which goes on from its own checkpoint.
start "$LRSEARCH" long.yaml
started
kill -USR1 "$pid"
wait "$pid"
[ $? -eq 75 ] || fail "not interrupted"
wait_gone "$helper" 5 || fail "a child of the command was left behind"
expect_file logs/long/checkpoints/trial-0001.state
grep -q '"attempt":[23].*canceled' logs/long/journal.jsonl || fail "not canceled"
run "$LRSEARCH" long.yaml
expect_status 0
expect_same_answer logs/good/result.json logs/long/result.json
[ ! -e logs/long/checkpoints ] || fail "checkpoints are left behind"
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    NR == 2 { exit !($at["begun_tokens"] * 2 == $at["horizon_tokens"]) }' logs/long/trials.csv ||
    fail "it did not go on from its checkpoint"
# The first attempt was killed after one half (lost), the second stopped there, the third went on.
[ "$(json logs/long/result.json cost tokens)" -eq "$(json logs/good/result.json cost tokens)" ] ||
    fail "tokens before the checkpoint are paid twice"

# A single training is held to limits.silence too.
cat >silent.yaml <<'END'
version: 1
name: silent
trainer: {kind: command, argv: [sleep, "60"], kill_grace: 1s}
search: {lr: [1e-3, 3e-1], horizons: [8k, 16k], policy: grid}
target: {tokens: 1M}
limits: {silence: 1s}
END
run "$LRSEARCH" train silent.yaml --lr 1e-2 --tokens 8k
expect_status 5
expect_err "it said nothing for 1 s (limits.silence)"

# ---- ranks ----

mpi_environment
cat >gpu.sh <<'END'
#!/bin/sh
echo "$CUDA_VISIBLE_DEVICES $OMP_NUM_THREADS" >>gpus
ls -l /proc/self/fd >>descriptors
tries=600 # until the other rank has begun one, too
until [ "$(sort -u gpus | wc -l)" -gt 1 ] || [ "$tries" -eq 0 ]; do
    sleep 0.1
    tries=$((tries - 1))
done
exec ./train.sh
END
chmod +x gpu.sh
sed 's/good/gpu/; s/train.sh\]/gpu.sh], gpus_per_trial: 2, threads_per_worker: 3/' good.yaml >gpu.yaml
run_mpi 3 gpu.yaml --set budget.trials=4
expect_status 4
[ "$(sort -u gpus)" = "$(printf '0,1 3\n2,3 3')" ] || fail "GPUs: $(cat gpus)"
! grep socket: descriptors || fail "a command has a socket of MPI's"
rm -r first.pids hangs logs/first
mv wrong.sh first.sh
alike run_mpi 3
while read -r child; do
    wait_gone "$child" 5 || fail "process $child was left behind"
done <first.pids
run_mpi 3 good.yaml --run-dir logs/three
expect_status 0
expect_same_result logs/good/result.json logs/three/result.json
