#!/bin/sh
# From a program that nobody changes to a plan: plan init --command runs it and proposes, check
# --try runs one training and says what it saw, status and report find the newest run.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

# Prints as nanoGPT does; 2500 steps a second.
cat >train.sh <<'EOF'
#!/bin/sh
echo "$*" >>told
while [ $# -gt 0 ]; do
    case $1 in
    --lr) lr=$2 && shift ;;
    --max_iters=*) steps=${1#*=} ;;
    --stderr) exec 1>&2 ;;
    esac
    shift
done
echo "tokens per iteration will be: 1,024"
exec awk -v lr="$lr" -v n="${steps:-100000}" 'BEGIN {
    for (i = 0; i <= n; i++) {
        loss = 2 + exp(-i / 300) + .05 * log(lr / 3e-4) ^ 2
        if (i % 10 == 0) printf "iter %d: loss %.4f, time 2.30ms, mfu 27.10%%\n", i, loss + .01
        if (i % 50 == 0) {
            printf "step %d: train loss %.4f, val loss %.4f\n", i, loss, loss + .1
            fflush()
            if (i < n) system("sleep 0.02")
        }
    }
}'
EOF
chmod +x train.sh

init() # LINE OPTION...
{
    line=$1
    shift
    rm -f plan.yaml
    run "$LRSEARCH" plan init --command "$line" --seconds 1 "$@"
}

init './train.sh --lr {lr} --max_iters={steps}' --time 60s
expect_status 0
expect_err '  | step 0: train loss 3.0000, val loss 3.1000'
expect_out "lrsearch check plan.yaml --try"
[ "$(head -n 1 told)" = "--lr 0.0003 --max_iters=1000000" ] || fail "it was told $(head -n 1 told)"
for part in "argv: [./train.sh, --lr, '{lr}', '--max_iters={steps}']" "as the command prints it" \
    "step 0: train loss 3.0000, val loss 3.1000" "wall: 1m" "Multiples of 50Ki" "diverged: {regex: '(?i)" 'val\s+loss\s+(?<loss>'; do
    grep -qF -e "$part" plan.yaml || fail "plan.yaml has no: $part"
done
run "$LRSEARCH" check plan.yaml --try
expect_status 0
expect_out " by trainer.report (regex) "
expect_out " losses: 3.1"
expect_out ": accepted"
rm -f told
run "$LRSEARCH" plan.yaml --set budget.trials=2 -q
expect_status 4
run "$LRSEARCH" status
expect_status 0
expect_out "plan: finished, the budget was used up"
run "$LRSEARCH" report
expect_status 0
expect_out "logs/plan/report.html"
run "$LRSEARCH" predict --tokens 1B --json
expect_status 3

# ---- what --try says of what is wrong ----

try() # STATUS TEXT KEY=VALUE
{
    run "$LRSEARCH" check plan.yaml --try --set search.horizons=[100Ki,200Ki] --set "$3"
    expect_status "$1"
    expect_said "$2"
}
try 5 "none has a loss the nearest: step 0: train loss " 'trainer.report={regex: "test (?<loss>x)"}'
expect_said "this reads it: report: regex: '(?i)"
try 5 "failed: exit status 3; its last line: no GPU" 'trainer.argv=[sh, -c, "echo no GPU; exit 3"]'
expect_said "its last lines: | no GPU"
try 5 "pass its length by {tokens} or {steps}" 'trainer.argv=[./train.sh, --lr, "1", "--max_iters=10"]'
try 5 "it is on stderr, which is not read" 'trainer.argv=[./train.sh, --lr, "1", "--max_iters={steps}", --stderr]'
try 5 "diverged: " 'trainer.argv=[sh, -c, "echo step 3: val loss nan"]'
try 5 "it printed nothing (stdbuf -oL may make it print at once)" 'trainer.argv=["true"]'
run "$LRSEARCH" check plan.yaml --try --try-time 1s --set search.horizons=[100M,200M] --set target.tokens=1B
expect_status 0
expect_out "stopped after 1."
expect_out "all of it takes about"
tiny_plan tiny.yaml
run "$LRSEARCH" check tiny.yaml --try
expect_status 0
expect_out ": accepted"
run "$LRSEARCH" check plan.yaml --try --set search.seeds=x
expect_status 65

