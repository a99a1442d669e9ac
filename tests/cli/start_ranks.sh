#!/bin/sh
# lrsearch run -n: what it calls mpirun with, what becomes of signals and statuses, on a stand-in
# for mpirun; and a campaign with the real one.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
# The library that the program is linked with says which launcher it starts.
case $(ldd "$LRSEARCH") in
*libmpich.so*) mpi=mpich launcher=mpiexec.hydra ;;
*) mpi=$(mpirun --version 2>&1 </dev/null) launcher=mpirun ;;
esac
tiny_plan tiny.yaml "search: {lr: [1e-2, 4e-2], horizons: [8k, 16k], policy: grid}"
empty_figures
mkdir bin tmp
export TMPDIR="$work/tmp"
real_path=$PATH

# As Open MPI with recovery: its own status is 0 whatever happened. What it is called with is
# written one word a line.
cat >bin/$launcher <<'END'
#!/bin/sh
printf '%s\n' "$@" >words
env >variables
cat >stdin
trap 'echo USR1 >>signals; [ -n "$DEAF" ] || { echo 75 >"$LRSEARCH_EXIT_FILE"; exit 0; }' USR1
trap 'echo TERM >>signals; exit 143' TERM
[ -z "$STATUS" ] || echo "$STATUS" >"$LRSEARCH_EXIT_FILE"
[ -z "$SLOW" ] || { echo >running; while :; do sleep 0.1; done; }
exit "${MPIRUN_STATUS:-0}"
END
chmod +x bin/$launcher
PATH=$work/bin:$PATH
export STATUS MPIRUN_STATUS SLOW DEAF
STATUS=0 MPIRUN_STATUS= SLOW= DEAF=

has_words() # WORD...: mpirun was called with them, one after the other
{
    wanted=$(printf '%s|' "$@")
    case "|$(tr '\n' '|' <words)" in
    *"|$wanted"*) ;;
    *) fail "mpirun was not called with $*, but with $(tr '\n' ' ' <words)" ;;
    esac
}
has_variable() # NAME=VALUE
{
    grep -qxF -e "$1" variables || fail "mpirun's environment has no $1"
}

# ---- words, options and variables ----

run "$LRSEARCH" run tiny.yaml -n 64 --set search.seeds=2
expect_status 0
has_words -np 64 "$(readlink -f "$LRSEARCH")" -n 64 --set search.seeds=2 run tiny.yaml
[ ! -s stdin ] || fail "mpirun has a stdin"
[ -z "$(ls tmp)" ] || fail "the file of the status is left"
case $mpi in
*"Open MPI) 4."*)
    has_words --oversubscribe --bind-to none --mca async_mpi_finalize 1 --enable-recovery
    has_variable OMPI_MCA_odls_base_sigkill_timeout=5
    ;;
*"Open MPI"*) has_words --oversubscribe --bind-to none --mca async_mpi_finalize 1 --with-ft ulfm ;;
*) [ "$(head -n 1 words)" = -np ] || fail "Hydra has no option $(head -n 1 words)" ;;
esac
case $mpi in
*"Open MPI"*)
    has_variable OMPI_MCA_mpi_yield_when_idle=1
    [ "$(id -u)" -ne 0 ] || has_variable OMPI_ALLOW_RUN_AS_ROOT=1
    run env OMPI_MCA_mpi_yield_when_idle=0 "$LRSEARCH" tiny.yaml -n 2
    has_variable OMPI_MCA_mpi_yield_when_idle=0
    ;;
esac

# auto: the tasks of a Slurm job, else the cores and one.
run env SLURM_NTASKS=17 "$LRSEARCH" tiny.yaml -n auto
has_words -np 17
run "$LRSEARCH" tiny.yaml -n auto
has_words -np $(($(env -u OMP_NUM_THREADS nproc) + 1))

# Names that a shell or mpirun could take for something else.
for name in 'a b;touch PWNED' '$(touch PWNED)' '`touch PWNED`' '|touch PWNED' "a'b\"c" '-x'; do
    cp tiny.yaml "./$name"
    run "$LRSEARCH" run -n 2 "./$name" --run-dir "./$name.run"
    expect_status 0
    has_words "./$name.run" run "./$name"
    [ -z "$(find . -name PWNED)" ] || fail "$name was run as a command"
done
cp tiny.yaml :
rm words
refused 2 "':': mpirun would take it for the end of a command; a file of that name is ./:" run : -n 2
[ ! -e words ] || fail "mpirun was called"

refused 2 "--ranks 0: must be a whole count from 1 to 65536, or auto" tiny.yaml -n 0
refused 2 "--ranks many: must be a whole count from 1 to 65536, or auto" tiny.yaml --ranks many
refused 2 "--requeue: needs -n" tiny.yaml --requeue

# ---- statuses ----

for STATUS in 0 3 65; do
    run "$LRSEARCH" tiny.yaml -n 2
    expect_status $STATUS
