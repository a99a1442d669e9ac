#!/bin/sh
# Several commands at a time in one process, each with a port of its own; trainer.launcher: any
# words, and srun (a stand-in; tests/slurm/launcher.sh has the real one).
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
empty_figures

cat >loss.sh <<'END'
#!/bin/sh
awk -v lr="$LRSEARCH_LR" -v d="$LRSEARCH_TOKENS" 'BEGIN {
    t = log(lr / (8e-3 * (d / 1e6) ^ -.3)) / log(2)
    printf "loss: %.17g\n", 2 + .02 * t * t
}'
END
# As torch.distributed does: it listens on MASTER_PORT while it runs. The folder says who runs now.
cat >port.sh <<'END'
#!/bin/sh
[ "$LRSEARCH_PORT $LRSEARCH_WORKER $CUDA_VISIBLE_DEVICES" = "$MASTER_PORT $1 $2" ] || exit 4
[ "$MASTER_ADDR" = 127.0.0.1 ] || exit 5
mkdir "worker.$1" || exit 6
ls -d worker.* | wc -l >>at-a-time
perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0);
    bind(S, sockaddr_in($ENV{MASTER_PORT}, INADDR_ANY)) and listen(S, 1) or exit 7;
    select(undef, undef, undef, 0.3)' || exit $?
rmdir "worker.$1"
exec ./loss.sh
END
chmod +x loss.sh port.sh
cat >plan.yaml <<'END'
version: 1
name: plan
trainer: {kind: command, argv: [./loss.sh], report: {regex: 'loss: (?<loss>\S+)'}, kill_grace: 5s}
search: {lr: [4e-3, 1.6e-2], horizons: [1M, 2M], policy: grid}
target: {tokens: 8M}
END
run "$LRSEARCH" plan.yaml --run-dir one
expect_status 0

# ---- many at a time, ports ----

run env -u CUDA_VISIBLE_DEVICES -u MASTER_ADDR "$LRSEARCH" plan.yaml --run-dir ports \
    --set trainer.concurrent_trials=3 --set trainer.gpus_per_trial=2 \
    --set 'trainer.argv=[./port.sh, "{worker}", "{gpus}"]'
expect_status 0
expect_same_answer one/result.json ports/result.json
[ ! -s ports/faults.csv ] || [ "$(wc -l <ports/faults.csv)" -eq 1 ] || fail "faults: $(cat ports/faults.csv)"
[ "$(sort -n at-a-time | tail -n 1)" -eq 3 ] || fail "not three at a time: $(cat at-a-time)"
one() # [--set ...]: one training
{
    run "$LRSEARCH" train plan.yaml --lr 0.008 --tokens 1M "$@"
}
cat >told.sh <<'END'
#!/bin/sh
env >told.env
for word; do echo "$word"; done >told.argv
[ -n "$SLOW" ] || exec ./loss.sh
echo waits >&2
trap 'echo terminated >>told.argv; exit 1' TERM
for tenth in $(seq 300); do sleep 0.1; done
END
chmod +x told.sh
one --set 'trainer.argv=[./told.sh, "{port}"]' --set 'trainer.env={MASTER_PORT: 29500, MASTER_ADDR: here}'
expect_status 0
grep -qx MASTER_PORT=29500 told.env && grep -qx MASTER_ADDR=here told.env || fail "the plan's variables"
grep -qx '2[0-9]\{4\}' told.argv || fail "{port}: $(cat told.argv)"

# ---- any launcher ----

told() # WORD...
{
    expect_status 0
    printf '%s\n' "$@" | cmp - told.argv || fail "argv: $(cat told.argv)"
}
argv='trainer.argv=[./told.sh, "it'\''s", "$(touch PWN);", "", "{lr}"]'
for launcher in '[env, A=b]' '[env, A=b, "{command}"]' '[sh, -c, "A=b exec {command}"]' \
    '[sh, -c, "{command}; A=b exec {command}"]' \
    '[sh, -c, "A=$1 exec {command}", "{{command}}", b]' '[env, "A=b", sh, -c, "\"$@\"", x, "{command}"]'; do
    one --set "$argv" --set "trainer.launcher=$launcher"
    told "it's" '$(touch PWN);' "" 0.008
    grep -qx A=b told.env || fail "$launcher did not run it"
    ! grep -q ^MASTER_ADDR= told.env || fail "MASTER_ADDR with a launcher"
