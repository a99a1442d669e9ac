#!/bin/sh
# A run's folder on a file system that is read only: what only reads works, and can write elsewhere;
# what would write there says 73, which path, and leaves nothing. The same for single folders of a
# run and for TMPDIR.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

mkdir whole view
if [ "$(id -u)" -ne 0 ] || ! mount --bind whole view 2>/dev/null; then
    skip "a folder cannot be mounted here"
fi
trap 'umount -l "$work/view" 2>/dev/null; cleanup' EXIT
seal() # FOLDER: read only, at view/
{
    umount -l "$work/view"
    mount --bind "$1" "$work/view" && mount -o remount,bind,ro "$work/view" || fail "cannot mount $1"
}

cat >sim.yaml <<'END'
version: 1
name: sim
trainer: {kind: simulate}
search: {lr: [1e-3, 2.56e-1], horizons: [1M, 2M, 4M]}
target: {tokens: 64M}
END
for seed in 1 2; do
    run "$LRSEARCH" sim.yaml --run-dir whole/n$seed --set seed=$seed
    expect_status 0
done
run "$LRSEARCH" sim.yaml --run-dir whole/part --set budget.trials=3
expect_status 4
make_story whole/story.txt
tiny_plan tiny.yaml
find whole | sort >whole.files
seal whole

for arguments in "status view/n1" "status view/part --json" "report view/n1 --data" "fit view/n1" "predict view/n1 --tokens 32M" \
    "compare view/n1 view/n2" "history view" "history view --plot elsewhere.svg" \
    "audit --lr 3e-4 --tokens 1T --params 7B view/n1" "export view/n1 --format csv -o csv" \
    "export view/n1 --format sqlite -o sqlite" "tokenize view/story.txt --vocab 256 --out tokens"; do
    # shellcheck disable=SC2086 # words
    run "$LRSEARCH" $arguments
    expect_status 0
done
run "$LRSEARCH" fit view/part
expect_status 4

sealed() # PATH ARGUMENT...
{
    path=$1
    shift
    run "$LRSEARCH" "$@"
    expect_status 73
    expect_err "$path"
    expect_err "Read-only file system"
}
sealed "cannot write to the directory view/n1" sim.yaml --run-dir view/n1
sealed "cannot write to the directory view/part" sim.yaml --run-dir view/part --set budget.trials=9
sealed "cannot create the directory view/new" sim.yaml --run-dir view/new
sealed "view/fork" sim.yaml --run-dir view/n1 --fork fork
sealed "view/n1" report view/n1
sealed "view/history.db" history view --rebuild
sealed "view/p.svg" history view --plot view/p.svg
sealed "view/n1" journal repair view/n1
sealed "view/csv" export view/n1 --format csv -o view/csv
sealed "view/sqlite" export view/n1 --format sqlite -o view/sqlite
sealed "view/tokens" tokenize view/story.txt --vocab 256 --out view/tokens
sealed "view/m.safetensors" train tiny.yaml --lr 1e-2 --tokens 8k --save view/m.safetensors
cat >command.yaml <<'END'
version: 1
name: command
trainer: {kind: command, argv: ["true"]}
search: {lr: [1e-3, 2.56e-1], horizons: [1M, 2M, 4M]}
target: {tokens: 64M}
END
for arguments in "bench train --size XS" "train command.yaml --lr .1 --tokens 100k" \
    "plan init view/story.txt -o made.yaml --time 1d"; do
    # shellcheck disable=SC2086 # words
    TMPDIR=$work/view sealed "$work/view/lrsearch-" $arguments
    expect_err "cannot create it (set TMPDIR to a folder that can be written)"
done
find whole | sort | cmp -s - whole.files || fail "was written: $(find whole | sort | comm -13 whole.files -)"

# One folder of a run alone: the campaign goes on, and says what is missing.
umount -l "$work/view"
for inner in logs figures; do
    mount --bind whole/n1/$inner whole/n1/$inner && mount -o remount,bind,ro "$work/whole/n1/$inner" ||
        fail "cannot mount"
    run "$LRSEARCH" sim.yaml --run-dir whole/n1
    umount -l "$work/whole/n1/$inner"
    expect_status 0
    expect_err "warning: "
    expect_err "whole/n1/$inner/"
    expect_err "Read-only file system"
done
