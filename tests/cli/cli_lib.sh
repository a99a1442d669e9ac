# Sourced by the scripts in tests/cli and tests/mpi. A script fails at its first broken expectation,
# showing what the program said. In the environment: LRSEARCH (the program), LRSEARCH_SOURCE_DIR,
# LRSEARCH_READ_JSON (the program of read_json.c).
# shellcheck shell=sh disable=SC2034
set -u
: "${LRSEARCH:?}" "${LRSEARCH_SOURCE_DIR:?}"

# Before Slurm's or another mpirun's variables make a lone process believe that it is a rank.
for variable in $(env | sed -n 's/^\(\(OMPI\|PMIX\|PMI\|SLURM\)_[A-Za-z0-9_]*\)=.*/\1/p'); do
    unset "$variable"
done
unset LRSEARCH_EXIT_FILE
export OPENBLAS_NUM_THREADS=1

work=$(mktemp -d) || exit 1
# A worker that a sanitizer ends is no failure of the campaign, which goes on with the others: what
# AddressSanitizer finds goes to files, what UBSan finds is looked for in stderr, and the test
# fails.
reports=$(mktemp -d) || exit 1
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}log_path=$reports/asan"
background=
cleanup()
{
    for pid in $background; do
        kill -KILL "$pid" 2>/dev/null
    done
    found=$(find "$reports" -type f -exec cat {} + && grep -s ': runtime error: ' "$work/err")
    rm -rf "$work" "$reports"
    [ -z "$found" ] || {
        echo "FAILED: the sanitizers report:"
        printf '%s\n' "$found" | head -n 100
        exit 1
    }
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP
cd "$work" || exit 1

fail() # TEXT...
{
    echo "FAILED: $*"
    echo "--- last command: ${last_command:-none}, exit status ${status:-none}"
    echo "--- stdout"
    tail -n 40 "$work/out" 2>/dev/null
    echo "--- stderr"
    tail -n 40 "$work/err" 2>/dev/null
    exit 1
}

skip() # TEXT...: CTest shows the test as skipped
{
    echo "SKIPPED: $*"
    exit 77
}

run() # COMMAND...: leaves $status, $work/out, $work/err; what hangs is ended after $limit_s
{
    last_command=$*
    timeout -k 10 "${limit_s:-240}" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
    if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
        fail "did not end within ${limit_s:-240} s"
    fi
    [ ! -s "$work/err" ] || ! grep -q ': runtime error: ' "$work/err" || fail "UBSan found something"
}

expect_status() # STATUS
{
    [ "$status" -eq "$1" ] || fail "exit status $status instead of $1"
}

expect_out() # FIXED TEXT: some line of stdout has it
{
    grep -qF -e "$1" "$work/out" || fail "stdout does not say: $1"
}

expect_err() # FIXED TEXT
{
    grep -qF -e "$1" "$work/err" || fail "stderr does not say: $1"
}

expect_no_err() # FIXED TEXT
{
    ! grep -qF -e "$1" "$work/err" || fail "stderr must not say: $1"
}

expect_out_empty()
{
    [ ! -s "$work/out" ] || fail "stdout must be empty"
}

expect_err_lines() # COUNT
{
    lines=0
    while read -r err_line; do
        lines=$((lines + 1))
    done <"$work/err"
    [ "$lines" -eq "$1" ] || fail "stderr has $lines lines instead of $1"
}

stdout_says() # TEXT: is it in stdout, wherever its lines are broken?
{
    text=$1 awk '{ all = all $0 " " } END { gsub(/  +/, " ", all); exit !index(all, ENVIRON["text"]) }' \
        "$work/out"
}

expect_said() # TEXT
{
    stdout_says "$1" || fail "stdout does not say: $1"
}

expect_not_said() # TEXT
{
    ! stdout_says "$1" || fail "stdout must not say: $1"
}

expect_file() # PATH...
{
    for path in "$@"; do
        [ -s "$path" ] || fail "$path is missing or empty"
    done
}

refused() # STATUS TEXT ARGUMENT...: one line on stderr, nothing on stdout
{
    wanted=$1
    text=$2
    shift 2
    run "$LRSEARCH" "$@"
    expect_status "$wanted"
    expect_out_empty
    # by the shell itself: there are hundreds of these
    { IFS= read -r line && ! read -r _; } <"$work/err" || fail "stderr has not one line"
    case $line in
    *"$text"*) ;;
    *) fail "stderr does not say: $text" ;;
    esac
}

