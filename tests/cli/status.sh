#!/bin/sh
# lrsearch status on a campaign that runs, that was interrupted, that is finished and that is
# damaged; the progress line of a run; its log.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
empty_figures

status_json() # RUN_DIR
{
    run "$LRSEARCH" status "$1" --json
    expect_status 0
    [ ! -s err ] || fail "there is something on stderr"
}

model="model: {arch: gpt, d_model: 32, n_layers: 1, n_heads: 2, context: 32, vocab: 64}"

# ---- while it runs ----
tiny_plan endless.yaml "name: endless" "$model" "budget: {tokens: 1B}" "target: {tokens: 1B}" \
    "search: {lr: [2e-3, 8e-3], horizons: [100M], policy: grid}"
start "$LRSEARCH" endless.yaml --progress=plain
running=$pid
wait_for_events logs/endless/journal.jsonl started 1
"$LRSEARCH" status logs/endless --watch >watched 2>watched.err </dev/null &
watching=$!
background="$background $watching"
status_json logs/endless
expect_json running out state
expect_json "$running" out owner pid
expect_json 1 out round
expect_json 1 out trials running
expect_json 2 out trials waiting
expect_json training out workers 0 state
expect_json 1 out workers 0 trial
expect_json budget.tokens out budget 0 key
run "$LRSEARCH" status logs/endless
expect_status 0
expect_said "endless: running, on "
expect_said "(pid $running, since "
expect_said "answer none yet"
expect_said "budget tokens "
expect_said "workers 1: 1 training, 0 idle, 0 lost 1 "
expect_said "training 1: LR 2.00e-3, "
tries=100
while [ ! -s watched ] && [ "$tries" -gt 0 ]; do
    sleep 0.05
    tries=$((tries - 1))
done
kill -TERM "$running"
wait "$running"
wait_gone "$watching" 10 || fail "--watch goes on after the campaign"
wait "$watching" || fail "--watch failed"
grep '^endless: ' watched | sed 's/[,;].*//' | uniq >states # running: as often as it looked
printf 'endless: running\nendless: interrupted\n' | cmp -s - states || fail "--watch saw: $(cat states)"
! grep -q "$(printf '\033')" watched || fail "there are escape codes where there is no terminal"

# ---- interrupted ----
tiny_plan long.yaml "$model" "search: {lr: [2e-3, 8e-3], horizons: [150k], policy: grid}" \
    "limits: {checkpoint_every: none}"
start "$LRSEARCH" long.yaml --progress=none
wait_for_events logs/tiny/journal.jsonl ended 2
kill -TERM "$pid"
wait "$pid"
status=$?
expect_status 75
! grep -q 'round 1' "$work/err" || fail "--progress=none shows progress"
status_json logs/tiny
expect_json interrupted out state
expect_json 0 out trials running
expect_json 2 out trials done
expect_json 1 out trials waiting
expect_json "" out owner
run "$LRSEARCH" status logs/tiny --watch # nothing to wait for
expect_said "tiny: interrupted; the run's command continues it"
expect_not_said "workers"
expect_said "loss against learning rate, 150k tokens"

# A kill leaves its lock behind.
start "$LRSEARCH" long.yaml -q
wait_for_events logs/tiny/journal.jsonl session 2
kill -KILL "$pid"
wait "$pid" 2>/dev/null
run "$LRSEARCH" status logs/tiny
expect_status 0
expect_said "tiny: interrupted; its process on "
expect_said " is gone (pid "

