#!/bin/sh
# usage: random_kills.sh COUNT [SEED]: kill -9 of a worker, of rank 0 and of mpirun in turn, COUNT
# times, each at a random moment. The same command, given again until it is done, ends with the
# result of a run that was left alone, and nothing of the killed one is left.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
mpi_environment
count=${1:-6}
seed=${2:-1}

tiny_plan tiny.yaml "search: {lr: [1e-3, 3e-1], horizons: [64k, 128k, 256k], min_gain: 1e-5, precision: 1e-6}" \
    "budget: {trials: 20}" "limits: {silence: 20s, checkpoint_every: 1s, max_failures: 1000}" "on_fail: {retries: 20}"
run_mpi 4 tiny.yaml --run-dir logs/whole
whole_status=$status
begin=$(date +%s%N)
run_mpi 4 tiny.yaml --run-dir logs/timed
milliseconds=$((($(date +%s%N) - begin) / 1000000))
expect_same_result logs/whole/result.json logs/timed/result.json

draw() # WHICH BELOW: a whole number
{
    awk -v seed="$((seed * 7919 + $1))" -v below="$2" 'BEGIN { srand(seed); print int(rand() * below) }'
}

midst=0
kill_number=0
while [ "$kill_number" -lt "$count" ]; do
    kill_number=$((kill_number + 1))
    dir=logs/kill-$kill_number
    after=$((300 + $(draw $kill_number "$milliseconds")))
    rm -f "$LRSEARCH_EXIT_FILE"
    # shellcheck disable=SC2046 # words
    start $(mpi_command 4) "$LRSEARCH" tiny.yaml --run-dir "$dir"
    sleep "$(awk -v ms=$after 'BEGIN { print ms / 1000 }')"
    ranks=$(rank_pids "$pid")
    case $((kill_number % 3)) in
    0) victim=$pid who=mpirun ;;
    1) victim=$(rank_pid "$pid" $((1 + $(draw $((kill_number + 500)) 3)))) who=worker ;;
    2) victim=$(rank_pid "$pid" 0) who=coordinator ;;
    esac
    echo "kill $kill_number: $who, ${victim:-gone}, after $after ms"
    if [ -f "$dir/journal.jsonl" ] && ! grep -q '"event":"finished"' "$dir/journal.jsonl"; then
        midst=$((midst + 1))
    fi
    # shellcheck disable=SC2086 # it may be gone already
    kill -KILL ${victim:-$pid} 2>/dev/null
    wait_gone "$pid" 90 || fail "kill $kill_number ($who): mpirun did not end within 90 s"
    wait "$pid" 2>/dev/null
    for rank in $ranks; do
        wait_gone "$rank" 30 || fail "kill $kill_number ($who): a rank is left"
    done
    starts=0
    while :; do
        run_mpi 4 tiny.yaml --run-dir "$dir"
        [ "$status" -ne "$whole_status" ] || break
        starts=$((starts + 1))
        [ "$starts" -lt 5 ] || fail "kill $kill_number ($who): exit status $status, again and again"
    done
    expect_same_result logs/whole/result.json "$dir/result.json"
    [ ! -e "$dir/lock" ] || fail "kill $kill_number ($who): the lock is left"
done
echo "$midst of $count kills met a campaign in its midst (seed $seed)"
[ "$midst" -ge $((count / 3)) ] || fail "too few kills met a running campaign: $midst of $count"
