#!/bin/sh
# One small campaign without mpirun: what it prints, the files of RUN_DIR, the exit status.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

tiny_plan tiny.yaml "search: {lr: [1e-2, 4e-2], horizons: [8k, 16k, 32k], policy: grid}"
run "$LRSEARCH" tiny.yaml
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"
result=logs/tiny/result.json
expect_file logs/tiny/plan.yaml logs/tiny/plan.resolved.json logs/tiny/provenance.json \
    logs/tiny/journal.jsonl logs/tiny/trials.csv $result
[ "$(readlink logs/latest)" = tiny ] || fail "logs/latest does not point to the newest run"
cmp -s tiny.yaml logs/tiny/plan.yaml || fail "RUN_DIR/plan.yaml is not the plan"
expect_json 1 $result schema_version
expect_json tiny $result name
expect_json 1000000 $result target tokens
expect_json 8000 $result horizons 0 tokens
expect_json 32000 $result horizons 2 tokens
case $status in
0) expect_json identified $result status ;;
3) expect_json not_identified $result status ;;
esac
for key in lr ci90 embedding_lr loss_penalty loss_penalty_if_wrong_2x width vocab; do
    json $result target $key >/dev/null || fail "target.$key is missing"
done
for key in beta beta_ci90 b r2 prior_weight holdout; do
    json $result law $key >/dev/null || fail "law.$key is missing"
done
for key in lr_opt ci90 curvature loss_min trials at_edge; do
    json $result horizons 1 $key >/dev/null || fail "horizons[1].$key is missing"
done
for key in trials tokens flops core_seconds target_run_fraction; do
    json $result cost $key >/dev/null || fail "cost.$key is missing"
done
trials=$(json $result cost trials)
[ "$(wc -l <logs/tiny/trials.csv)" -eq $((trials + 1)) ] ||
    fail "trials.csv must have a header and $trials lines"
for text in 8k 16k 32k 1M; do
    expect_out "$text"
done

# Figures, or where there is no gnuplot their scripts, with a line that says so.
if command -v gnuplot >/dev/null; then
    expect_file logs/tiny/figures/horizon.svg logs/tiny/figures/basins.svg
    grep -q "</svg>" logs/tiny/figures/basins.svg || fail "half a figure"
    [ -z "$(find logs/tiny/figures ! -name '*.svg' -type f)" ] || fail "more than figures is left"
fi
mkdir bin
cp -r logs/tiny bare # its answer is printed and drawn anew
rm -r bare/figures
PATH=$PWD/bin "$LRSEARCH" tiny.yaml --run-dir bare >out 2>err
expect_err "the figures are not drawn: gnuplot is missing or failed; their scripts are bare/figures/"
expect_file bare/figures/horizon.svg.gp bare/figures/basins.svg.gp
printf '#!/bin/sh\nexit 0\n' >bin/gnuplot # on a full disk it ends with 0 as well
chmod +x bin/gnuplot
PATH=$PWD/bin "$LRSEARCH" tiny.yaml --run-dir bare >out 2>err
expect_err "the figures are not drawn: gnuplot is missing or failed"
[ ! -e bare/figures/horizon.svg ] || fail "an empty figure counts as one"
[ ! -e bare/cells.csv ] || fail "cells.csv without axes"

# --json: the value alone on stdout, the same as in the file.
first_status=$status
run "$LRSEARCH" tiny.yaml --json -q
expect_status "$first_status"
cmp -s out $result || fail "--json and result.json differ"
expect_err_lines 1 # nothing but the summary, when all is well
expect_err 'lrsearch: summary {"name":"tiny",'

# With both streams in one file or pipe the answer is whole, whatever stdio's buffer holds.
"$LRSEARCH" tiny.yaml --json >both 2>&1
"$LRSEARCH" tiny.yaml --json 2>&1 | cat >piped
for file in both piped; do
    [ "$(wc -c <$file)" -gt 4200 ] || fail "$file is too short to tell"
    sed -n '/^{/,/^}/p' $file | cmp -s - $result || fail "$file: the answer is split: $(cat $file)"
    grep -q '^lrsearch: files in logs/tiny$' $file || fail "$file: no line of the log"
done

# --set and --run-dir
run "$LRSEARCH" run tiny.yaml --set seed=8 --set search.horizons=[8k,16k] --run-dir elsewhere/x
expect_file elsewhere/x/result.json
expect_json 8 elsewhere/x/plan.resolved.json seed

# A result that cannot be written out is no success, whatever was to be said.
full() # STATUS ARGUMENT...
{
    wanted=$1
    shift
    "$LRSEARCH" "$@" >/dev/full 2>err </dev/null
    status=$?
    last_command="$* >/dev/full"
    expect_status "$wanted"
}
if [ -c /dev/full ]; then
    for arguments in "tiny.yaml" "tiny.yaml --json" "fit logs/tiny" "status logs/tiny --json" "history logs" schema --help; do
        # shellcheck disable=SC2086 # words
        full 74 $arguments
        expect_err "error: standard output: cannot write it: "
        ! grep -q '"exit":0' err || fail "the summary says that all is well"
    done
    full 2 --no-such-option
    full 65 fit nowhere # nothing was to be printed: the error's own status
    expect_no_err "standard output"
fi

# Started with a standard stream closed: no file of a run gets its number, and what is printed.
for closed in '>&-' '>&- 2>&- <&-'; do
    rm -rf closed
    eval "\"\$LRSEARCH\" tiny.yaml --run-dir closed $closed"
    status=$?
    last_command="tiny.yaml $closed"
    expect_status "$first_status"
    expect_same_answer logs/tiny/result.json closed/result.json
    run "$LRSEARCH" fit closed -q
    expect_status "$first_status"
done

# A pipe in the place of the file for the exit status, which nobody reads.
mkfifo exit_file
limit_s=20
run env LRSEARCH_EXIT_FILE="$work/exit_file" "$LRSEARCH" no_such.yaml
expect_status 65
