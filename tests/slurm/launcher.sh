#!/bin/sh
# trainer.launcher: srun on two nodes with four GPUs each (made up): trials are steps of the job, as
# many at a time as fit, and the answer is that of a run without Slurm. A step that Slurm ends is
# lost and tried again; one that lrsearch ends gets SIGTERM first; a killed lrsearch leaves no step;
# a job that is put back in the middle, and one that loses a node, go on to the same answer.
. "${LRSEARCH_SOURCE_DIR:?}/tests/slurm/slurm_lib.sh"

cat >train.sh <<'END'
#!/bin/sh
[ -r "$LRSEARCH_SPEC" ] || exit 4
echo "$SLURM_STEP_NUM_NODES $SLURM_CPUS_ON_NODE $SLURM_GPUS_ON_NODE $*" >>"steps.$(hostname)"
sleep "${NAP:-0.5}"
awk -v lr="$LRSEARCH_LR" -v d="$LRSEARCH_TOKENS" 'BEGIN {
    t = log(lr / (8e-3 * (d / 1e6) ^ -.3)) / log(2)
    printf "loss: %.17g\n", 2 + .02 * t * t
}'
END
cat >hang.sh <<'END'
#!/bin/sh
# The first attempts at trials 1 and 2 go on until they are ended.
trap 'echo "$LRSEARCH_TRIAL" >>terminated; exit 5' TERM
case $LRSEARCH_ATTEMPT.$LRSEARCH_TRIAL in
1.1 | 1.2)
    echo "$SLURM_JOB_ID.$SLURM_STEP_ID" >"hangs.$LRSEARCH_TRIAL"
    for tenth in $(seq 1200); do sleep 0.1; done ;;
esac
exec ./train.sh
END
cat >deaf.sh <<'END'
#!/bin/sh
trap : TERM
echo $$ >deaf.pid
for tenth in $(seq 1200); do sleep 0.1; done
END
chmod +x train.sh hang.sh deaf.sh
cat >local.yaml <<'END'
version: 1
name: steps
trainer: {kind: command, argv: [./train.sh], report: {regex: 'loss: (?<loss>\S+)'}}
search: {lr: [1e-3, 2.56e-1], horizons: [1M, 2M, 4M], policy: grid}
target: {tokens: 64M}
END
sed 's/\(report.*\)}$/\1, launcher: srun, gpus_per_trial: 1, cpus_per_trial: 2, kill_grace: 5s}/' local.yaml >steps.yaml
cat >job.sh <<'END'
#!/bin/sh
#SBATCH --output=job-%j.log --open-mode=append
exec "$@"
END

run env NAP=0 "$LRSEARCH" local.yaml --run-dir whole --set trainer.concurrent_trials=4
expect_status 0
run "$LRSEARCH" steps.yaml
expect_status 69
expect_err "srun starts the trials as steps of a Slurm job, and this process is in none"

# ---- as many at a time as fit ----

submit --nodes=2 --ntasks-per-node=6 --gres=gpu:4 job.sh build/lrsearch steps.yaml
expect_job COMPLETED 0:0 240
expect_same_answer whole/result.json logs/steps/result.json
grep -q "6 trials at a time as steps of Slurm job $job" "job-$job.log" || fail "by CPUs: $(logs)"
for node in n1 n2; do
    [ "$(sort -u steps.$node)" = "1 2 1 " ] || fail "steps on $node: $(sort -u steps.$node)"
done
[ "$(cat steps.n? | wc -l)" -eq "$(json whole/result.json cost trials)" ] || fail "a trial ran twice"
submit --nodes=2 --ntasks-per-node=2 --gres=gpu:4 job.sh build/lrsearch steps.yaml --run-dir none --set trainer.cpus_per_trial=64
wait_for_job "$job" 60
[ "$state $code" = "FAILED 69:0" ] || fail "too large a trial: $state $code: $(logs)"
grep -q "a trial takes 1 node with 64 CPUs and 1 GPUs each, and the Slurm job has 2 nodes" "job-$job.log" || fail "$(logs)"