done
run "$LRSEARCH" check plan.yaml --set 'trainer.argv=[not-here]' --set 'trainer.launcher=[env, "{command}"]'
expect_status 0
expect_out "  env not-here"
expect_no_err "is not in PATH"
run "$LRSEARCH" check plan.yaml --set 'trainer.launcher=[no-such-program]'
expect_err "trainer.launcher[0]: no-such-program is not in PATH on this host"
[ ! -e PWN ] || fail "a shell has run an argument"
one --set "$argv" --set 'trainer.launcher=[env, "A={seed}{command}", ./told.sh]'
expect_status 0
grep -qxF "A=1'./told.sh' 'it'\\''s' '\$(touch PWN);' '' '0.008'" told.env || fail "quoted: $(grep ^A= told.env)"

# ---- srun ----

mkdir bin
cat >bin/srun <<'END'
#!/bin/sh
env >srun.env
for word; do echo "$word"; done >srun.words
while case $1 in -*) ;; *) false ;; esac do shift; done
[ -z "$SRUN_SAYS" ] || { echo "$SRUN_SAYS" >&2; exit "$SRUN_STATUS"; }
trap 'kill -KILL $!; exit 137' TERM # as the real one, it kills its step
echo $$ >srun.pid
setsid "$@" & # the step, elsewhere
echo $! >step.pid
wait $!
END
cat >bin/squeue <<'END'
#!/bin/sh
echo "squeue $*" >>asked
printf '7.batch batch\n7.3 lrsearch-9.9\n7.4 %s\n' "$(sed -n 's/^--job-name=//p' srun.words)"
END
cat >bin/scancel <<'END'
#!/bin/sh
echo "scancel $*" >>asked
[ -n "$DEAF" ] || kill -TERM "$(cat step.pid)"
END
chmod +x bin/*
PATH=$work/bin:$PATH
run "$LRSEARCH" plan.yaml --set trainer.launcher=srun
expect_status 69
expect_err "srun starts the trials as steps of a Slurm job, and this process is in none: start it by sbatch"
[ ! -e logs/plan ] || fail "files of a campaign that did not begin"
one --set trainer.launcher=srun
expect_status 5
expect_err "trainer.launcher: srun needs a job of Slurm (sbatch or salloc)"
export SLURM_JOB_ID=7 SLURM_JOB_CPUS_PER_NODE='8(x2),4' SLURM_MEM_PER_NODE=100 SLURM_NTASKS=9 SLURM_GPUS_ON_NODE=4 SLURM_EXPORT_ENV=NONE
one --set trainer.launcher=srun --set trainer.gpus_per_trial=2 --set trainer.nodes_per_trial=2 \
    --set trainer.cpus_per_trial=8 --set 'trainer.argv=[./told.sh, a b]'
told "a b"
tr '\n' ' ' <srun.words | grep -q -e '--exclusive --exact .*--nodes=2 --ntasks=2 --ntasks-per-node=1 --cpus-per-task=4 --gpus-per-node=1 ./told.sh a b' ||
    fail "srun's words: $(cat srun.words)"
grep -qx SLURM_JOB_ID=7 srun.env || fail "srun does not know its job"
! grep -q '^SLURM_\(MEM\|NTASKS\|EXPORT\)' srun.env || fail "srun's options: $(grep ^SLURM srun.env)"
case $(sed -n 's/^LRSEARCH_SPEC=//p' told.env) in
/*/lrsearch-spec-*) ;;
*) fail "LRSEARCH_SPEC" ;;
esac

says() # TEXT STATUS EXPECTED-ERROR
{
    SRUN_SAYS=$1 SRUN_STATUS=$2 one --set trainer.launcher=srun
    expect_status 5
    cat "$work/out" "$work/err" | grep -qF "$3" || fail "not said: $3"
}
export SRUN_SAYS SRUN_STATUS SLOW DEAF
SRUN_SAYS='' SLOW='' DEAF=''
says "srun: error: Node failure on n2" 0 "lost: Slurm ended its step: srun: error: Node failure on n2"
says "slurmstepd-n1: error: *** STEP 7.4 ON n1 CANCELLED AT 2026 DUE TO PREEMPTION ***" 137 "lost: Slurm ended its step: slurmstepd-n1"
says "srun: error: n1: task 0: Out Of Memory" 137 "lost: Slurm ended its step"
says "srun: error: Unable to create step" 250 "lost: srun could not run it; its last line: srun: error: Unable"
says "srun: error: n1: task 0: Exited with exit code 3" 3 "exit status 3; its last line"
SRUN_SAYS=