json() # FILE KEY...: the value; an object or array as JSON text
{
    "${LRSEARCH_READ_JSON:?}" "$@"
}

expect_json() # VALUE FILE KEY...
{
    expected=$1
    shift
    found=$(json "$@") || fail "$*: not there"
    [ "$found" = "$expected" ] || fail "$*: $found instead of $expected"
}

# What must not depend on who computed it: target and horizons of a result.
answer_of() # RESULT.JSON
{
    expect_file "$1"
    for part in target law horizons; do
        json "$1" $part || fail "$1: has no $part"
    done
}

expect_same_answer() # RESULT.JSON RESULT.JSON
{
    answer_of "$1" >"$work/answer.1" || exit 1
    answer_of "$2" >"$work/answer.2" || exit 1
    cmp -s "$work/answer.1" "$work/answer.2" || {
        diff "$work/answer.1" "$work/answer.2"
        fail "$1 and $2 differ in target, law or horizons"
    }
}

# The whole of a result but for what tells how the run went: time, and what was lost on the way.
result_of() # RESULT.JSON
{
    expect_file "$1"
    sed '/"core_seconds"/d; /"lost_attempts"/d; /"lost_tokens"/d' "$1"
}

expect_same_result() # RESULT.JSON RESULT.JSON
{
    result_of "$1" >"$work/result.1" || exit 1
    result_of "$2" >"$work/result.2" || exit 1
    cmp -s "$work/result.1" "$work/result.2" || {
        diff "$work/result.1" "$work/result.2"
        fail "$1 and $2 differ"
    }
}

# A plan of a few seconds. Arguments replace whole sections: tiny_plan FILE "search: {...}" ...
tiny_plan() # FILE [SECTION...]
{
    tiny_file=$1
    shift
    cat >"$tiny_file" <<'END'
version: 1
name: tiny
seed: 7
trainer: {kind: transformer, matmul: own}
model: {arch: gpt, d_model: 16, n_layers: 1, n_heads: 2, context: 16, vocab: 64}
data: {source: synthetic, val_tokens: 1024}
training: {batch_tokens: 256}
search: {lr: [1e-3, 3e-1], horizons: [8k, 16k, 32k]}
target: {tokens: 1M}
END
    for section in "$@"; do
        key=${section%%:*}
        grep -v "^$key:" "$tiny_file" >"$tiny_file.new"
        printf '%s\n' "$section" >>"$tiny_file.new"
        mv "$tiny_file.new" "$tiny_file"
    done
}

# For a script that looks at no figure: in place of gnuplot, whose start takes longer than many a
# campaign here, a script that leaves an empty figure where `-e "figure = 'FILE'"` says.
empty_figures()
{
    mkdir "$work/.bin"
    cat >"$work/.bin/gnuplot" <<'END'
#!/bin/sh
file=${2#*\'}
echo '<svg xmlns="http://www.w3.org/2000/svg"></svg>' >"${file%\'}"
END
    chmod +x "$work/.bin/gnuplot"
    PATH=$work/.bin:$PATH
}

# A table of losses whose best LR, 4e-3 at 1M tokens, falls as tokens^-.3; a plan that replays it.
replay_plan() # writes table.csv and replay.yaml
{
    awk 'BEGIN {
        print "lr,tokens,loss"
        for (d = 1e6; d <= 4e6; d *= 2)
            for (lr = 1e-3; lr < 2e-2; lr *= 2) {
                x = log(lr / 4e-3 * (d / 1e6) ^ .3)
                printf "%g,%d,%.9g\n", lr, d, 3 + .05 * x * x
            }
    }' >table.csv
    cat >replay.yaml <<'END'
version: 1
name: replay
trainer: {kind: replay, table: table.csv}
search: {lr: [1e-3, 1.6e-2], horizons: [1M, 2M, 4M], policy: grid}
target: {tokens: 64M}
END
}

# ---- ranks ----

