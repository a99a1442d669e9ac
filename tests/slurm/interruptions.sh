#!/bin/sh
# usage: interruptions.sh requeued|time_limit|cancelled|dead_node
#
# A Slurm job is interrupted in the middle of its campaign: the end is that of one without
# interruptions. The jobs are plans/preemptible.sbatch and the script that docs/slurm.md shows.
. "${LRSEARCH_SOURCE_DIR:?}/tests/slurm/slurm_lib.sh"
case=$1

slow_plan my-plan.yaml
run "$LRSEARCH" run my-plan.yaml -n 9 --run-dir whole
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"
case $status in
0) ended="COMPLETED 0:0" ;;
*) ended="FAILED $status:0" ;;
esac

# docs/slurm.md's script, with other numbers and a name for its output
sed -n '/^## One job/,/^## /s/^    //p' "$LRSEARCH_SOURCE_DIR/docs/slurm.md" |
    sed 's/--ntasks=64 /--ntasks=2 /; s/--time=8:00:00/--time=1/; s/@120$/@45/' >readme.sh
grep -q '^#SBATCH --ntasks=2 .*--time=1$' readme.sh || fail "docs/slurm.md's script: $(cat readme.sh)"
grep -q '^#SBATCH .*--signal=B:USR1@45$' readme.sh || fail "docs/slurm.md's script: $(cat readme.sh)"
preemptible=$LRSEARCH_SOURCE_DIR/plans/preemptible.sbatch

wait_for_trainings() # COUNT, ended ones, in logs/run
{
    wait_for_events logs/run/journal.jsonl ended "$1" 240
}
expect_undisturbed() # RUN_DIR
{
    wait_for_job "$job" 600
    [ "$state $code" = "$ended" ] || fail "job $job: $state $code instead of $ended: $(logs)"
    expect_same_result whole/result.json "$1/result.json"
}

case $case in
requeued)
    submit --ntasks=3 "$preemptible" my-plan.yaml logs/run
    wait_for_trainings 2
    scontrol requeue "$job"
    start_again 1
    wait_for_trainings 5
    scontrol requeue "$job"
    start_again 2
    expect_undisturbed logs/run
    ;;
time_limit)
    submit --output=readme.log readme.sh
    start_again 1
    grep -q "start 0 is over; back into the queue" readme.log || fail "who put it back? $(logs)"
    scontrol update JobId="$job" TimeLimit=20
    expect_undisturbed logs/my-plan
    [ "$(job_field "$job" Restarts)" -eq 1 ] || fail "it was put back more than once"
    ;;
cancelled)
    submit --ntasks=2 "$preemptible" my-plan.yaml logs/run
    wait_for_trainings 2
    scancel "$job"
    wait_for_job "$job" 120
    [ "$state" = CANCELLED ] || fail "cancelled, it is $state: $(logs)"
    [ "$(job_field "$job" Restarts)" -eq 0 ] || fail "a cancelled job was put back"
    submit --ntasks=2 "$preemptible" my-plan.yaml logs/run
    expect_undisturbed logs/run
    ;;
dead_node)
    submit --nodes=2 --ntasks=4 "$preemptible" my-plan.yaml logs/run
    wait_for_trainings 2
    sh "$LRSEARCH_SOURCE_DIR/tests/slurm/cluster.sh" kill "$cluster" n2
    start_again 1
    sh "$LRSEARCH_SOURCE_DIR/tests/slurm/cluster.sh" boot "$cluster" n2 || fail "the node does not come back"
    expect_undisturbed logs/run
    ;;
*) fail "usage: interruptions.sh requeued|time_limit|cancelled|dead_node" ;;
esac
