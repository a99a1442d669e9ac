#!/bin/sh
# ulimit: too few open files and files that may not grow end each command with a message that names
# the limit, not by a signal; with room again the campaign goes on to the same answer.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
empty_figures

# shellcheck disable=SC2016 # for the inner shell
limited='ulimit -S "$1" "$2"; shift 2; exec "$@"'

tiny_plan tiny.yaml "search: {lr: [1e-2, 8e-2], horizons: [4k, 8k], policy: grid}"
run "$LRSEARCH" tiny.yaml --run-dir whole
whole_status=$status

# Open files. What is open already counts: no exact number.
cat >command.yaml <<'END'
version: 1
name: command
trainer: {kind: command, argv: ["true"]}
search: {lr: [1e-3, 3e-1], horizons: [8k, 16k], policy: grid}
target: {tokens: 1M}
END
for files in 6 9 16; do
    for plan in tiny command; do
        run sh -c "$limited" sh -n $files "$LRSEARCH" $plan.yaml --run-dir few
        expect_status 70
        expect_err "too few files can be open at once: 32 more are needed, and the limit of $files leaves"
        expect_err "raise it, as in: ulimit -n 1024"
        [ ! -e few ] || fail "a run that cannot be made left files"
    done
    run sh -c "$limited" sh -n $files "$LRSEARCH" train command.yaml --lr 1e-2 --tokens 8k
    expect_status 70
    expect_err "too few files can be open at once"
done

# The stack: threads have one of their own size. UCX (Debian 13's MPI loads it) starts a thread
# before main() that has not, and crashes below 1 MB unless it is told not to.
export UCX_VFS_ENABLE=n
for kilobytes in 128 256; do
    run sh -c "$limited" sh -s $kilobytes "$LRSEARCH" tiny.yaml --run-dir stack-$kilobytes
    expect_status "$whole_status"
    expect_same_answer whole/result.json stack-$kilobytes/result.json
done

# Sizes of files, in blocks of 512 bytes: what is in the way differs, what is said does not.
too_large() # BLOCKS LRSEARCH-ARGUMENT...
{
    blocks=$1
    shift
    run sh -c "$limited" sh -f "$blocks" "$LRSEARCH" "$@"
    expect_status 74
    expect_err "File too large; raise the limit of file sizes, as in: ulimit -f unlimited"
}
make_story story.txt
for blocks in 2 8 32; do # plan.resolved.json, the journal early and late
    rm -rf run
    too_large $blocks tiny.yaml --run-dir run
    run "$LRSEARCH" tiny.yaml --run-dir run
    expect_status "$whole_status"
    expect_same_answer whole/result.json run/result.json
done
too_large 8 report whole
too_large 2 export whole --format csv --out csv
too_large 8 export whole --format sqlite --out sqlite
too_large 2 tokenize story.txt --vocab 256 --out tokens
too_large 8 train tiny.yaml --lr 1e-2 --tokens 8k --save weights.safetensors

# A checkpoint that is too large costs the checkpoint, not the worker.
tiny_plan large.yaml "limits: {checkpoint_every: none}" "search: {lr: [2e-3, 8e-3], horizons: [1M, 2M], policy: grid}" \
    "model: {arch: gpt, d_model: 32, n_layers: 1, n_heads: 2, context: 32, vocab: 64}" "target: {tokens: 4M}"
start sh -c "$limited" sh -f 100 "$LRSEARCH" large.yaml --run-dir large
wait_for_events large/journal.jsonl curve 1
kill -USR1 "$pid"
wait "$pid"
status=$?
expect_status 75
expect_err "checkpoint not written: "
expect_err ".safetensors.tmp.$pid: cannot write it: File too large; raise the limit of file sizes"

# What cannot be printed was not done.
if [ -w /dev/full ]; then
    last_command="status whole >/dev/full"
    "$LRSEARCH" status whole >/dev/full 2>err
    status=$?
    expect_status 74
    expect_err "standard output: cannot write it: No space left on device"
fi

# A fork that ends while it takes over its first round goes on without --fork too, as one that is
# not begun.
rm -rf fork-*
for blocks in 24 48; do
    too_large $blocks tiny.yaml --run-dir whole --fork fork-$blocks
    run "$LRSEARCH" tiny.yaml --run-dir fork-$blocks
    expect_status "$whole_status"
    [ -z "$(ls fork-$blocks | grep '\.new$')" ] || fail "a part of a journal is left"
done