# ---- other programs ----

plan_has() # TEXT
{
    grep -qF -e "$1" plan.yaml || fail "plan.yaml has no: $1"
    run "$LRSEARCH" check plan.yaml --json
    expect_status 0
}
init 'A="b c" ./train.sh --lr {lr} --max_iters={steps} --stderr' --time 60s -q --json
expect_status 0
expect_json regex out report
expect_json 1024 out batch_tokens
plan_has "argv: [sh, -c, 'exec \"\$@\" 2>&1', sh, ./train.sh, "
plan_has "env: {A: 'b c'}"
run "$LRSEARCH" check plan.yaml --try
expect_status 0
init 'printf "a line\n\033[31mred%.0s" {lr}'
expect_status 0
expect_err "nothing that it printed in "
expect_err "the command has no option for its length"
! grep -q "$(printf '\033')" err || fail "an escape sequence on the terminal"
plan_has "TO DO: none of 2 lines that it printed looks like a loss"
init "sh -c 'echo val_loss 3.5
echo \"val_loss 2.5\" \\\$0' {lr} {tokens}" --batch-tokens 4096 --tokens 1M
expect_status 0
plan_has "batch_tokens: 4096    # tokens of a step; as you said"
plan_has 'echo val_loss 3.5\x0aecho \"val_loss 2.5\" \\$0", ' # a line break in a word
mkdir sub
run "$LRSEARCH" plan init --command 'sh -c "echo val_loss 3.5" {lr} {tokens}' -o sub/p.yaml -q
expect_status 0
grep -qF "cwd: $work " sub/p.yaml || fail "sub/p.yaml has no cwd"

cat >whole.sh <<'END'
#!/bin/sh
case $3 in *[!0-9]*) echo "$3 is no whole number" && exit 2 ;; esac
exec ./train.sh --lr "$1" --max_iters="$2"
END
chmod +x whole.sh
init './whole.sh {lr} {steps} {steps/2000}' --time 60s
expect_status 0
run "$LRSEARCH" check plan.yaml --try
expect_status 0

run "$LRSEARCH" plan init --command 'sh -c "echo val_loss 3.5" {lr} {tokens}' -o 'a b.yaml' -q
expect_status 0
expect_out "lrsearch check 'a b.yaml' --try"
expect_out "lrsearch run 'a b.yaml'"

# ---- what it refuses ----

no_plan() # STATUS TEXT LINE OPTION...
{
    wanted=$1
    text=$2
    shift 2
    init "$@"
    expect_status "$wanted"
    expect_err "$text"
    [ ! -e plan.yaml ] || fail "plan.yaml was written"
}
no_plan 2 "try: lrsearch plan init --command './train.sh --lr {lr} --max_iters={steps}'" \
    './train.sh --lr 3e-4 --max_iters=5000'
no_plan 2 "trains for a fixed length, and a search needs several; try: " './train.sh --lr {lr} --max_iters=5000'
no_plan 2 "{lr} must stand where the learning rate does, as in" './train.sh'
no_plan 2 "a shell would read | at byte 22" './train.sh --lr {lr} | tee log'
no_plan 2 "argv: [sh, -c, ...]" './train.sh --lr {lr} && true'
no_plan 2 "a shell would expand \$ at byte 18" './train.sh {lr} "$HOME"'
no_plan 2 "{lrr} is not known" './train.sh {lrr}'
no_plan 5 "exit status 3 after 0." 'sh -c "echo no GPU; exit 3" {lr}'
expect_err "its last line: no GPU"
no_plan 5 "cannot start no-such-program" 'no-such-program {lr}'
no_plan 2 "--command trains its own model on its own data; leave --params out" 'a {lr}' --params 7B
refused 2 "leave the texts out" plan init text.txt --command 'a {lr}'
refused 2 "check: --try-time is for --try" check tiny.yaml --try-time 3s
