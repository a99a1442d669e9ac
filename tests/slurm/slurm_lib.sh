# Sourced by the scripts in tests/slurm: cli_lib.sh, and a Slurm cluster of two virtual nodes with
# 32 processors each, which ends with the test. Skips where the machine cannot have one.
# shellcheck shell=sh disable=SC2034
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
cluster=$(mktemp -d) || exit 1
trap 'sh "$LRSEARCH_SOURCE_DIR/tests/slurm/cluster.sh" down "$cluster"; rm -rf "$cluster"; cleanup' EXIT
SLURM_CONF=$(sh "$LRSEARCH_SOURCE_DIR/tests/slurm/cluster.sh" up "$cluster" 2 32 2>"$work/err") || {
    case $? in
    77) skip "no Slurm cluster: $(cat "$work/err")" ;;
    *) fail "the Slurm cluster does not start" ;;
    esac
}
export SLURM_CONF

# What the job scripts expect: the program in build/, or run.sh beside it.
mkdir build
ln -s "$LRSEARCH" build/lrsearch
cp -r "$LRSEARCH_SOURCE_DIR/run.sh" "$LRSEARCH_SOURCE_DIR/.ci" "$LRSEARCH_SOURCE_DIR/packages.txt" .

job_field() # JOB FIELD
{
    scontrol show job "$1" | tr ' ' '\n' | sed -n "s/^$2=//p" | head -n 1
}

submit() # SBATCH-ARGUMENT...: leaves $job
{
    last_command="sbatch $*"
    job=$(sbatch --parsable "$@") || fail "sbatch $*"
    job=${job%%;*}
}

logs() # of the jobs so far
{
    tail -n 60 ./*.log 2>/dev/null
}

wait_for_job() # JOB SECONDS: until it has ended for good; leaves $state and $code
{
    tries=$2
    while :; do
        state=$(job_field "$1" JobState)
        code=$(job_field "$1" ExitCode)
        case $state in
        PENDING | RUNNING | COMPLETING | REQUEUED | CONFIGURING) ;;
        *) return ;;
        esac
        [ "$tries" -gt 0 ] || fail "job $1 is still $state: $(logs)"
        sleep 1
        tries=$((tries - 1))
    done
}

expect_job() # STATE EXIT-CODE SECONDS
{
    wait_for_job "$job" "$3"
    [ "$state $code" = "$1 $2" ] || fail "job $job: $state $code instead of $1 $2: $(logs)"
}

# Slurm holds a job that was put back for two minutes.
start_again() # COUNT: the job's COUNT-th start after its first
{
    tries=120
    until [ "$(job_field "$job" Restarts)" -ge "$1" ] && [ "$(job_field "$job" JobState)" = PENDING ]; do
        case $(job_field "$job" JobState) in
        PENDING | RUNNING | COMPLETING | REQUEUED | CONFIGURING) ;;
        *) fail "job $job ended without being put back: $(logs)" ;;
        esac
        [ "$tries" -gt 0 ] || fail "job $job was not put back: $(logs)"
        sleep 1
        tries=$((tries - 1))
    done
    # Begun while a node still clears the last start away, the job fails with 1:0.
    while [ -n "$(sinfo --noheader --format=%N --states=completing)" ]; do
        [ "$tries" -gt 0 ] || fail "a node is still completing: $(sinfo)"
        sleep 1
        tries=$((tries - 1))
    done
    scontrol update JobId="$job" StartTime=now || fail "scontrol update"
}

# A campaign of a minute or less on any machine: some 25 trainings that sleep.
slow_plan() # FILE
{
    cat >train.sh <<'END'
#!/bin/sh
sleep 1.5
awk -v lr="$LRSEARCH_LR" -v tokens="$LRSEARCH_TOKENS" 'BEGIN {
    octaves = log(lr / 0.02 * (tokens / 1e5) ^ 0.3) / log(2)
    printf "{\"tokens\": %d, \"loss\": %.6f, \"final\": true}\n", tokens,
        2.5 + 3 / log(tokens) + 0.02 * octaves ^ 2
}' >&"$LRSEARCH_REPORT_FD"
END
    chmod +x train.sh
    cat >"$1" <<'END'
version: 1
name: my-plan
trainer: {kind: command, argv: [./train.sh]}
search: {lr: [1e-3, 3e-1], horizons: [100k, 200k, 400k], policy: grid}
target: {tokens: 4M}
END
}