done
STATUS=
case $mpi in # when a rank was killed
mpich) killed=9 package=mpich ;;
*) killed=137 package=openmpi-bin ;;
esac
for MPIRUN_STATUS in 0 $killed; do # the coordinator left none
    run "$LRSEARCH" tiny.yaml -n 2
    expect_status 75
    expect_err "the coordinator was stopped before it was done; the same command goes on from there"
done
for MPIRUN_STATUS in 1 255; do # none could be started; 255: MPICH's mpirun has no --oversubscribe
    refused 70 "$launcher could not start the ranks (its status: $MPIRUN_STATUS); it must be that of " \
        tiny.yaml -n 2
done
MPIRUN_STATUS=
mkdir empty
run env PATH="$work/empty" "$LRSEARCH" tiny.yaml -n 2
expect_status 70
expect_err "$launcher: is not in PATH; Debian has it in the package $package"
run env TMPDIR="$work/none" "$LRSEARCH" tiny.yaml -n 2
expect_status 73
expect_err "cannot make a temporary file"

# ---- signals ----

start_slow() # ENVIRONMENT...
{
    rm -f running signals
    start env "$@" SLOW=1 "$LRSEARCH" run tiny.yaml -n 2 $more
    tries=100
    while [ ! -s running ] && [ $tries -gt 0 ]; do
        sleep 0.1
        tries=$((tries - 1))
    done
    [ -s running ] || fail "mpirun was not started"
}
for signal in INT TERM HUP USR1 USR2; do
    more=
    start_slow --default-signal=$signal
    kill -$signal "$pid"
    wait "$pid"
    status=$?
    expect_status 75
    expect_err "stopping (once more: at once)"
    [ "$(cat signals)" = USR1 ] || fail "SIG$signal became $(cat signals)"
done
start_slow DEAF=1
kill -TERM "$pid"
tries=100
until [ -s signals ] || [ $tries -eq 0 ]; do
    sleep 0.1
    tries=$((tries - 1))
done
kill -TERM "$pid"
wait "$pid"
status=$?
expect_status 75
[ "$(tr '\n' ' ' <signals)" = "USR1 TERM " ] || fail "two signals became $(cat signals)"
start_slow --ignore-signal=HUP
kill -HUP "$pid"
kill -TERM "$pid"
wait "$pid"
[ "$(cat signals)" = USR1 ] || fail "an ignored signal counts: $(cat signals)"

# ---- --requeue ----

# shellcheck disable=SC2016 # for the stand-in
printf '#!/bin/sh\necho "$*" >requeued\nkill -TERM $PPID\n' >bin/scontrol # Slurm ends the start
chmod +x bin/scontrol
more=--requeue
for signal in USR1 TERM; do
    rm -f requeued
    start_slow --default-signal=INT SLURM_JOB_ID=7
    kill -$signal "$pid"
    wait "$pid"
    status=$?
    expect_status 75
    case $signal in
    USR1) [ "$(cat requeued)" = "requeue 7" ] || fail "it was not put back" ;;
    *) [ ! -e requeued ] || fail "SIG$signal: a cancelled job was put back" ;;
    esac
done

# ---- started by others ----

step="SLURM_STEP_NUM_TASKS=8 SLURM_NTASKS=8"
# shellcheck disable=SC2086 # words
run env $step SLURM_PROCID=0 "$LRSEARCH" tiny.yaml --run-dir srun
expect_status 69
expect_err "MPI sees one rank, Slurm started 8: use srun --mpi=pmix or mpirun; with -n 1 each task is"
[ ! -e srun ] || fail "files of a campaign that did not begin"
# shellcheck disable=SC2086 # words
run env $step SLURM_PROCID=3 "$LRSEARCH" tiny.yaml --run-dir srun
expect_status 69
expect_err_lines 0
case $mpi in
*"Open MPI"*)
    # shellcheck disable=SC2086 # words
    run env $step SLURM_PROCID=0 PMI_RANK=0 PMI_SIZE=8 "$LRSEARCH" tiny.yaml --run-dir srun
    expect_status 69
    expect_err "Slurm started 8 ranks with --mpi=pmi2, which Open MPI does not speak: use srun --mpi=pmix or mpirun"
    ;;
esac
run env OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=8 "$LRSEARCH" tiny.yaml -n 64
expect_status 2
expect_err "-n 64: 8 ranks were started by mpirun or srun already; leave one of the two out"

# ---- the real mpirun ----

PATH=$real_path
run "$LRSEARCH" tiny.yaml --run-dir alone
alone=$status
run env SLURM_NTASKS=8 SLURM_PROCID=0 "$LRSEARCH" run tiny.yaml --run-dir batch-script # no step: one process
expect_status "$alone"
run "$LRSEARCH" run tiny.yaml -n 1 --run-dir one
expect_status "$alone"
run "$LRSEARCH" run tiny.yaml -n 3 --run-dir three
expect_status "$alone"
expect_same_result alone/result.json three/result.json
grep -q '"event":"session".*"ranks":3' three/journal.jsonl || fail "not three ranks"
[ -z "$(ls tmp | grep lrsearch)" ] || fail "the file of the status is left"