# ---- trials of two nodes, whose program starts once on each ----

rm steps.n?
submit --nodes=2 --ntasks-per-node=4 --gres=gpu:2 job.sh build/lrsearch steps.yaml --run-dir pairs \
    --set trainer.nodes_per_trial=2 --set trainer.gpus_per_trial=2 --set trainer.cpus_per_trial=4 \
    --set 'trainer.argv=[./train.sh, "{worker}"]'
expect_job COMPLETED 0:0 240
expect_same_answer whole/result.json pairs/result.json
grep -q "2 trials at a time" "job-$job.log" || fail "$(logs)"
[ "$(sort -u steps.n1 | tr '\n' ,)" = "2 2 1 0,2 2 1 1," ] || fail "steps: $(cat steps.n1)"
[ "$(wc -l <steps.n1)" -eq "$(wc -l <steps.n2)" ] || fail "not once on each node"

# ---- a step that Slurm ends is lost, one that lrsearch ends gets SIGTERM ----

submit --nodes=2 --ntasks-per-node=6 --gres=gpu:4 job.sh build/lrsearch steps.yaml --run-dir ended \
    --set 'trainer.argv=[./hang.sh]' --set limits.trial_time=15s
tries=600
until [ -s hangs.1 ] || [ $tries -eq 0 ]; do
    sleep 0.2
    tries=$((tries - 1))
done
scancel "$(cat hangs.1)"
expect_job COMPLETED 0:0 240
expect_same_answer whole/result.json ended/result.json
grep -q "trial 1, attempt 1: lost: Slurm ended its step: " "job-$job.log" || fail "$(logs)"
grep -q "trial 2, attempt 1: lost: .*limits.trial_time" "job-$job.log" || fail "$(logs)"
grep -qx 2 terminated || fail "no SIGTERM before the end"

# ---- a killed lrsearch leaves no step ----

cat >killed.sh <<'END'
#!/bin/sh
#SBATCH --output=job-%j.log
build/lrsearch steps.yaml --run-dir killed --set 'trainer.argv=[./deaf.sh]' &
until [ -s deaf.pid ]; do sleep 0.2; done
kill -KILL $!
tries=100
while squeue --steps --noheader --jobs="$SLURM_JOB_ID" --format=%i | grep -v batch && [ $tries -gt 0 ]; do
    sleep 0.2
    tries=$((tries - 1))
done
[ $tries -gt 0 ]
END
submit --ntasks=2 --gres=gpu:1 killed.sh
expect_job COMPLETED 0:0 120
[ ! -d "/proc/$(cat deaf.pid)" ] || fail "the program outlives lrsearch"

# ---- interrupted: the same job again, and without one of its nodes ----

again() # RUN-DIR: waits until the campaign is in its middle
{
    submit --requeue --no-kill --nodes=2 --ntasks-per-node=4 --gres=gpu:2 job.sh build/lrsearch steps.yaml \
        --run-dir "$1" --set trainer.env.NAP=2
    wait_for_events "$1/journal.jsonl" ended 3 240
}
again requeued
scontrol requeue "$job"
start_again 1
expect_job COMPLETED 0:0 240
expect_same_answer whole/result.json requeued/result.json
! grep -q ": failed: " "job-$job.log" || fail "an interruption is no failure: $(logs)"
again dead # with its node the job loses track of its CPUs (Slurm 22.05), and may not end
sh "$LRSEARCH_SOURCE_DIR/tests/slurm/cluster.sh" kill "$cluster" n2
tries=600
until grep -q ": lost: Slurm ended its step: srun: error: " "job-$job.log" || [ $tries -eq 0 ]; do
    sleep 0.2
    tries=$((tries - 1))
done
scancel "$job"
! grep -q ": failed: " "job-$job.log" || fail "a dead node is no failure: $(logs)"
[ $tries -gt 0 ] || fail "the dead node's step is not lost: $(logs)"
