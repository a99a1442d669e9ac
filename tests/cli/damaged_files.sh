#!/bin/sh
# history.db, result.json and the plan of a run damaged in every way, under every command that reads
# them. Nothing hangs or ends without a word; a message names the file; result.json is never an
# input, and is made again, the same; history.db is made again by history --rebuild.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
limit_s=30

cat >sim.yaml <<'END'
version: 1
name: sim
trainer: {kind: simulate}
baseline: previous
search: {lr: [1e-3, 2.56e-1], horizons: [1M, 2M, 4M]}
target: {tokens: 64M}
END
for night in 1 2; do
    run "$LRSEARCH" sim.yaml --run-dir logs/n$night --set seed=$night
    expect_status 0
done
cp -a logs pristine

damage() # FILE HOW: also numbers and keys of JSON
{
    path=$1
    case $2 in
    absent | pipe | folder) rm -f "$path" ;;
    esac
    case $2 in
    absent) ;;
    pipe) mkfifo "$path" ;;
    folder) mkdir "$path" ;;
    empty) : >"$path" ;;
    half) head -c $(($(wc -c <"$path") / 2)) "$path" >"$path.half" && mv "$path.half" "$path" ;;
    zeros) head -c "$(wc -c <"$path")" /dev/zero >"$path.zeros" && mv "$path.zeros" "$path" ;;
    garbage) head -c 5000 /dev/urandom >"$path" ;;
    nesting) head -c 100000 /dev/zero | tr '\0' '[' >"$path" ;;
    nan) printf '{"schema_version": NaN}' >"$path" ;;
    numbers) sed -i 's/: *[0-9][0-9.e+-]*/: 1e999/' "$path" ;;
    integers) sed -i 's/: *[0-9][0-9.e+-]*/: 9223372036854775807/' "$path" ;;
    texts) sed -i 's/: *[0-9][0-9.e+-]*/: "x"/' "$path" ;;
    nulls) sed -i 's/: *[0-9][0-9.e+-]*/: null/' "$path" ;;
    keys) printf '{}' >"$path" ;;
    esac
}
json_damages="absent pipe folder empty half zeros garbage nesting nan numbers integers texts nulls keys"
fresh()
{
    rm -rf logs out.csv out.db
    cp -a pristine logs
}
readers() # prints a command a line
{
    cat <<'END'
status logs/n2 --json
fit logs/n2 --json
predict logs/n2 --tokens 32M
compare logs/n1 logs/n2
audit --lr 3e-4 --tokens 1T --params 7B logs/n2
report logs/n2
export logs/n2 --format csv -o out.csv
export logs/n2 --format sqlite -o out.db
journal repair logs/n2
END
}

# ---- result.json: no command reads it ----

for how in $json_damages; do
    fresh
    damage logs/n2/result.json "$how"
    readers >commands
    while read -r arguments; do
        # shellcheck disable=SC2086 # words
        run "$LRSEARCH" $arguments
        expect_status 0
    done <commands
    [ "$how" != folder ] || continue
    run "$LRSEARCH" sim.yaml --run-dir logs/n2 --set seed=2
    expect_status 0
    cmp -s logs/n2/result.json pristine/n2/result.json || fail "$how: another result.json"
done
run "$LRSEARCH" sim.yaml --run-dir logs/n2 --set seed=2 # the last of them is no folder
expect_status 0
fresh
damage logs/n2/result.json folder
run "$LRSEARCH" sim.yaml --run-dir logs/n2 --set seed=2
expect_status 73
expect_err "cannot rename it to logs/n2/result.json: Is a directory"

# ---- plan.resolved.json: all need it ----

for how in $json_damages; do
    fresh
    damage logs/n2/plan.resolved.json "$how"
    readers >commands
    while read -r arguments; do
        # shellcheck disable=SC2086 # words
        run "$LRSEARCH" $arguments
        [ "$status" -eq 65 ] || [ "$status" -eq 74 ] || fail "$how: exit status $status"
        expect_err "logs/n2"
        expect_err "plan.resolved.json"
        expect_err_lines 1
    done <commands
    run "$LRSEARCH" sim.yaml --run-dir logs/n3 --set baseline=logs/n2
    [ "$status" -eq 65 ] || [ "$status" -eq 74 ] || fail "$how as a baseline: exit status $status"
    [ ! -e logs/n3 ] || fail "something was begun"
    run "$LRSEARCH" history logs --rebuild
    expect_status 0
    expect_err "warning: left out: logs/n2"
done

# ---- history.db ----

for how in pipe folder half zeros garbage; do
    fresh
    damage logs/history.db "$how"
    for arguments in "history logs" "history logs --json"; do
        # shellcheck disable=SC2086 # words
        run "$LRSEARCH" $arguments
        expect_status 74
        expect_out_empty
        expect_err "logs/history.db: is "
        expect_err "lrsearch history --rebuild"
    done
    run "$LRSEARCH" sim.yaml --run-dir logs/n3 --set seed=3
    expect_status 74
    expect_err "error: baseline: nothing is compared: $work/logs/history.db: is "
    expect_err "lrsearch history --rebuild"
    expect_json identified logs/n3/result.json status
    run "$LRSEARCH" history logs --rebuild --json
    expect_status 0
    expect_json n2 out runs 1 run
    [ -e logs/history.db.damaged ] || fail "$how: what was there is gone"
done
for how in absent empty; do # as if nothing had been run before
    fresh
    damage logs/history.db "$how"
    run "$LRSEARCH" history logs
    expect_status 65
    expect_err "logs/history.db: there is none"
done