# mpirun as run.sh starts it. The exit status of rank 0 comes by LRSEARCH_EXIT_FILE.
mpi_command() # NP: prints the words
{
    # shellcheck disable=SC2086 # words
    echo mpirun --oversubscribe --bind-to none --mca async_mpi_finalize 1 $mpi_survival -np "$1"
}

mpi_environment() # also leaves $mpi_survival, the option that lets ranks outlive one of them
{
    case $(mpirun --version 2>&1) in
    *"Open MPI) 4."* | *"Open MPI) 3."*) mpi_survival=--enable-recovery ;;
    *"Open MPI"*) mpi_survival="--with-ft ulfm" ;;
    *) skip "these tests need Open MPI's mpirun" ;;
    esac
    if [ "$(id -u)" -eq 0 ]; then
        export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    fi
    export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_odls_base_sigkill_timeout=5
    export LRSEARCH_EXIT_FILE="$work/exit_status"
}

run_mpi() # NP LRSEARCH-ARGUMENT...: as run, with the status of rank 0
{
    ranks=$1
    shift
    rm -f "$LRSEARCH_EXIT_FILE"
    # shellcheck disable=SC2046 # words
    run $(mpi_command "$ranks") "$LRSEARCH" "$@"
    mpirun_status=$status
    status=$(cat "$LRSEARCH_EXIT_FILE" 2>/dev/null) || fail "rank 0 left no exit status (mpirun: $mpirun_status)"
}

start() # COMMAND...: in the background; leaves $pid, output as run does
{
    last_command=$*
    "$@" >"$work/out" 2>"$work/err" </dev/null &
    pid=$!
    background="$background $pid"
}

children_of() # PID: the pids, by /proc (no ps on a bare system)
{
    for stat in /proc/[0-9]*/stat; do
        # pid (name) state ppid ...; the name holds no blank here
        read -r child name state parent rest 2>/dev/null <"$stat" || continue
        [ "$parent" = "$1" ] && echo "$child"
    done
}

rank_pids() # MPIRUN-PID: of all its ranks
{
    for child in $(children_of "$1"); do
        grep -qz '^OMPI_COMM_WORLD_RANK=' "/proc/$child/environ" 2>/dev/null && echo "$child"
    done
}

rank_pid() # MPIRUN-PID RANK: the pid; empty when there is none
{
    for child in $(children_of "$1"); do
        grep -qz "^OMPI_COMM_WORLD_RANK=$2\$" "/proc/$child/environ" 2>/dev/null && echo "$child"
    done
}

wait_until() # SECONDS COMMAND...: until the command succeeds
{
    tries=$(($1 * 10))
    wanted_s=$1
    shift
    until "$@"; do
        [ "$tries" -gt 0 ] || fail "not within $wanted_s s: $*"
        sleep 0.1
        tries=$((tries - 1))
    done
}

has_events() # JOURNAL EVENT COUNT
{
    seen=$(grep -c "\"event\":\"$2\"" "$1" 2>/dev/null)
    [ "${seen:-0}" -ge "$3" ]
}
wait_for_events() # JOURNAL EVENT COUNT [SECONDS]
{
    wait_until "${4:-150}" has_events "$1" "$2" "$3"
}

wait_gone() # PID SECONDS
{
    tries=$(($2 * 10))
    while kill -0 "$1" 2>/dev/null; do
        # pid (name) state ...: a zombie is gone; only its parent can take it away
        { read -r _ _ state _ <"/proc/$1/stat"; } 2>/dev/null && [ "$state" = Z ] && return 0
        [ "$tries" -gt 0 ] || return 1
        sleep 0.1
        tries=$((tries - 1))
    done
}

# 600 kB of words with some order in them, the same everywhere.
make_story() # FILE
{
    awk 'BEGIN {
        n = split("the of and a to in is was he for it with as his on be at by had not are but from or" \
                  " have an they which one you were all her she there would their we him been has when" \
                  " who will no more if out so up said what its about than into them can only other", w)
        x = 12345
        for (i = 0; i < 120000; i++) {
            x = (x * 1103 + 12347) % 65537
            printf "%s%s", w[1 + (x + i % 7) % n], i % 11 == 10 ? ".\n" : " "
        }
    }' >"$1"
}
