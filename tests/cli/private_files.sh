#!/bin/sh
# What a run writes is for its user's eyes only, whatever the umask, and lies where it should: in
# RUN_DIR, in the data cache and the history beside it, and the link `latest`. It listens to nobody.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

make_story story.txt
few="search: {lr: [1e-2, 4e-2], horizons: [8k, 16k], policy: grid}"
tiny_plan text.yaml "name: text" "data: {text: [story.txt], tokenizer: bytes, val_tokens: 4096}" \
    "model: {arch: gpt, d_model: 16, n_layers: 1, n_heads: 2, context: 16, vocab: 256}" "$few"
# With states that horizons share, which lie in RUN_DIR while it runs.
wsd="training: {batch_tokens: 64, schedule: wsd, warmup_steps: 5, cooldown: 0.2}"
tiny_plan wsd.yaml "name: wsd" "$wsd" "$few"
replay_plan

run_masked() # UMASK PLAN
{
    run sh -c 'umask "$1" && exec "$2" "$3"' - "$1" "$LRSEARCH" "$2"
}

expect_private() # FOLDER
{
    shown=$(find "$1" \( -type f ! -perm 600 -o -type d ! -perm 700 \) -exec ls -ld {} +)
    [ -z "$shown" ] || fail "others may look into: $shown"
}

: >out
: >err
: >after
find . >before
for mask in 022 077 000; do
    [ $mask = 000 ] && names="text wsd replay" || names=text
    for name in $names; do
        rm -rf logs
        run_masked $mask $name.yaml
        [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "$name: exit status $status"
        expect_file logs/$name/result.json logs/$name/trials.csv
        expect_private logs/$name
        others=$(find logs -mindepth 1 -maxdepth 1 ! -name $name ! -name cache ! -name latest \
            ! -name history.db)
        expect_private logs/history.db
        [ -z "$others" ] || fail "was written too: $others"
        [ -L logs/latest ] || fail "latest is no link"
        find . ! -path './logs*' ! -path ./before >after
        others=$(sort before before after | uniq -u) # of before nothing is left
        [ -z "$others" ] || fail "was written beside logs/: $others"
    done
done

# While it runs, long enough to be seen: the shared states, and no listening socket.
rm -rf logs
tiny_plan wsd.yaml "name: wsd" "$wsd"
start sh -c 'umask 022 && exec "$1" "$2"' - "$LRSEARCH" wsd.yaml
tries=3000
while [ -z "$(find logs/wsd/checkpoints -name 'wsd-prefix-*' 2>/dev/null)" ]; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fail "no state was kept"
    kill -0 "$pid" || fail "it ended before a state was seen"
    sleep 0.02
done
kill -STOP "$pid"
expect_private logs/wsd
[ -e "/proc/$pid/fd/0" ] || fail "its files cannot be seen in /proc"
inodes=$(find "/proc/$pid/fd" -lname 'socket:*' -printf '%l ' | tr -dc '0-9 ')
for inode in $inodes; do
    # local address in field 2, state in 4 (0A: LISTEN), inode in 10
    ! cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        awk -v inode="$inode" '$4 == "0A" && $10 == inode { found = 1 } END { exit !found }' ||
        fail "it listens (socket $inode)"
done
kill -CONT "$pid"
wait "$pid"
status=$?
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"

# A name cannot lead out of the folder.
rm -rf logs
beside=../${work##*/}.x # /tmp is everybody's
for name in "$beside" a/b .. .hidden "$work/x"; do
    tiny_plan bad.yaml "name: $name"
    run "$LRSEARCH" bad.yaml
    expect_status 65
    expect_err "bad.yaml:"
    expect_err "name: "
    { [ ! -e logs ] && [ ! -e "$beside" ] && [ ! -e x ]; } || fail "name: $name: something was written"
done