# ---- the end, with the progress line on a terminal ----
progress() # TERM OPTION...: goes on with the campaign on a terminal of 60 columns; its bytes in out
{
    term=$1
    shift
    cp -r logs/tiny logs/shown
    last_command="$LRSEARCH long.yaml --run-dir logs/shown $*"
    TERM=$term timeout 60 script -qec "stty cols 60 2>/dev/null; $last_command" /dev/null \
        >"$work/out" 2>"$work/err" </dev/null
    status=$?
}
if command -v script >/dev/null; then
    progress xterm
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"
    expect_out "$(printf '\r\033[K')"
    tr '\r' '\n' <out | grep 'round [0-9]* \[[#-]*\]' | sed "s/^$(printf '\033')\[K//" >lines
    expect_file lines
    awk 'length($0) > 59 { exit 1 }' lines || fail "the line is wider than the terminal"
    grep -q '/~[0-9]* | [01] running' lines || fail "the line tells too little"
    rm -rf logs/shown
    progress dumb --progress=auto
    ! grep -q "$(printf '\033')" out || fail "escape codes on a dumb terminal"
    rm -rf logs/shown
    TERM=xterm timeout 60 script -qec "$LRSEARCH status logs/tiny --watch" /dev/null >out 2>err </dev/null ||
        fail "status --watch on a terminal failed"
    expect_out "$(printf '\033[?1049h')"
    expect_out "$(printf '\033[?25h\033[?1049l')"
    sed -n "/$(printf '\033')\[?1049l/,\$p" out | grep -q 'tiny: interrupted' ||
        fail "what was seen last is not left on the terminal"
    cat >widths.sh <<'END'
for columns in 40 80 120 200; do
    for watch in "" --watch; do
        echo "= $columns $watch"
        stty rows 60 cols $columns
        "$LRSEARCH" status logs/tiny $watch
    done
done
echo "= 60 COLUMNS"
COLUMNS=60 "$LRSEARCH" status logs/tiny
END
    last_command="status on terminals of several widths"
    LC_ALL=C TERM=xterm timeout 60 script -qec "sh widths.sh" /dev/null 2>err </dev/null | tr -d '\r' |
        sed "s/$(printf '\033')[^a-zA-Z]*[a-zA-Z]//g" >out
    awk 'function judge() {
            if (columns && !shown)
                print "nothing is shown on a terminal of " columns
            else if (columns && (longest > columns || longest <= int(columns * 9 / 10)))
                print longest " columns on a terminal of " columns
            longest = shown = 0
        }
        /^= / { judge(); columns = $2; count++; next }
        /tiny: interrupted/ { shown = 1 }
        length($0) > longest { longest = length($0) }
        END { judge(); if (count != 9) print count " widths" }' out >wrong
    [ ! -s wrong ] || fail "$(cat wrong)"
fi
# A pipe has 80 columns, unless COLUMNS says another number, as watch(1) does.
for columns in "" 0 many -5 50 120; do
    COLUMNS=$columns LC_ALL=C run "$LRSEARCH" status logs/tiny
    longest=$(awk 'length($0) > most { most = length($0) } END { print most }' out)
    case $columns in 50 | 120) ;; *) columns=80 ;; esac
    { [ "$longest" -le $columns ] && [ "$longest" -gt $((columns * 9 / 10)) ]; } ||
        fail "$longest columns of $columns"
done
run "$LRSEARCH" long.yaml
final=$status
[ "$final" -eq 0 ] || [ "$final" -eq 3 ] || fail "exit status $final"
find logs/tiny -type f -exec ls -l --time-style=full-iso {} + | sort >before
chmod -R a-w logs/tiny
status_json logs/tiny
expect_json finished out state
expect_json 3 out sessions
trials=$(($(wc -l <logs/tiny/trials.csv) - 1))
expect_json "$trials" out trials done
expect_json 0 out left trials
for part in target law horizons; do
    [ "$(json out answer $part)" = "$(json logs/tiny/result.json $part)" ] || fail "the answer is another: $part"
done
run "$LRSEARCH" status logs/tiny/
expect_status 0
case $(json logs/tiny/result.json status) in
identified) expect_said "tiny: finished, with an answer" ;;
*) expect_said "tiny: finished, no answer" ;;
esac
LC_ALL=C run "$LRSEARCH" status logs/tiny
! LC_ALL=C grep -q "$(printf '[\200-\377]')" out || fail "more than ASCII in the C locale"
chmod -R u+w logs/tiny
find logs/tiny -type f -exec ls -l --time-style=full-iso {} + | sort >after
cmp -s before after || fail "status changed something"

