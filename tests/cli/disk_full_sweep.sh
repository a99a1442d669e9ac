#!/bin/sh
# The disk fills up at each write in turn: a file system with room for 4, 8, 12, ... kB, then one
# with 2, 3, 4, ... files. What ends with 0 has its whole result; all else says 74 and which file.
# With room again the same command ends with the result and the files of a run that had room, and no
# others. Then the commands that write elsewhere: they say 74, and leave nothing that is cut.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

mkdir disk
if [ "$(id -u)" -ne 0 ] || ! mount -t tmpfs -o size=64k tmpfs disk 2>/dev/null; then
    skip "a small tmpfs cannot be mounted here"
fi
trap 'umount -l "$work/disk"; cleanup' EXIT

cat >plan.yaml <<'END'
version: 1
name: full
trainer: {kind: simulate}
search: {lr: [1e-3, 2.56e-1], horizons: [1M, 2M, 4M]}
target: {tokens: 64M}
END
run "$LRSEARCH" plan.yaml --run-dir whole/run
expect_status 0
files_of() { (cd "$1" && find . -type f ! -name faults.csv | sort); }
files_of whole/run >whole.files

remount() # OPTIONS: another one, empty
{
    umount -l "$work/disk"
    mount -t tmpfs -o "$1" tmpfs "$work/disk" || fail "cannot mount"
}

failures=0
for options in $(seq -f 'size=%gk' 4 4 204) $(seq -f 'size=4m,nr_inodes=%g' 2 20); do
    remount "$options"
    run "$LRSEARCH" plan.yaml --run-dir "$work/disk/run"
    if [ "$status" -ne 0 ]; then
        failures=$((failures + 1))
        expect_status 74
        expect_err "error: $work/disk/run"
        expect_err "No space left on device"
    else
        expect_same_result whole/run/result.json disk/run/result.json
    fi
    mount -o remount,size=16m,nr_inodes=10000 "$work/disk" || fail "cannot remount"
    run "$LRSEARCH" plan.yaml --run-dir "$work/disk/run"
    [ "$status" -eq 0 ] || fail "$options: exit status $status with room again"
    expect_same_result whole/run/result.json disk/run/result.json
    files_of disk/run | cmp -s - whole.files || fail "$options: other files: $(files_of disk/run)"
    for file in disk/run/figures/*.svg disk/run/report.html; do
        tail -c 20 "$file" | grep -q '</svg>\|</html>' || fail "$options: $file is cut"
    done
    run "$LRSEARCH" history disk --json
    expect_json run out runs 0 run
done
[ "$failures" -ge 15 ] || fail "only $failures runs met a full disk"

writes() # SUFFIX COMMAND...: into disk/SUFFIX, which is too small
{
    place=disk/$1
    shift
    remount size=4k
    run "$LRSEARCH" "$@" "$place"
    expect_status 74
    expect_err "$place"
    [ -z "$(find disk -mindepth 1 -type f)" ] || fail "left behind: $(find disk -mindepth 1)"
}
make_story story.txt
tiny_plan tiny.yaml
for format in csv sqlite tensorboard; do
    writes out export whole/run --format $format -o
done
writes tokens tokenize story.txt --vocab 256 --out
writes model.safetensors train tiny.yaml --lr 1e-2 --tokens 8k --save
remount size=4k
run "$LRSEARCH" history whole --plot disk/p.svg
expect_err "disk/p.svg is not drawn"
[ ! -e disk/p.svg ] || fail "a figure that is cut was left"
