#!/bin/sh
# The commands that an answer proposes can be pasted: that which goes on with an interrupted
# campaign, and a fork of it with another range, from a plan and a directory with blanks in their
# names and options in brackets.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

lrsearch() # as in PATH
{
    "$LRSEARCH" "$@"
}
next() # NUMBER: prints that command of stdout, unbroken
{
    sed -n '/^Next  /,/^[A-Z][a-m]/p' out | sed 's/^Next      /          /' |
        sed -n 's/^          //p' | sed -e ':again' -e '/\\$/{N;s/ \\\n */ /;b again' -e '}' |
        sed -n "$1p"
}

cat >'my plan.yaml' <<'E2'
version: 1
name: made
trainer: {kind: simulate}
simulate: {lr: 8e-3, beta: 0.3, noise: 0.002, delay: 1}
search: {lr: [1e-5, 1e-1], horizons: [1M, 2M]}
target: {tokens: 8M}
E2
start "$LRSEARCH" 'my plan.yaml' -q --run-dir 'logs/a night' --set 'search.lr=[1e-3, 1e-1]'
wait_for_events 'logs/a night/journal.jsonl' ended 2
kill -INT "$pid"
wait "$pid"
status=$?
expect_status 75
expect_out "Not finished, no answer yet for 8M tokens: "
[ "$(next 1)" = "lrsearch report 'logs/a night'" ] || fail "no report is proposed: $(next 1)"
next 2 >again
grep -qxF "lrsearch 'my plan.yaml' --set 'search.lr=[1e-3, 1e-1]' --run-dir 'logs/a night'" again ||
    fail "another command goes on: $(cat again)"
run "$LRSEARCH" fit 'logs/a night' # reads the same
next 2 | cmp -s - again || fail "fit proposes another command"
last_command=$(cat again)
eval "$last_command -q" >out 2>err
status=$?
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"
expect_not_said "Not finished"
rm -f 'logs/a night/report.html'
eval "$(next 1)" >/dev/null 2>err || fail "no report"
expect_file 'logs/a night/report.html'

# The option of a fork follows those of the campaign, and the last of one key counts. All losses of
# the campaign count in the fork, although its policy would try other LRs.
last_command="$(cat again) -q --fork wider --set 'search.lr=[0.0005, 0.1]'"
eval "$last_command" >out 2>err
status=$?
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"
grep -q '^ *0.0005000*1\{0,1\},' logs/wider/plan.resolved.json || fail "the range is another"
expect_json "$(json 'logs/a night/result.json' cost tokens)" logs/wider/result.json cost reused_tokens

# Without budget the reason says what to do, and no other advice is given.
run "$LRSEARCH" 'my plan.yaml' -q --run-dir logs/poor --set simulate.delay=0 --set target.tokens=64M \
    --set 'search.lr=[5e-4, 1e-1]' --set 'search.horizons=[1M]' --set budget.tokens=6M
expect_status 4
grep -q '"advice": null' logs/poor/result.json || fail "advice beside a budget that is used up"