# ---- the log: each start of the four, with its trials ----
log=logs/tiny/logs/rank-0000.log
expect_file $log
[ "$(find logs/tiny/logs -type f | wc -l)" -eq 1 ] || fail "there are other logs"
bad=$(grep -cvE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z rank 0 [^ ]+ (error|warning|info|debug): .' $log)
[ "$bad" -eq 0 ] || fail "$bad lines of the log are malformed"
grep -q 'error: interrupted by SIGTERM' $log || fail "the log does not tell the end"
grep -q 'debug: trial 1, attempt 1: done' $log || fail "the log does not tell of trials"

mpi_environment
tiny_plan short.yaml "name: ranks" "search: {lr: [3e-3, 3e-2], horizons: [8k], policy: grid}"
run_mpi 3 short.yaml -q
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"
for rank in 0 1 2; do
    expect_file logs/ranks/logs/rank-000$rank.log
    grep -q " rank $rank .* debug: trial " logs/ranks/logs/rank-000$rank.log || fail "rank $rank: nothing of trials"
done
unset LRSEARCH_EXIT_FILE

# One that cannot be written is a warning.
: >in_the_way
mkdir -p logs/other
cp in_the_way logs/other/logs
tiny_plan short.yaml "name: other" "search: {lr: [3e-3, 3e-2], horizons: [8k], policy: grid}"
run "$LRSEARCH" short.yaml -q
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"
expect_err "lrsearch: warning: logs/other/logs/rank-0000.log: cannot be written: Not a directory; going on without a log"
expect_err_lines 2 # that, and the summary

# ---- journals that are not whole ----
cp -r logs/tiny torn
sed '/"event":"finished"/q' logs/tiny/journal.jsonl >whole.jsonl
size=$(wc -c <whole.jsonl)
for cut in 1 20; do
    head -c $((size - cut)) whole.jsonl >torn/journal.jsonl
    status_json torn
    expect_json interrupted out state
done
sed '3s/1/2/' logs/tiny/journal.jsonl >torn/journal.jsonl
refused 74 "torn/journal.jsonl:3: the checksum does not fit: the line was changed. Restore the file from a copy" \
    status torn
refused 74 "torn/journal.jsonl:3: the checksum does not fit" status torn --watch
: >torn/journal.jsonl
refused 65 "torn/journal.jsonl: holds no campaign yet, and no lrsearch works on it; give the run's command again" status torn
rm torn/journal.jsonl
refused 74 "torn/journal.jsonl: cannot open the journal: No such file" status torn

# ---- a lock of another host ----
lock() # RUN_DIR AGE: since when it was not touched
{
    echo '{"host":"elsewhere","pid":7,"host_id":"00000000000000aa","started_utc":"2026-01-01T00:00:00Z"}' >"$1/lock"
    touch -d "$2" "$1/lock"
}
mkdir begun
lock begun now
run "$LRSEARCH" status begun
expect_status 0
expect_out "begun: preparing, on elsewhere (pid 7, since 2026-01-01T00:00:00Z)"
status_json begun
expect_json preparing out state
expect_json "" out answer
lock begun "5 minutes ago"
refused 65 "begun: is no directory of a run: it has no plan.resolved.json" status begun
head -c $((size - 1)) whole.jsonl >torn/journal.jsonl
lock torn now
status_json torn
expect_json running out state
expect_json elsewhere out owner host
lock torn "5 minutes ago"
status_json torn
expect_json interrupted out state
echo nonsense >torn/lock
status_json torn
expect_json running out state # somebody keeps it fresh
rm torn/lock
mkdir torn/lock
refused 74 "torn/lock: is no file of lrsearch; move it away" status torn

# ---- the command line ----
refused 65 "nowhere: is no directory of a run" status nowhere
refused 65 "$work: is no directory of a run" status "$work"
refused 65 "short.yaml: is no directory of a run" status short.yaml # the plan instead of its run
mkdir none
cd none || exit 1
refused 2 "status: name a run's directory, as in: lrsearch status logs/quickstart (without one it is logs/latest, which is not there)" status
cd ..
refused 2 "status: one run's directory is expected, found also 'b'" status a b
refused 2 "--watch: has no meaning for lrsearch fit" fit logs/tiny --watch
refused 2 "--progress much: must be auto, plain or none" long.yaml --progress=much
refused 2 "--progress: has no meaning for lrsearch check" check long.yaml --progress=none
