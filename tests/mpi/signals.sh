#!/bin/sh
# usage: signals.sh TO-SIGNAL...
# Signals under mpirun, to mpirun and to the coordinator: 75, and the same command goes on. SIGUSR1
# has the trainings write their checkpoints first.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
mpi_environment
limit_s=400 # a campaign under AddressSanitizer on a loaded machine

tiny_plan tiny.yaml "search: {lr: [1e-2, 8e-2], horizons: [256k, 512k], policy: grid}" \
    "limits: {checkpoint_every: none}"
run_mpi 3 tiny.yaml --run-dir logs/whole
whole_status=$status
trials=$(grep -c '"event":"ended"' logs/whole/journal.jsonl)

# A campaign that is signalled while it runs. On a busy machine it may end before the signal.
interrupt_campaign() # DIR TO SIGNAL
{
    rm -rf "$1"
    rm -f "$LRSEARCH_EXIT_FILE"
    # shellcheck disable=SC2046 # words
    start env --default-signal=INT $(mpi_command 3) "$LRSEARCH" tiny.yaml --run-dir "$1"
    wait_for_events "$1/journal.jsonl" ended 1
    # 32 of each training: the next have something to save
    [ "$3" != USR1 ] || wait_for_events "$1/journal.jsonl" curve 66
    victim=$pid
    [ "$2" = mpirun ] || victim=$(rank_pid "$pid" 0)
    kill -"$3" "$victim"
    wait_gone "$pid" 60 || fail "SIG$3 to $2: mpirun did not end within 60 s"
    wait "$pid" 2>/dev/null
    status=$(cat "$LRSEARCH_EXIT_FILE" 2>/dev/null)
    ! has_events "$1/journal.jsonl" ended "$trials"
}

for case in "$@"; do
    to=${case%-*}
    signal=${case#*-}
    dir=logs/$to-$signal
    interrupt_campaign "$dir" "$to" "$signal" || interrupt_campaign "$dir" "$to" "$signal" ||
        interrupt_campaign "$dir" "$to" "$signal" || fail "SIG$signal to $to: it trained to the end"
    # Open MPI 5 kills the ranks 250 ms later, which can be too soon on a busy machine. run.sh takes
    # no status for 75; what follows shows that the journal sufficed.
    case "$to-$signal-$mpi_survival-$status" in
    mpirun-TERM-*ulfm- | mpirun-INT-*ulfm-) ;;
    *)
        [ "$status" = 75 ] || fail "SIG$signal to $to: exit status ${status:-none} instead of 75"
        expect_json interrupted "$dir/result.json" status
        ;;
    esac
    if [ $signal = USR1 ]; then
        expect_file "$dir"/checkpoints/trial-*.safetensors
        expect_err "that run may write their checkpoint"
    fi
    run_mpi 2 tiny.yaml --run-dir "$dir"
    expect_status "$whole_status"
    expect_same_result logs/whole/result.json "$dir/result.json"
    [ $signal != USR1 ] || expect_json 0 "$dir/result.json" cost lost_tokens
done
