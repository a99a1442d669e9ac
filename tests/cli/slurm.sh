#!/bin/sh
# The job scripts in plans/ under a real Slurm: a night and its exit status, a drift, and a job that
# stops before its limit, puts itself back into the queue and goes on. Needs a cluster that answers,
# whose nodes see this folder; takes some minutes.
slurm_conf=${SLURM_CONF:-} # the library takes Slurm's variables away
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
[ -z "$slurm_conf" ] || export SLURM_CONF="$slurm_conf"
command -v sbatch >/dev/null 2>&1 || skip "there is no sbatch"
timeout 10 sinfo -h -t idle,mixed -o %D 2>/dev/null | grep -q '[1-9]' || skip "no Slurm cluster answers"

# The scripts start ./run.sh from the folder of lrsearch: here one that starts the program as built.
cat >run.sh <<END
#!/bin/sh
plan=\$1
shift 2
"$LRSEARCH" "\$plan" "\$@" </dev/null &
pid=\$!
trap 'kill -USR1 \$pid' TERM
while :; do
    wait \$pid
    status=\$?
    kill -0 \$pid 2>/dev/null || exit \$status
done
END
chmod +x run.sh
cat >night.yaml <<'END'
version: 1
name: night
trainer: {kind: simulate}
simulate: {noise: 0.001}
search: {lr: [1e-3, 6.4e-2], horizons: [1M, 2M, 4M], resolution: 0.5}
target: {tokens: 16M}
baseline: previous
END

job_field() # JOB FIELD
{
    scontrol show job "$1" | tr ' ' '\n' | sed -n "s/^$2=//p" | head -n 1
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
        [ "$tries" -gt 0 ] || fail "job $1 is still $state: $(cat ./*.log)"
        sleep 1
        tries=$((tries - 1))
    done
}
submit() # SCRIPT-AND-ARGUMENTS...: leaves $job
{
    job=$(sbatch --parsable --ntasks=1 "$@") || fail "sbatch $*"
    job=${job%%;*}
}

submit "$LRSEARCH_SOURCE_DIR/plans/nightly.sbatch" night.yaml
wait_for_job "$job" 60
[ "$state $code" = "COMPLETED 0:0" ] || fail "first night: $state $code: $(cat nightly-*.log)"
night=$(echo logs/nightly-????-??-??)
expect_file "$night/result.json" "$night.err"
grep -q '^lrsearch: summary {' "nightly-$job.log" || fail "no summary"

mv "$night" logs/nightly-2000-01-01
"$LRSEARCH" history --rebuild >/dev/null 2>&1
mkdir bin
printf '#!/bin/sh\n{ echo "$*"; cat; } >"%s/mail.txt"\n' "$work" >bin/mail
chmod +x bin/mail
PATH=$work/bin:$PATH LRSEARCH_MAIL=someone submit "$LRSEARCH_SOURCE_DIR/plans/nightly.sbatch" night.yaml \
    --set simulate.lr=2.4e-2
wait_for_job "$job" 60
[ "$state $code" = "FAILED 7:0" ] || fail "drift: $state $code: $(cat nightly-*.log)"
grep -q 'has moved someone' mail.txt || fail "no mail"
grep -q '^{"name":"night","status":"identified","exit":7' mail.txt || fail "no summary in the mail"

tiny_plan slow.yaml "search: {lr: [1e-3, 3e-1], horizons: [512k, 1M, 2M], policy: grid}" \
    "target: {tokens: 8M}" "model: {arch: gpt, d_model: 32, n_layers: 2, n_heads: 2, context: 32, vocab: 64}"
submit --time=1 --signal=B:USR1@45 "$LRSEARCH_SOURCE_DIR/plans/preemptible.sbatch" slow.yaml logs/slow \
    --grace 10s
tries=200
until [ "$(job_field "$job" Restarts)" -ge 1 ]; do
    case $(job_field "$job" JobState) in
    PENDING | RUNNING | COMPLETING | REQUEUED | CONFIGURING) ;;
    *) fail "ended without being put back: $(cat preemptible-*.log)" ;;
    esac
    [ "$tries" -gt 0 ] || fail "was not put back: $(cat preemptible-*.log)"
    sleep 1
    tries=$((tries - 1))
done
grep -q "start 0 is over; back into the queue" "preemptible-$job.log" || fail "who put it back?"
tries=200 # the next start may have to wait
until grep -q "going on with" "preemptible-$job.log"; do
    [ "$tries" -gt 0 ] || fail "did not go on: $(cat preemptible-*.log)"
    sleep 1
    tries=$((tries - 1))
done
scancel "$job"
wait_for_job "$job" 60
[ "$state" = CANCELLED ] || fail "cancelled, it is $state"