# The step gets SIGTERM by scancel; one that ignores it is killed by srun.
stopped() # [--set ...]
{
    SLOW=1 one --set trainer.launcher=srun --set 'trainer.argv=[./told.sh]' --set limits.silence=1s "$@"
    expect_status 5
    expect_err "it said nothing for 1 s"
    expect_file asked
    grep -qx 'scancel --signal=TERM 7.4' asked || fail "asked: $(cat asked)"
    wait_gone "$(cat step.pid)" 5 || fail "the step is left"
    rm asked
}
stopped
grep -qx terminated told.argv || fail "no SIGTERM"
DEAF=1 stopped --set trainer.kill_grace=1s
! grep -qx terminated told.argv || fail "a deaf step heard it"

# As many at a time as fit: 4 on each of two nodes by the CPUs, 2 on the third; by the GPUs 2 each.
fits() # COUNT SET...
{
    count=$1
    shift
    run "$LRSEARCH" plan.yaml --set trainer.launcher=srun --run-dir "fits-$count" --set budget.trials=2 "$@"
    expect_status 4
    expect_err "$count trial"
    expect_err " at a time as steps of Slurm job 7"
}
fits 20
fits 10 --set trainer.cpus_per_trial=2
fits 6 --set trainer.cpus_per_trial=2 --set trainer.gpus_per_trial=2
fits 3 --set trainer.cpus_per_trial=4 --set trainer.gpus_per_trial=4 --set trainer.nodes_per_trial=1
fits 4 --set trainer.nodes_per_trial=3
fits 5 --set trainer.nodes_per_trial=2 --set trainer.cpus_per_trial=4
fits 2 --set trainer.concurrent_trials=2
run "$LRSEARCH" plan.yaml --set trainer.launcher=srun --set trainer.cpus_per_trial=9 --run-dir none
expect_status 69
expect_err "a trial takes 1 node with 9 CPUs and 0 GPUs each, and the Slurm job has 3 nodes with 8(x2),4 CPUs and 4 GPUs each: none fits"
run env -u SLURM_GPUS_ON_NODE "$LRSEARCH" plan.yaml --set trainer.launcher=srun --set trainer.gpus_per_trial=1 --run-dir none
expect_status 69
expect_err "how many GPUs the Slurm job has (SLURM_GPUS_ON_NODE): give trainer.concurrent_trials"

# ---- lrsearch is killed: the launcher gets SIGTERM, so that it can end what it started ----

cat >far.sh <<'END'
#!/bin/sh
trap 'echo >far.ended; exit 1' TERM
exec 2>/dev/null # nobody reads what the shell says of a killed sleep
echo >far.begun
while :; do sleep 0.1; done
END
chmod +x far.sh
until_there() # FILE
{
    tries=300
    while [ ! -e "$1" ]; do
        [ "$((tries -= 1))" -gt 0 ] || fail "$1 did not appear within 30 s"
        sleep 0.1
    done
}
start "$LRSEARCH" train plan.yaml --lr 0.008 --tokens 1M --set 'trainer.launcher=[./far.sh]'
until_there far.begun
kill -KILL "$pid"
until_there far.ended

# ---- plans that cannot be right ----

refused_plan() # TEXT SET...
{
    text=$1
    shift
    run "$LRSEARCH" check plan.yaml "$@"
    expect_status 65
    expect_err "$text"
}
refused_plan "is for trainer.launcher: srun only; leave it out" --set trainer.nodes_per_trial=2
refused_plan "is for trainer.launcher: srun only; leave it out" --set 'trainer.launcher=[ssh, x]' --set trainer.cpus_per_trial=2
refused_plan "3 cannot be divided by trainer.nodes_per_trial 2; give a multiple of it" --set trainer.launcher=srun \
    --set trainer.nodes_per_trial=2 --set trainer.gpus_per_trial=3
refused_plan "does not inherit the descriptor of fd: true; give prefix" --set trainer.launcher=srun --set 'trainer.report={fd: true}'
refused_plan "{comand} is not known" --set 'trainer.launcher=[ssh, h, "{comand}"]'
refused_plan "is the program and cannot be empty" --set 'trainer.launcher=["", x]'
refused_plan "{command} is not known" --set 'trainer.argv=[a, "{command}"]'
run "$LRSEARCH" check plan.yaml --set trainer.kind=simulate --set trainer.concurrent_trials=2
expect_status 65
expect_err "trainer.concurrent_trials=2: is for trainer.kind: command only"

run env OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2 "$LRSEARCH" plan.yaml --set trainer.launcher=srun --run-dir ranks
expect_status 69
expect_err "trainer.launcher: srun needs no ranks: start lrsearch by itself in the job"
