#!/bin/sh
# What a run leaves that is ended before it could tidy up, states of trainings and files of its
# lock, is gone after the next run, or after a report.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

tiny_plan wsd.yaml "search: {lr: [1e-3, 3e-1], horizons: [8k, 16k], policy: grid}" \
    "training: {batch_tokens: 256, schedule: wsd, warmup_steps: 5, cooldown: 0.2}"

# As a disk that is full does: the campaign is finished, and result.json cannot be written.
mkdir -p run/result.json.tmp && chmod 700 run
run "$LRSEARCH" wsd.yaml --run-dir run
[ "$status" -eq 73 ] || [ "$status" -eq 74 ] || fail "exit status $status instead of 73 or 74"
expect_err "run/result.json.tmp: cannot create it"
[ ! -e run/checkpoints ] || fail "states are left: $(ls run/checkpoints)"
rmdir run/result.json.tmp

stale() # leaves what a killed run would
{
    mkdir run/checkpoints
    echo state >run/checkpoints/wsd-prefix-0123456789abcdef-4096.safetensors
    echo state >run/checkpoints/trial-0002.safetensors.tmp.77
    # host_id of this host, as the lock of a run that is stopped tells it; a pid that nobody has
    echo new >"run/lock.new-$host_id-4194305"
    echo old >"run/lock.old-$host_id-4194305"
}
expect_tidy()
{
    left=$(find run -name 'lock*' -o -name checkpoints -o -name '*.tmp')
    [ -z "$left" ] || fail "is left: $left"
}

start "$LRSEARCH" wsd.yaml --run-dir other
tries=1000
while ! host_id=$(json other/lock host_id 2>/dev/null); do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] && kill -0 "$pid" || fail "no lock was seen"
    sleep 0.01
done
wait "$pid"

stale
run "$LRSEARCH" wsd.yaml --run-dir run
expect_file run/result.json
expect_tidy
stale
run "$LRSEARCH" report run
expect_status 0
expect_tidy

# Nothing is touched while somebody holds the lock, as this shell does.
stale
sed "s/\"pid\":[0-9]*/\"pid\":$$/" >run/lock <<END
{"host":"here","pid":1,"host_id":"$host_id","started_utc":"2026-01-01T00:00:00Z"}
END
run "$LRSEARCH" report run
expect_status 0
expect_file run/checkpoints/trial-0002.safetensors.tmp.77 "run/lock.new-$host_id-4194305"
rm run/lock

# Of a campaign that is not over nothing is removed: its states are what it goes on from.
head -n 12 run/journal.jsonl >run/some && mv run/some run/journal.jsonl
run "$LRSEARCH" report run
expect_status 0
expect_file run/checkpoints/trial-0002.safetensors.tmp.77
