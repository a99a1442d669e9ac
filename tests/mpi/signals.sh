#!/bin/sh
# usage: signals.sh TO-SIGNAL...
# Signals under mpirun, to mpirun and to the coordinator: 75, and the same command goes on. SIGUSR1
# has the trainings write their checkpoints first.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
mpi_environment
limit_s=400 # a campaign under AddressSanitizer on a loaded machine

# SIGUSR1 comes to trainings that have a checkpoint to write, SIGTERM and SIGINT to a program which
# waits for the file "go" from the third training on.
tiny_plan USR1.yaml "search: {lr: [1e-2, 8e-2], horizons: [256k, 1M], policy: grid}" \
    "limits: {checkpoint_every: none}"
cat >train.sh <<'END'
#!/bin/sh
until [ "$LRSEARCH_TRIAL" -le 2 ] || [ -e go ]; do sleep 0.1; done
echo "{\"tokens\": $LRSEARCH_TOKENS, \"loss\": 2.$LRSEARCH_TRIAL, \"final\": true}" >&"$LRSEARCH_REPORT_FD"
END
chmod +x train.sh
tee TERM.yaml >INT.yaml <<'END'
version: 1
name: waits
trainer: {kind: command, argv: [./train.sh]}
search: {lr: [1e-2, 8e-2], horizons: [256k, 512k], policy: grid}
target: {tokens: 1M}
END

signal_campaign() # DIR TO SIGNAL
{
    rm -rf "$1" go
    rm -f "$LRSEARCH_EXIT_FILE"
    # shellcheck disable=SC2046 # words
    start env --default-signal=INT $(mpi_command 3) "$LRSEARCH" "$3.yaml" --run-dir "$1"
    wait_for_events "$1/journal.jsonl" ended 2
    # 32 of each training: the next have something to save
    [ "$3" != USR1 ] || wait_for_events "$1/journal.jsonl" curve 66
    victim=$pid
    [ "$2" = mpirun ] || victim=$(rank_pid "$pid" 0)
    kill -"$3" "$victim"
    wait_gone "$pid" 60 || fail "SIG$3 to $2: mpirun did not end within 60 s"
    wait "$pid" 2>/dev/null
    status=$(cat "$LRSEARCH_EXIT_FILE" 2>/dev/null)
    touch go
}

for case in "$@"; do
    to=${case%-*}
    signal=${case#*-}
    dir=logs/$to-$signal
    touch go
    run_mpi 3 $signal.yaml --run-dir "logs/whole-$to-$signal"
    whole_status=$status
    # On a busy machine the trainings of SIGUSR1 may end before it, all eight.
    for _ in 1 2 3; do
        signal_campaign "$dir" "$to" "$signal"
        has_events "$dir/journal.jsonl" ended 8 || break
    done
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
    run_mpi 2 $signal.yaml --run-dir "$dir"
    expect_status "$whole_status"
    expect_same_result "logs/whole-$to-$signal/result.json" "$dir/result.json"
    [ $signal != USR1 ] || expect_json 0 "$dir/result.json" cost lost_tokens
done
